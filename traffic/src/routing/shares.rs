//! How much of its requests each destination of a route gets.

use super::program::Target;
use crate::breaker::Weighted;
use crate::guard::Subset;

/// What the destinations of a route get, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) weights: Vec<u32>,
    /// The same by their breakers; none if nothing holds for any of them.
    pub(super) guarded: Vec<Weighted>,
}

impl Shares {
    /// As they are declared. There are as many `breakers` as targets, or none.
    pub(super) fn declared(targets: &[Target], breakers: &[usize]) -> Self {
        let weights = targets.iter().map(|target| target.weight);
        Self::new(weights.collect(), breakers)
    }

    /// While the canary is drained: it has none. If nothing is left so, what it was to
    /// replace has all.
    pub(super) fn drained(targets: &[Target], breakers: &[usize]) -> Self {
        let rest = |target: &Target| match target.role {
            Some(Subset::Canary) => 0,
            _ => target.weight,
        };
        let alone = |target: &Target| u32::from(target.role == Some(Subset::Stable));
        let mut weights: Vec<u32> = targets.iter().map(rest).collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights = targets.iter().map(alone).collect();
        }
        Self::new(weights, breakers)
    }

    fn new(weights: Vec<u32>, breakers: &[usize]) -> Self {
        let pairs = breakers.iter().zip(&weights);
        let guarded = pairs.map(|(breaker, weight)| Weighted {
            breaker: *breaker,
            weight: *weight,
        });
        Self {
            guarded: guarded.collect(),
            weights,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Subset::{Canary, Stable};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn targets(declared: &[(u32, Option<Subset>)]) -> Vec<Target> {
        let target = |&(weight, role)| Target {
            name: "".into(),
            host: "".into(),
            subset: "".into(),
            weight,
            role,
            headers: Default::default(),
        };
        declared.iter().map(target).collect()
    }

    #[test]
    fn a_drained_canary_leaves_the_rest_as_it_was() {
        let targets = targets(&[(90, Some(Stable)), (5, Some(Canary)), (5, None)]);
        assert_eq!(Shares::declared(&targets, &[]).weights, [90, 5, 5]);
        assert_eq!(Shares::drained(&targets, &[]).weights, [90, 0, 5]);
    }

    #[test]
    fn what_a_canary_had_alone_goes_back() {
        let targets = targets(&[(0, None), (100, Some(Canary)), (0, Some(Stable))]);
        assert_eq!(Shares::drained(&targets, &[]).weights, [0, 0, 1]);
    }

    #[test]
    fn breakers_know_the_same_weights() {
        let targets = targets(&[(95, Some(Stable)), (5, Some(Canary))]);
        let guarded = Shares::drained(&targets, &[7, 3]).guarded;
        let pairs = guarded.iter().map(|to| (to.breaker, to.weight));
        assert_eq!(pairs.collect::<Vec<_>>(), [(7, 95), (3, 0)]);
        assert_eq!(Shares::drained(&targets, &[]).guarded, []);
    }
}
