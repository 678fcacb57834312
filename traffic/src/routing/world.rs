//! What a decision needs beside the request.

use super::chance::{Chance, Dice, Draw};
use crate::breaker::{Admission, Refusal, Upstreams, Weighted};

/// Chance, and what became of requests before this one.
pub trait World: Chance {
    /// A request of a route is to go to the destination `given`, and would have up to
    /// `retries`: where it goes, and how many it has.
    ///
    /// # Errors
    /// It is to be answered at once.
    fn begin(
        &mut self,
        route: &[Weighted],
        given: usize,
        retries: u32,
    ) -> Result<Admission, Refusal>;
}

/// The world of one VM at one moment.
pub struct Moment<'w> {
    /// Chance.
    pub dice: &'w mut Dice,
    /// Breakers and budgets.
    pub upstreams: &'w mut Upstreams,
    /// The time, in milliseconds from whenever.
    pub now_ms: u64,
}

impl Chance for Moment<'_> {
    fn point(&mut self, draw: Draw, total: u32) -> u32 {
        self.dice.point(draw, total)
    }

    fn number(&mut self) -> u64 {
        self.dice.number()
    }
}

impl World for Moment<'_> {
    fn begin(
        &mut self,
        route: &[Weighted],
        given: usize,
        retries: u32,
    ) -> Result<Admission, Refusal> {
        let random = self.dice.number();
        self.upstreams
            .begin(route, given, retries, random, self.now_ms)
    }
}
