//! Memory that a decision needs and leaves behind for the next one.

use crate::truth::Truth;

/// Caller-owned scratch of [`decide`](crate::decide).
///
/// It grows to the size of the largest program that it served (four bytes a
/// predicate) and then no decision allocates. Any scratch serves any program.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Outcome by predicate: the decision that it belongs to, times four, plus
    /// the truth.
    memo: Vec<u32>,
    decision: u32,
}

/// Decisions that can be told apart in a memo.
const DECISIONS: u32 = u32::MAX / 4;

impl Scratch {
    /// Forgets the last decision.
    pub(crate) fn begin(&mut self, predicates: usize) {
        self.decision += 1;
        if self.decision == DECISIONS {
            self.memo.clear();
            self.decision = 1;
        }
        if self.memo.len() < predicates {
            self.memo.resize(predicates, 0);
        }
    }

    /// The truth of a predicate, evaluated at most once a decision.
    pub(crate) fn memoised(&mut self, predicate: usize, evaluate: impl FnOnce() -> Truth) -> Truth {
        let Some(entry) = self.memo.get_mut(predicate) else {
            return Truth::Unknown;
        };
        if *entry / 4 == self.decision {
            return match *entry % 4 {
                0 => Truth::False,
                1 => Truth::True,
                _ => Truth::Unknown,
            };
        }
        let truth = evaluate();
        *entry = self.decision * 4
            + match truth {
                Truth::False => 0,
                Truth::True => 1,
                Truth::Unknown => 2,
            };
        truth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_predicate_is_evaluated_once_a_decision() {
        let mut scratch = Scratch::default();
        for truth in [Truth::True, Truth::False, Truth::Unknown] {
            scratch.begin(1);
            assert_eq!(scratch.memoised(0, || truth), truth);
            assert_eq!(
                scratch.memoised(0, || unreachable!("evaluated twice")),
                truth
            );
        }
    }

    /// However large the program: to clear the memo would cost more than a decision.
    #[test]
    fn a_decision_begins_without_touching_the_memo() {
        let mut scratch = Scratch::default();
        scratch.begin(2);
        scratch.memoised(0, || Truth::True);
        let memo = scratch.memo.clone();
        for predicates in [2, 1, 0, 2, 2] {
            scratch.begin(predicates);
            assert_eq!(scratch.memo, memo);
        }
    }

    #[test]
    fn outcomes_do_not_survive_the_last_decision_number() {
        let mut scratch = Scratch::default();
        scratch.begin(1);
        scratch.memoised(0, || Truth::True);
        scratch.decision = DECISIONS - 1;
        scratch.begin(1);
        assert_eq!(scratch.memoised(0, || Truth::False), Truth::False);
    }

    #[test]
    fn a_predicate_out_of_range_grants_nothing() {
        assert_eq!(
            Scratch::default().memoised(0, || Truth::True),
            Truth::Unknown
        );
    }
}
