//! Chance, as an argument.

use sluice_policy::Request;

use crate::hash::{GOLDEN, hash, mix};
use crate::route_table::first_line;

/// What a number is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Which destination of the split with that number.
    Split(usize),
    /// Anything else.
    Other,
}

/// Somebody who draws numbers.
pub trait Chance {
    /// A number below `total`; 0 if that is 0.
    fn point(&mut self, draw: Draw, total: u32) -> u32;

    /// Any number.
    fn number(&mut self) -> u64;
}

/// Numbers that a seed makes.
///
/// Left alone, each split goes through its weights like a golden angle goes round a
/// circle: after any number of requests each destination has its share up to a few
/// requests, where independent draws would be off by the root of their number. With the
/// id of a request every draw is a hash of both, so that a replay decides alike.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
    /// How far each split is round its circle.
    turns: Vec<u64>,
    /// The hash of the request, if it has dice of its own.
    request: Option<u64>,
}

impl Dice {
    /// Dice for all requests of a VM, and as many splits.
    pub fn new(seed: u64, splits: usize) -> Self {
        let mut dice = Self {
            state: seed,
            turns: Vec::new(),
            request: None,
        };
        // Workers must not go round in step.
        dice.turns = (0..splits).map(|_| dice.number()).collect();
        dice
    }

    /// Dice for one request, told apart by its `x-request-id`.
    pub fn of_request(seed: u64, request: &Request<'_>) -> Self {
        Self::of_id(
            seed,
            first_line(request, "x-request-id").unwrap_or_default(),
        )
    }

    fn of_id(seed: u64, id: &[u8]) -> Self {
        let request = hash(seed, id);
        Self {
            state: request,
            turns: Vec::new(),
            request: Some(request),
        }
    }

    fn turn(&mut self, split: usize) -> u64 {
        match self.turns.get_mut(split) {
            Some(turn) => {
                *turn = turn.wrapping_add(GOLDEN);
                *turn
            }
            None => self.number(),
        }
    }
}

impl Chance for Dice {
    fn point(&mut self, draw: Draw, total: u32) -> u32 {
        let number = match (draw, self.request) {
            (Draw::Split(split), Some(request)) => {
                mix(request ^ (split as u64).wrapping_mul(GOLDEN))
            }
            (Draw::Split(split), None) => self.turn(split),
            (Draw::Other, _) => self.number(),
        };
        below(number, total)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }
}

/// The share of `total` that a number is of 2^64.
fn below(number: u64, total: u32) -> u32 {
    let scaled = (u128::from(number) * u128::from(total)) >> 64;
    u32::try_from(scaled).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_split_has_its_share_after_any_number_of_requests() {
        for seed in 0..20 {
            let mut dice = Dice::new(seed, 2);
            let mut small = 0_i32;
            for request in 1..=20_000_i32 {
                small += i32::from(dice.point(Draw::Split(1), 100) >= 95);
                let off = 100 * small - 5 * request;
                assert!(off.abs() < 400, "{small} of {request}");
            }
        }
    }

    #[test]
    fn every_second_request_has_its_share_too() {
        let mut dice = Dice::new(7, 1);
        let mut small = [0_u32; 2];
        for request in 0..20_000 {
            let is_small = dice.point(Draw::Split(0), 100) < 5;
            small[request % 2] += u32::from(is_small);
        }
        assert!(
            small.iter().all(|count| count.abs_diff(500) < 10),
            "{small:?}"
        );
    }

    /// Another draw would send a replay of the same seed elsewhere.
    #[test]
    fn draws_of_a_seed_stay() {
        let mut dice = Dice::of_id(7, b"id");
        let drawn = [0, 1, 2, 3].map(|split| dice.point(Draw::Split(split), 1_000_000));
        assert_eq!(drawn, [575_830, 492_816, 547_643, 211_088]);
    }

    #[test]
    fn a_request_draws_the_same_wherever_it_is_judged() {
        let mut first = Dice::of_id(1, b"id");
        let mut second = Dice::of_id(1, b"id");
        // However much is drawn before.
        second.number();
        assert_eq!(
            first.point(Draw::Split(3), 1_000),
            second.point(Draw::Split(3), 1_000)
        );
        let mut counts = [0_u32; 4];
        for id in 0..40_000_u32 {
            let mut dice = Dice::of_id(1, &id.to_le_bytes());
            counts[dice.point(Draw::Split(0), 4) as usize] += 1;
        }
        // Five standard deviations.
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 433),
            "{counts:?}"
        );
        assert_eq!(first.point(Draw::Split(0), 0), 0);
    }
}
