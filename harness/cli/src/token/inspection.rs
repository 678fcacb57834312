//! What is shown of a token. The token itself and its signature never are.

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};
use sluice_policy::HeaderEdit;

use super::reading::{Reading, Section, Unreadable};
use super::time::in_words;
use super::verdict::{Judgement, Place};
use crate::report::visible::visible;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();

/// Claims that are times (RFC 7519 section 4.1; `auth_time` of OpenID Connect).
const TIMES: [&str; 4] = ["iat", "nbf", "exp", "auth_time"];

/// Everything about one token.
pub struct Inspection<'i> {
    /// What it holds.
    pub reading: &'i Reading,
    /// What is odd about it.
    pub suspicions: Vec<String>,
    /// What the filter says.
    pub judgement: &'i Judgement,
    /// The scheme of the header it was pasted in, if it is not `Bearer`.
    pub scheme: Option<&'i str>,
    /// Where the filter was shown it, if that is worth telling.
    pub place: Option<&'i Place>,
    /// Seconds since 1970.
    pub now: u64,
}

impl Inspection<'_> {
    /// For people.
    pub fn human(&self) -> String {
        let mut text = self.section("header", &self.reading.header);
        text.push_str(&self.section("claims", &self.reading.claims));
        text.push_str(&format!(
            "{TITLE}signature{TITLE:#}\n  {}\n",
            self.signature()
        ));
        if !self.suspicions.is_empty() {
            text.push_str(&format!("{ODD}suspicious{ODD:#}\n"));
            for suspicion in &self.suspicions {
                text.push_str(&format!("  {}\n", visible(suspicion)));
            }
        }
        text.push_str(&self.verdict());
        text
    }

    fn section(&self, title: &str, section: &Section) -> String {
        let mut text = format!("{TITLE}{title}{TITLE:#}\n");
        match section {
            Err(reason) => text.push_str(&format!("  {}\n", reason.words())),
            Ok(members) => members
                .iter()
                .for_each(|member| text.push_str(&self.member(member, width(members)))),
        }
        text
    }

    /// A name, its value as JSON, and what that means.
    fn member(&self, (name, value): (&String, &Value), width: usize) -> String {
        let meaning = match self.reading.time(name) {
            Some(time) if TIMES.contains(&name.as_str()) => {
                format!(" ({})", in_words(time, self.now))
            }
            _ => String::new(),
        };
        let name = visible(name).into_owned();
        format!(
            "  {name:<width$}  {}{meaning}\n",
            visible(&value.to_string())
        )
    }

    fn signature(&self) -> String {
        let bytes = match self.reading.signature_bytes {
            Ok(1) => "1 byte".to_owned(),
            Ok(bytes) => format!("{bytes} bytes"),
            Err(Unreadable::Missing) => return Unreadable::Missing.words().to_owned(),
            Err(reason) => return reason.words().to_owned(),
        };
        match self.judgement {
            Judgement::Passes { .. } => format!("{bytes}, verified"),
            _ => format!("{bytes}, not verified"),
        }
    }

    fn verdict(&self) -> String {
        let place = self.place.map(|place| format!(" (in {})", place.words()));
        let place = place.unwrap_or_default();
        match self.judgement {
            Judgement::Refused(status) => {
                let (http, reason) = (status.http(), status.text());
                format!("{BAD}refused{BAD:#}{place} with status {http}: {reason}\n")
            }
            Judgement::Ignored => format!("{ODD}ignored{ODD:#}{place}: {}\n", self.ignored()),
            Judgement::NoKeys(_) if self.place.is_none() => {
                format!(
                    "{ODD}not verified{ODD:#}: nothing else speaks against it; --jwks gives the keys\n"
                )
            }
            Judgement::NoKeys(sources) => {
                let sources = sources.join(", ");
                format!(
                    "{ODD}not verified{ODD:#}{place}: the keys of {} are not here; --jwks gives them\n",
                    visible(&sources)
                )
            }
            Judgement::Passes { identity, edits } => {
                let principal = identity.principal.as_deref().unwrap_or("none");
                let mut text = format!("{GOOD}passes{GOOD:#}{place}\n");
                if self.place.is_some() {
                    text.push_str(&format!("  principal  {}\n", visible(principal)));
                    edits
                        .iter()
                        .for_each(|edit| text.push_str(&format!("  {}\n", changed(edit))));
                }
                text
            }
        }
    }

    /// Why no rule takes it.
    fn ignored(&self) -> String {
        match self.scheme {
            Some(scheme) => format!(
                "the filter looks for \"Bearer \", letter by letter, unless a rule says otherwise, and not for \
                 \"{} \": to it there is no token, and the request passes without one",
                visible(scheme)
            ),
            None => "no rule looks at it".to_owned(),
        }
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let judgement = match self.judgement {
            Judgement::Refused(status) => json!({
                "verdict": "refused", "status": status.http(), "reason": status.text(),
            }),
            Judgement::Ignored => json!({"verdict": "ignored", "reason": self.ignored()}),
            Judgement::NoKeys(sources) => {
                let sources = self.place.map(|_| sources);
                json!({"verdict": "not-verified", "keys": sources})
            }
            Judgement::Passes { identity, .. } => json!({
                "verdict": "passes", "principal": identity.principal.as_deref(),
            }),
        };
        let value = json!({
            "header": shown(&self.reading.header),
            "claims": shown(&self.reading.claims),
            "suspicious": self.suspicions,
            "judgement": judgement,
        });
        format!("{value}\n")
    }
}

fn shown(section: &Section) -> Value {
    match section {
        Ok(members) => Value::Object(members.clone()),
        Err(_) => Value::Null,
    }
}

fn width(members: &Map<String, Value>) -> usize {
    members
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
}

/// A header that the upstream sees otherwise. Values come from the token: of a payload
/// header it would be most of it.
fn changed(edit: &HeaderEdit) -> String {
    let name = |name: &[u8]| visible(&String::from_utf8_lossy(name)).into_owned();
    match edit {
        HeaderEdit::Remove(header) => format!("removes    {}", name(header)),
        HeaderEdit::Set(header, value) | HeaderEdit::Append(header, value) => {
            let value = String::from_utf8_lossy(value);
            format!("sets       {}: {}", name(header), visible(&cut(&value)))
        }
    }
}

/// Characters of a header's value that are shown.
const SHOWN: usize = 64;

fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}
