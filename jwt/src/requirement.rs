//! What Istio makes of several rules: a token may be missing, but not invalid.
//!
//! ```text
//! 1 rule : ANY( P0 , allow_missing )
//! N rules: ANY( P0, P1, …, ALL( ANY(P0,allow_missing), ANY(P1,allow_missing), … ) )
//! ```
//!
//! ANY stops at the first success and ALL at the first failure. A rule's changes to
//! the headers stay even if it fails afterwards, so that rules are asked in this very
//! order and up to twice.

use crate::key_source::SourceId;
use crate::status::Status;

/// Why a rule is not satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// It will not be.
    Refused(Status),
    /// Keys are on their way.
    Wait(SourceId),
}

/// Asks rules, by their numbers, until it is clear whether the request passes.
pub(crate) fn evaluate(
    rules: usize,
    mut ask: impl FnMut(usize) -> Result<(), Unmet>,
) -> Result<(), Unmet> {
    let mut failure = Status::Missing;
    for rule in 0..rules {
        match ask(rule) {
            Err(Unmet::Refused(status)) => failure = weightier(failure, status),
            over => return over,
        }
    }
    if rules > 1 {
        match all_may_be_missing(rules, ask) {
            Err(Unmet::Refused(status)) => failure = weightier(failure, status),
            over => return over,
        }
    }
    missing_is_met(Err(Unmet::Refused(failure)))
}

/// `ALL( ANY(P0,allow_missing), … )`.
fn all_may_be_missing(
    rules: usize,
    mut ask: impl FnMut(usize) -> Result<(), Unmet>,
) -> Result<(), Unmet> {
    (0..rules).try_for_each(|rule| missing_is_met(ask(rule)))
}

fn missing_is_met(result: Result<(), Unmet>) -> Result<(), Unmet> {
    match result {
        Err(Unmet::Refused(Status::Missing)) => Ok(()),
        other => other,
    }
}

/// Which of two failures of ANY is reported: the last that says something about a
/// token of its rule, else that nobody knows the issuer, else that there is none.
fn weightier(before: Status, status: Status) -> Status {
    let says_little = matches!(status, Status::Missing | Status::UnknownIssuer);
    if says_little && before != Status::Missing {
        before
    } else {
        status
    }
}
