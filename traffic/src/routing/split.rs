//! Which of several destinations a request is for.

use super::chance::{Chance, Draw};

/// The destination whose stretch a point falls into, as Envoy lays them end to end; none
/// if the weights end before it.
fn at(point: u32, weights: impl Iterator<Item = u32>) -> Option<usize> {
    let mut rest = point;
    for (number, weight) in weights.enumerate() {
        match rest.checked_sub(weight) {
            Some(left) => rest = left,
            None => return Some(number),
        }
    }
    None
}

/// Draws one of the destinations, by weight; none if none has any.
pub(super) fn draw(
    split: usize,
    weights: impl Iterator<Item = u32> + Clone,
    chance: &mut impl Chance,
) -> Option<usize> {
    let total = weights.clone().sum();
    if total == 0 {
        return None;
    }
    at(chance.point(Draw::Split(split), total), weights)
}

#[cfg(test)]
mod tests {
    use super::at;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn stretches_lie_end_to_end() {
        let weights = [30, 0, 30, 40];
        let table = [
            (0, Some(0)),
            (29, Some(0)),
            (30, Some(2)),
            (59, Some(2)),
            (60, Some(3)),
            (99, Some(3)),
            (100, None),
        ];
        for (point, expected) in table {
            assert_eq!(at(point, weights.into_iter()), expected);
        }
    }
}
