//! The JWT filter.

use serde_json::{Map, Value};
use sluice_host::Headers;
use sluice_jwt::Program;
use sluice_policy::{Fact, HeaderEdit, Request};

use super::{Said, keys};
use crate::callouts::Script;
use crate::token::verdict::{self, Judgement};

/// Asks the filter at a time in seconds since 1970. Of keys that it would fetch, those
/// are known that are scripted.
pub fn judge(program: &Program, request: &Request<'_>, script: &Script, now: u64) -> Judgement {
    let store = keys::fetch(program, script, now);
    verdict::ask(program, request, &|source| store.keys(source), now)
}

/// Which way it decides.
pub fn said(judgement: &Judgement) -> Said {
    match judgement {
        Judgement::Refused(_) => Said::Refuses,
        Judgement::Passes { .. } | Judgement::Ignored => Said::Passes,
        Judgement::NoKeys(_) => Said::NotKnown,
    }
}

/// What it says, one line each.
pub fn describe(judgement: &Judgement) -> Vec<String> {
    match judgement {
        Judgement::Refused(status) => {
            vec![format!(
                "Refuse with status {}: {}",
                status.http(),
                status.text()
            )]
        }
        Judgement::Ignored => vec!["Pass: no rule finds a token".to_owned()],
        Judgement::NoKeys(sources) => {
            let keys = sources.join(", ");
            vec![format!(
                "Pass or refuse is not known here: the keys of {keys} are fetched, and --callouts has none"
            )]
        }
        Judgement::Passes { identity, .. } => {
            let principal = identity.principal.as_deref().unwrap_or("none");
            vec![format!("Pass with principal {principal}")]
        }
    }
}

/// What the next filter learns; of a token that nobody verified, nobody knows.
pub fn claims(judgement: &Judgement) -> Fact<Map<String, Value>> {
    match judgement {
        // If a module lets it pass that is refused here, nobody knows what it saw.
        Judgement::NoKeys(_) | Judgement::Refused(_) => Fact::Unavailable,
        Judgement::Ignored => Fact::Absent,
        Judgement::Passes { identity, .. } => {
            serde_json::from_slice(&identity.json).map_or(Fact::Unavailable, Fact::Present)
        }
    }
}

/// Does to the request what the filter does.
pub fn edit(judgement: &Judgement, headers: &mut Headers) {
    let Judgement::Passes { edits, .. } = judgement else {
        return;
    };
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => headers.set(name, value),
            HeaderEdit::Append(name, value) => headers.add(name, value),
            HeaderEdit::Remove(name) => {
                headers.remove(name);
            }
        }
    }
}
