//! What a decision needs beside the request.

use super::chance::{Chance, Dice, Draw};
use crate::breaker::{Admission, Refusal, Upstreams, Weighted};
use crate::guard::Guard;

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

    /// The request is not sent after all.
    fn cancel(&mut self, admission: &Admission);

    /// What the guard of that number thinks of its canary.
    fn canary(&self, guard: usize) -> Canary;
}

/// What is thought of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// It does as well, as far as is known.
    Fine,
    /// It does worse, and nothing is done about it: a dry run.
    Suspect,
    /// It gets no more requests of the split.
    Drained,
}

/// The world of one VM at one moment.
pub struct Moment<'w> {
    /// Chance.
    pub dice: &'w mut Dice,
    /// Breakers and budgets.
    pub upstreams: &'w mut Upstreams,
    /// Guards, in the order of the program's.
    pub guards: &'w [Guard],
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

    fn cancel(&mut self, admission: &Admission) {
        self.upstreams.cancel(admission);
    }

    fn canary(&self, guard: usize) -> Canary {
        match self.guards.get(guard) {
            Some(guard) if guard.is_drained() => Canary::Drained,
            Some(guard) if guard.would_drain() => Canary::Suspect,
            _ => Canary::Fine,
        }
    }
}
