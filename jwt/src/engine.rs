//! Decides on a request.

use std::borrow::Cow;
use std::rc::Rc;

use sluice_policy::{Fact, HeaderLine, Request};

use crate::cache::Verdicts;
use crate::claims::{self, Unsendable};
use crate::draft::Draft;
use crate::extract::{self, Found, Place};
use crate::key_source::SourceId;
use crate::outcome::{Identity, Outcome, Progress, Verdict};
use crate::program::{Program, Rule};
use crate::requirement::{self, Unmet};
use crate::skew::CLOCK_SKEW_S;
use crate::status::Status;
use crate::token::Token;
use crate::world::{Keys, Recalled, World};

/// Longer texts are no tokens. Envoy takes whatever its limit for headers lets through,
/// which is 60 KiB by default for all of them together.
pub const MOST_TOKEN_BYTES: usize = 64 * 1024;

/// Judges the tokens of a request at a time in seconds since 1970.
///
/// Begins anew whenever it is called: it changes nothing outside of `world`.
pub fn authenticate(
    program: &Program,
    request: &Request<'_>,
    now_s: u64,
    world: &mut dyn World,
) -> Progress {
    if program.refusal.is_some() {
        return refused(Status::Unconfigured);
    }
    if program.rules.is_empty() {
        return passed(Vec::new(), None);
    }
    // A header that cannot be read may be a token, or a forged header of ours.
    let (Some(lines), Some(path)) = (known(request.headers, &[]), known(request.path, b"")) else {
        return refused(Status::Unreadable);
    };
    let mut draft = Draft::new(program, lines, path);
    // Whatever becomes of the request: these headers are ours to write.
    for name in &program.outputs {
        draft.remove(*name);
    }
    if is_preflight(request, lines) {
        return passed(draft.into_edits(), None);
    }
    let mut session = Session {
        program,
        now_s,
        world,
        draft,
        seen: Vec::new(),
        identity: None,
    };
    match requirement::evaluate(program.rules.len(), |rule| session.rule(rule)) {
        Ok(()) => passed(session.draft.into_edits(), session.identity),
        Err(Unmet::Refused(status)) => refused(status),
        Err(Unmet::Wait(source)) => Progress::Wait(source),
    }
}

/// A fact, or what stands for it when there is none; nothing if nobody could say.
fn known<T>(fact: Fact<T>, absent: T) -> Option<T> {
    match fact {
        Fact::Present(value) => Some(value),
        Fact::Absent => Some(absent),
        Fact::Unavailable => None,
    }
}

fn passed(edits: Vec<sluice_policy::HeaderEdit>, identity: Option<Rc<Identity>>) -> Progress {
    Progress::Done(Outcome {
        verdict: Verdict::Pass,
        edits,
        identity,
    })
}

fn refused(status: Status) -> Progress {
    Progress::Done(Outcome {
        verdict: Verdict::Refuse(status),
        edits: Vec::new(),
        identity: None,
    })
}

/// Whether a browser asks if it may send the request that it has in mind. It sends no
/// token with the question (Fetch standard, CORS-preflight fetch).
fn is_preflight(request: &Request<'_>, lines: &[HeaderLine<'_>]) -> bool {
    let has = |name: &[u8]| {
        lines
            .iter()
            .any(|(key, value)| *key == name && !value.is_empty())
    };
    request.method == Fact::Present(b"OPTIONS")
        && has(b"origin")
        && has(b"access-control-request-method")
}

/// One request on its way through the rules.
struct Session<'s, 'r> {
    program: &'r Program,
    now_s: u64,
    world: &'s mut dyn World,
    draft: Draft<'r>,
    seen: Vec<Seen<'r>>,
    /// That of the token believed last, as in Envoy, which overwrites it.
    identity: Option<Rc<Identity>>,
}

/// A text that was looked at before: rules with the same locations find the same.
struct Seen<'r> {
    text: Cow<'r, [u8]>,
    parsed: Result<Recalled, Status>,
    verified: Vec<(SourceId, Result<(), Status>)>,
}

impl<'r> Session<'_, 'r> {
    /// Asks a rule. All tokens that it finds must be good: one that is not could be
    /// the one that the upstream reads.
    fn rule(&mut self, number: usize) -> Result<(), Unmet> {
        let program = self.program;
        let Some(rule) = program.rules.get(number) else {
            return Err(Unmet::Refused(Status::Unconfigured));
        };
        // Before tokens are looked for: Envoy finds none in a header that it writes.
        for name in &rule.outputs {
            self.draft.remove(*name);
        }
        let found = extract::tokens(program, &rule.locations, &self.draft);
        if found.is_empty() {
            return Err(Unmet::Refused(Status::Missing));
        }
        let mut last_first = found.into_iter().rev();
        last_first.try_for_each(|found| self.token(number, rule, found))
    }

    fn token(&mut self, number: usize, rule: &Rule, found: Found<'r>) -> Result<(), Unmet> {
        let seen = self.see(found.text);
        let token = self.parsed(seen)?;
        check_claims(rule, &token.token, self.now_s).map_err(Unmet::Refused)?;
        self.verify(seen, &token, rule.source)?;
        let grant = token.memo.grant(number, rule, &token.token);
        let grant = grant.map_err(|Unsendable| Unmet::Refused(Status::ClaimNotSendable))?;
        for (name, value) in &grant.headers {
            self.draft.add(*name, value);
        }
        if !rule.forwards_token {
            self.strip(rule, found.place);
        }
        self.identity = Some(Rc::clone(&grant.identity));
        Ok(())
    }

    /// Where a text is among those that were looked at.
    fn see(&mut self, text: Cow<'r, [u8]>) -> usize {
        if let Some(seen) = self.seen.iter().position(|seen| seen.text == text) {
            return seen;
        }
        let parsed = match self.world.recall(&text) {
            Some(recalled) => Ok(recalled),
            None => self.parse(&text),
        };
        self.seen.push(Seen {
            text,
            parsed,
            verified: Vec::new(),
        });
        self.seen.len() - 1
    }

    fn parse(&self, text: &[u8]) -> Result<Recalled, Status> {
        if text.len() > MOST_TOKEN_BYTES {
            return Err(Status::TokenTooLarge);
        }
        let previous = self.world.previous();
        let rules = &self.program.rules;
        let is_split = |name: &str| {
            rules
                .iter()
                .any(|rule| claims::is_split(name, &rule.space_delimited))
        };
        let token = Token::parse_after(text, previous.as_deref(), &is_split)?;
        Ok(Recalled {
            token: Rc::new(token),
            memo: Rc::default(),
            verdicts: Verdicts::default(),
        })
    }

    fn parsed(&self, seen: usize) -> Result<Recalled, Unmet> {
        let seen = self.seen.get(seen).map(|seen| seen.parsed.clone());
        seen.unwrap_or(Err(Status::BadFormat))
            .map_err(Unmet::Refused)
    }

    /// Whether a key of the source signed the token; asked once a request.
    fn verify(&mut self, seen: usize, token: &Recalled, source: SourceId) -> Result<(), Unmet> {
        let answers = self.seen.get(seen).map(|seen| &seen.verified);
        let known = answers.and_then(|answers| answers.iter().find(|(of, _)| *of == source));
        if let Some((_, answer)) = known {
            return answer.map_err(Unmet::Refused);
        }
        let answer = self.ask_keys(token, source)?;
        if let Some(seen) = self.seen.get_mut(seen) {
            seen.verified.push((source, answer));
        }
        answer.map_err(Unmet::Refused)
    }

    /// The answer of the keys that there are, unless better ones are on their way.
    fn ask_keys(
        &mut self,
        token: &Recalled,
        source: SourceId,
    ) -> Result<Result<(), Status>, Unmet> {
        let keys = match self.world.keys(source) {
            Keys::Ready(keys) => keys,
            Keys::Pending => return Err(Unmet::Wait(source)),
            Keys::Failed(status) => return Ok(Err(status)),
        };
        let answer = self.world.verify(token, source, &keys);
        // An issuer that has changed its keys is believed at once, which Envoy does not:
        // it refuses the new ones until the old have expired.
        if answer.is_err()
            && let Some(key_id) = token.token.key_id()
            && !keys.has_key_id(key_id)
            && self.world.unknown_key(source, key_id)
        {
            return Err(Unmet::Wait(source));
        }
        Ok(answer)
    }

    /// Takes a token out of the request, unless it is in a cookie, where Envoy leaves it.
    fn strip(&mut self, rule: &Rule, place: Place) {
        match place {
            Place::Header(name) => self.draft.remove(name),
            Place::Parameter(number) => {
                if let Some(name) = rule.locations.parameters.get(number) {
                    self.draft.remove_parameter(name);
                }
            }
            Place::Cookie => {}
        }
    }
}

/// What is checked before the signature, in Envoy's order: an expired token of an
/// unknown issuer is refused for its issuer.
fn check_claims(rule: &Rule, token: &Token, now_s: u64) -> Result<(), Status> {
    if !rule.issuer.is_empty() && *rule.issuer != *token.issuer() {
        return Err(Status::UnknownIssuer);
    }
    if now_s.saturating_add(CLOCK_SKEW_S) < token.not_before() {
        return Err(Status::NotYetValid);
    }
    let expiry = token.expiry();
    // 0 stands for none: such a token never expires.
    if expiry != 0 && now_s > expiry.saturating_add(CLOCK_SKEW_S) {
        return Err(Status::Expired);
    }
    if !rule.audiences.allow(token.audiences()) {
        return Err(Status::AudienceNotAllowed);
    }
    Ok(())
}
