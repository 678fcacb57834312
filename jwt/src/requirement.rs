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

#[cfg(test)]
mod tests {
    use super::{Unmet, evaluate};
    use crate::key_source::SourceId;
    use crate::status::Status;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const MISSING: Result<(), Unmet> = Err(Unmet::Refused(Status::Missing));
    const UNKNOWN: Result<(), Unmet> = Err(Unmet::Refused(Status::UnknownIssuer));
    const EXPIRED: Result<(), Unmet> = Err(Unmet::Refused(Status::Expired));
    const BAD: Result<(), Unmet> = Err(Unmet::Refused(Status::BadFormat));
    const WAIT: Result<(), Unmet> = Err(Unmet::Wait(SourceId(7)));

    /// Evaluates rules that answer in turn; also returns who was asked.
    fn evaluated(rules: usize, answers: &[Result<(), Unmet>]) -> (Result<(), Unmet>, Vec<usize>) {
        let mut asked = Vec::new();
        let mut answers = answers.iter();
        let result = evaluate(rules, |rule| {
            asked.push(rule);
            *answers.next().expect("nobody asks on")
        });
        assert_eq!(answers.len(), 0, "somebody was not asked");
        (result, asked)
    }

    #[test]
    fn one_rule_is_asked_once() {
        assert_eq!(evaluated(1, &[Ok(())]), (Ok(()), vec![0]));
        assert_eq!(evaluated(1, &[MISSING]), (Ok(()), vec![0]));
        assert_eq!(evaluated(1, &[EXPIRED]), (EXPIRED, vec![0]));
        assert_eq!(evaluated(1, &[WAIT]), (WAIT, vec![0]));
    }

    #[test]
    fn the_first_success_is_enough() {
        assert_eq!(evaluated(2, &[Ok(())]), (Ok(()), vec![0]));
        assert_eq!(evaluated(2, &[BAD, Ok(())]), (Ok(()), vec![0, 1]));
    }

    #[test]
    fn all_are_asked_again_until_one_fails() {
        let again = vec![0, 1, 0, 1];
        let missing = [MISSING; 4];
        assert_eq!(evaluated(2, &missing), (Ok(()), again.clone()));
        let stripped = [BAD, UNKNOWN, Ok(()), MISSING];
        assert_eq!(evaluated(2, &stripped), (Ok(()), again));
        let (result, asked) = evaluated(2, &[BAD, UNKNOWN, EXPIRED]);
        assert_eq!((result, asked), (EXPIRED, vec![0, 1, 0]));
        let (result, asked) = evaluated(2, &[MISSING, BAD, WAIT]);
        assert_eq!((result, asked), (WAIT, vec![0, 1, 0]));
    }

    #[test]
    fn what_says_little_is_told_last() {
        for (answers, told) in [
            ([EXPIRED, UNKNOWN, UNKNOWN], EXPIRED),
            ([UNKNOWN, EXPIRED, UNKNOWN], EXPIRED),
            ([UNKNOWN, MISSING, UNKNOWN], UNKNOWN),
            ([MISSING, UNKNOWN, UNKNOWN], UNKNOWN),
            ([EXPIRED, BAD, UNKNOWN], BAD),
        ] {
            assert_eq!(evaluated(2, &answers).0, told, "{answers:?}");
        }
    }
}
