//! Three-valued logic (Kleene's): true, false, and not known.

/// Outcome of a test on facts that may be unavailable.
///
/// The order is that of conjunction: `and` is the minimum, `or` the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// The test fails, whatever the unavailable facts may be.
    False,
    /// An unavailable fact would decide.
    Unknown,
    /// The test holds, whatever the unavailable facts may be.
    True,
}

impl Truth {
    /// Conjunction.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Disjunction.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Negation, when `negated`; unchanged otherwise.
    #[must_use]
    pub fn negate_if(self, negated: bool) -> Self {
        match (negated, self) {
            (true, Self::False) => Self::True,
            (true, Self::True) => Self::False,
            (_, truth) => truth,
        }
    }

    /// Conjunction of many, stopping at the first `False`.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::True;
        for truth in truths {
            result = result.and(truth);
            if result == Self::False {
                break;
            }
        }
        result
    }

    /// Disjunction of many, stopping at the first `True`.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::False;
        for truth in truths {
            result = result.or(truth);
            if result == Self::True {
                break;
            }
        }
        result
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{False, True, Unknown};
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn unknown_neither_grants_nor_escapes() {
        assert_eq!(Truth::all([True, Unknown]), Unknown);
        assert_eq!(Truth::all([Unknown, False]), False);
        assert_eq!(Truth::any([False, Unknown]), Unknown);
        assert_eq!(Truth::any([Unknown, True]), True);
    }

    #[test]
    fn an_empty_conjunction_holds_and_an_empty_disjunction_does_not() {
        assert_eq!(Truth::all([]), True);
        assert_eq!(Truth::any([]), False);
    }

    #[test]
    fn negation_swaps_what_is_known() {
        assert_eq!(True.negate_if(true), False);
        assert_eq!(False.negate_if(true), True);
        assert_eq!(Unknown.negate_if(true), Unknown);
        assert_eq!(True.negate_if(false), True);
        assert_eq!(Truth::from(true), True);
        assert_eq!(Truth::from(false), False);
    }
}
