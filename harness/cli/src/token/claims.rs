//! The claims of a new token.

use std::path::Path;

use serde_json::{Map, Value, json};
use sluice_policy::Diagnostics;
use sluice_policy::diagnostic::{describe, quote};
use sluice_policy::json;

use crate::failure::Failure;

/// When a token ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Seconds from now; below zero, it ended before.
    Seconds(i64),
    /// It has no `exp`.
    Never,
}

/// What the options say. Each goes before the claim of that name in a file.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`: one is a string, several are a list.
    pub audiences: Vec<String>,
    /// `exp`.
    pub lifetime: Option<Lifetime>,
    /// `nbf`, in seconds from now.
    pub not_before: Option<i64>,
    /// Any others, null for none.
    pub others: Vec<(String, Value)>,
}

/// Seconds that a token lives when nothing says how long.
const DEFAULT_LIFETIME_S: i64 = 3_600;

impl Wanted {
    /// The claims of a token that is made at `now`, on top of those of a file.
    ///
    /// # Errors
    /// A time before 1970.
    pub fn on_top_of(
        &self,
        file: Map<String, Value>,
        now: u64,
    ) -> Result<Map<String, Value>, Failure> {
        let mut claims = file;
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        set("iss", self.issuer.as_ref().map(|issuer| json!(issuer)));
        set("sub", self.subject.as_ref().map(|subject| json!(subject)));
        set("aud", self.audience());
        let not_before = self
            .not_before
            .map(|offset| moment("--not-before", now, offset));
        set("nbf", not_before.transpose()?);
        claims.entry("iat").or_insert_with(|| json!(now));
        self.set_expiry(&mut claims, now)?;
        for (name, value) in &self.others {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        Ok(claims)
    }

    fn audience(&self) -> Option<Value> {
        match self.audiences.as_slice() {
            [] => None,
            [one] => Some(json!(one)),
            several => Some(json!(several)),
        }
    }

    /// A file's `exp` stays unless an option says otherwise.
    fn set_expiry(&self, claims: &mut Map<String, Value>, now: u64) -> Result<(), Failure> {
        let default = Lifetime::Seconds(DEFAULT_LIFETIME_S);
        match (self.lifetime, claims.contains_key("exp")) {
            (None, true) => return Ok(()),
            (Some(Lifetime::Never), _) => {
                claims.remove("exp");
            }
            (wanted, _) => {
                let Lifetime::Seconds(seconds) = wanted.unwrap_or(default) else {
                    return Ok(());
                };
                claims.insert("exp".to_owned(), moment("--expires-in", now, seconds)?);
            }
        }
        Ok(())
    }
}

fn moment(option: &str, now: u64, offset: i64) -> Result<Value, Failure> {
    let expected = "a time since 1970 in 64 bits";
    let moment = now.checked_add_signed(offset);
    let found = format_args!("{offset} seconds from {now}");
    moment
        .map(|moment| json!(moment))
        .ok_or_else(|| Failure::new(option, found, expected, "out-of-range"))
}

/// Reads a file of claims: one JSON object.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::reading(path, &error))?;
    let mut diagnostics = Diagnostics::new();
    let value = json::parse(&bytes, &mut diagnostics);
    if diagnostics.has_errors() {
        let lines = diagnostics
            .iter()
            .map(|finding| format!("{}: {finding}", path.display()));
        return Err(Failure::said(
            lines.collect::<Vec<_>>().join("\n"),
            "invalid-claims",
        ));
    }
    match value {
        Some(Value::Object(claims)) => Ok(claims),
        other => Err(Failure::new(
            path.display(),
            describe(&other.unwrap_or_default()),
            "an object of claims",
            "invalid-claims",
        )),
    }
}

/// `KEY=VALUE`: a JSON value, or else a string.
///
/// # Errors
/// There is no key.
pub fn claim(text: &str) -> Result<(String, Value), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = parts
        .ok_or_else(|| format!("found {}, expected KEY=VALUE [invalid-claim]", quote(text)))?;
    let value = json::parse_untrusted(value.as_bytes(), json::TrailingComma::Refused)
        .unwrap_or_else(|| json!(value));
    Ok((key.to_owned(), value))
}

/// `never`, or a span.
///
/// # Errors
/// It is neither.
pub fn lifetime(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime::Never);
    }
    super::time::span(text).map(Lifetime::Seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_760_000_000;

    fn made(wanted: &Wanted, file: Value) -> Value {
        let Value::Object(file) = file else {
            panic!("an object");
        };
        Value::Object(wanted.on_top_of(file, NOW).unwrap())
    }

    #[test]
    fn a_token_lives_for_an_hour_unless_something_says_otherwise() {
        let plain = made(&Wanted::default(), json!({}));
        assert_eq!(plain, json!({"iat": NOW, "exp": NOW + 3_600}));
        let file = made(&Wanted::default(), json!({"exp": 5, "iat": 4}));
        assert_eq!(file, json!({"iat": 4, "exp": 5}));
        let wanted = Wanted {
            lifetime: Some(Lifetime::Never),
            ..Wanted::default()
        };
        assert_eq!(made(&wanted, json!({"exp": 5})), json!({"iat": NOW}));
    }

    #[test]
    fn options_go_before_the_file() {
        let wanted = Wanted {
            issuer: Some("a".to_owned()),
            audiences: vec!["x".to_owned(), "y".to_owned()],
            not_before: Some(-60),
            lifetime: Some(Lifetime::Seconds(-1)),
            others: vec![claim("iat=null").unwrap(), claim("n=1").unwrap()],
            ..Wanted::default()
        };
        let made = made(&wanted, json!({"iss": "b", "sub": "c"}));
        let expected = json!({
            "iss": "a", "sub": "c", "aud": ["x", "y"], "nbf": NOW - 60, "exp": NOW - 1, "n": 1,
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn a_time_before_1970_is_refused() {
        let wanted = Wanted {
            not_before: Some(i64::MIN),
            ..Wanted::default()
        };
        let refused = wanted.on_top_of(Map::new(), NOW).unwrap_err();
        assert_eq!(refused.code(), "out-of-range");
    }

    #[test]
    fn a_value_is_json_or_else_a_string() {
        let value = |text: &str| claim(text).unwrap().1;
        assert_eq!(value("a=1"), json!(1));
        assert_eq!(value("a=\"1\""), json!("1"));
        assert_eq!(value("a=[\"x\"]"), json!(["x"]));
        assert_eq!(value("a=x=y"), json!("x=y"));
        assert_eq!(value("a="), json!(""));
        assert!(claim("=1").is_err() && claim("a").is_err());
    }
}
