//! Chance, from a seed.

/// A sequence of numbers that look random and are the same for the same seed
/// (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014). Whoever wants them unguessable gives it a seed that is.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Whether one of a million, chosen now, is among the first `share`.
    pub fn hits(&mut self, share: u32) -> bool {
        self.next() % 1_000_000 < u64::from(share)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut dice = Dice::new(1_234_567);
        let first = [dice.next(), dice.next(), dice.next()];
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
            ]
        );
    }

    #[test]
    fn shares_are_kept_from_none_to_all() {
        let hits = |share, rolls: u32| {
            let mut dice = Dice::new(7);
            (0..rolls).filter(|_| dice.hits(share)).count()
        };
        assert_eq!(hits(0, 100_000), 0);
        assert_eq!(hits(1_000_000, 100_000), 100_000);
        // Within four standard deviations of 100,000 and of 10.
        let many = hits(100_000, 1_000_000);
        assert!(many.abs_diff(100_000) < 4 * 300, "{many}");
        let few = hits(1, 10_000_000);
        assert!(few.abs_diff(10) < 4 * 4, "{few}");
    }
}
