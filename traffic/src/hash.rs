//! Hashes and numbers that look random, the same for ever: clients are told apart by them
//! and requests dealt out, and neither may change with a version of the module.

use sluice_policy::fnv;

/// The odd number nearest to 2^64 divided by the golden ratio: by steps of it, SplitMix64
/// (Steele, Lea and Flood, 2014) goes through all numbers.
pub(crate) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of SplitMix64: neighbours come out far from each other.
pub(crate) const fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// FNV-1a, whose last bits are mixed in.
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    mix(fnv::extend(mix(seed ^ fnv::START), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The first numbers of SplitMix64 with the seed 1234567, as its authors' program
    /// gives them.
    #[test]
    fn published_numbers_come_out() {
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        let mut state = 1_234_567_u64;
        for number in expected {
            state = state.wrapping_add(GOLDEN);
            assert_eq!(mix(state), number);
        }
    }

    #[test]
    fn a_seed_makes_another_hash() {
        assert_ne!(hash(0, b"client"), hash(1, b"client"));
        assert_ne!(hash(0, b"client"), hash(0, b"clients"));
    }

    /// Another hash would move every client of a sticky split.
    #[test]
    fn hashes_stay() {
        assert_eq!(hash(0, b"client"), 11_529_837_729_597_233_887);
        assert_eq!(hash(7, b"client"), 15_951_186_813_494_670_401);
    }
}
