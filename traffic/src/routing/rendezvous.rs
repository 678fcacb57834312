//! Which destination a client belongs to, by highest random weight (Thaler and
//! Ravishankar, 1998) with logarithmic weights.
//!
//! Each destination gets a waiting time out of the client's key, exponential with its
//! weight, and the shortest one wins. When a weight grows, its waiting times shrink: the
//! clients that it has stay, and others come.

use crate::hash::hash;

/// A waiting time before the weight divides it: -log2 of a hash as a share of 2^64, in
/// fractions of 2^32.
fn waiting(hash: u64) -> u64 {
    // 1 to 2^64 - 1, so that the logarithm is there.
    let number = hash | 1;
    let zeros = number.leading_zeros();
    // From 2^31 up to 2^32.
    let mut mantissa = (number << zeros) >> 32;
    let mut fraction = 0_u64;
    for _ in 0..32 {
        mantissa *= mantissa;
        fraction <<= 1;
        if mantissa >> 63 == 1 {
            fraction |= 1;
            mantissa >>= 32;
        } else {
            mantissa >>= 31;
        }
    }
    (u64::from(zeros + 1) << 32) - fraction
}

/// The winner among destinations with a weight each; none if there is none with any.
pub(super) fn choose<'d>(
    key: &[u8],
    scope: u64,
    destinations: impl Iterator<Item = (&'d str, u32)>,
) -> Option<usize> {
    let mut best: Option<(usize, u64, u32)> = None;
    for (number, (name, weight)) in destinations.enumerate() {
        if weight == 0 {
            continue;
        }
        let time = waiting(hash(hash(scope, name.as_bytes()), key));
        let is_shorter = best.is_none_or(|(_, other, other_weight)| {
            u128::from(time) * u128::from(other_weight) < u128::from(other) * u128::from(weight)
        });
        if is_shorter {
            best = Some((number, time, weight));
        }
    }
    best.map(|(number, ..)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const CLIENTS: u32 = 20_000;

    fn of(client: u32, weights: &[u32]) -> usize {
        let names = ["v1", "v2", "v3"];
        let destinations = names.into_iter().zip(weights.iter().copied());
        choose(&client.to_le_bytes(), 7, destinations).unwrap()
    }

    #[test]
    fn waiting_times_are_logarithms() {
        let table = [
            (u64::MAX, 0),
            (1 << 63, 1 << 32),
            (1 << 62, 2 << 32),
            (1, 64 << 32),
        ];
        for (hash, expected) in table {
            assert!(
                waiting(hash).abs_diff(expected) <= 16,
                "{hash}: {}",
                waiting(hash)
            );
        }
        // log2(3/4) = -0.4150374992788438
        let exact = 1_782_572_492_u64;
        assert!(waiting(3 << 62).abs_diff(exact) < 64);
    }

    #[test]
    fn destinations_get_their_shares() {
        for weights in [[95, 5, 0], [80, 10, 10], [1, 1, 1], [0, 0, 3]] {
            let mut counts = [0_u32; 3];
            (0..CLIENTS).for_each(|client| counts[of(client, &weights)] += 1);
            let total: u32 = weights.iter().sum();
            for (count, weight) in counts.into_iter().zip(weights) {
                let expected = CLIENTS * weight / total;
                // Five standard deviations at the most.
                assert!(count.abs_diff(expected) <= 354, "{weights:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn who_is_on_the_canary_stays_there_while_it_grows() {
        let steps = [[95, 5], [80, 20], [50, 50], [10, 90], [0, 100]];
        for client in 0..CLIENTS {
            let places: Vec<usize> = steps.iter().map(|step| of(client, step)).collect();
            assert!(places.is_sorted(), "client {client}: {places:?}");
        }
    }

    #[test]
    fn only_those_move_that_have_to_when_a_destination_is_taken_out() {
        for client in 0..CLIENTS {
            let before = of(client, &[40, 30, 30]);
            if before != 2 {
                assert_eq!(of(client, &[40, 30, 0]), before);
            }
        }
        assert_eq!(choose(b"x", 0, [("a", 0)].into_iter()), None);
    }
}
