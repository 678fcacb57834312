//! What looking at one request with regular expressions may cost.
//!
//! The engine of expressions goes through all of an expression for each byte of a text, in
//! the worst case: about 90 instructions of a module for each pair of the two. A client
//! decides how long the texts are. Without a limit a header of 50 KB would keep a worker,
//! and all other requests of it, for a tenth of a second with ten ordinary expressions.

use std::cell::Cell;

/// Pairs of expression and text up to this size are free: the configuration asks for them.
/// It is an expression of 32 characters on a text of a kilobyte.
const FREE: u64 = 32 * 1024;

/// What all others may cost together. It keeps a worker for some 20 ms.
const MOST: u64 = 2 * 1024 * 1024;

/// What is left of it for one request.
#[derive(Debug)]
pub struct Effort {
    left: Cell<u64>,
    is_spent: Cell<bool>,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            left: Cell::new(MOST),
            is_spent: Cell::new(false),
        }
    }
}

impl Effort {
    /// Whether an expression of that length may look at a text once; if not, nothing may
    /// any more.
    pub(crate) fn allows(&self, expression: usize, text: usize) -> bool {
        self.pay(cost(expression, text), FREE)
    }

    /// The same for one search of many in a text: none of them is free.
    pub(crate) fn allows_again(&self, expression: usize, text: usize) -> bool {
        self.pay(cost(expression, text), 0)
    }

    fn pay(&self, cost: u64, free: u64) -> bool {
        let price = if cost <= free { 0 } else { cost };
        match self.left.get().checked_sub(price) {
            Some(left) => self.left.set(left),
            None => self.is_spent.set(true),
        }
        !self.is_spent.get()
    }

    /// Whether something was not looked at.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent.get()
    }
}

fn cost(expression: usize, text: usize) -> u64 {
    (expression as u64).saturating_mul(text as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn short_texts_cost_nothing() {
        let effort = Effort::default();
        assert!((0..10_000).all(|_| effort.allows(32, 1_024)));
    }

    #[test]
    fn long_texts_share_what_there_is() {
        let effort = Effort::default();
        let costs = |count: usize| (0..count).all(|_| effort.allows(32, 1_025));
        assert!(costs(63) && !effort.is_spent());
        assert!(!costs(1) && effort.is_spent());
        assert!(!effort.allows(1, 1), "nothing any more");
    }

    #[test]
    fn searches_again_are_never_free() {
        let effort = Effort::default();
        let found = (0..10_000).take_while(|_| effort.allows_again(32, 1_024));
        assert_eq!(found.count(), 64);
    }

    #[test]
    fn no_length_is_too_great() {
        assert!(!Effort::default().allows(usize::MAX, usize::MAX));
        assert!(Effort::default().allows(0, usize::MAX));
    }
}
