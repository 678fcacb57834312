//! A hash that clients cannot aim at: what they send is hashed with a secret.

use std::hash::{BuildHasher, Hasher};

/// Odd, and with its bits well mixed (the fraction of the golden ratio).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes hashers with the secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed([u64; 2]);

impl Keyed {
    /// A secret of two words from a seed.
    pub(super) fn new(seed: u64) -> Self {
        let first = fold(seed ^ MULTIPLIER, MULTIPLIER);
        let second = fold(seed.rotate_left(29) ^ first, MULTIPLIER);
        // A zero would swallow what it is multiplied with.
        Self([first | 1, second | 1])
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;

    fn build_hasher(&self) -> KeyedHasher {
        let Self([state, key]) = *self;
        KeyedHasher { state, key }
    }
}

/// Folds sixteen bytes at a time into its state by a wide product, whose halves both
/// depend on all bits of what went in.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyedHasher {
    state: u64,
    key: u64,
}

impl KeyedHasher {
    fn feed(&mut self, [first, second]: [u64; 2]) {
        // Without the sum, a factor of zero would make one state of all.
        let sum = first.rotate_left(32).wrapping_add(second);
        self.state = fold(self.state ^ first, self.key ^ second).wrapping_add(sum);
    }
}

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks();
        for block in blocks {
            self.feed(words(block));
        }
        let mut last = [0; 16];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.feed(words(&last));
        // The length tells `a` from `a\0`.
        self.write_usize(bytes.len());
    }

    fn write_usize(&mut self, number: usize) {
        self.feed([number as u64, MULTIPLIER]);
    }

    fn finish(&self) -> u64 {
        fold(self.state, self.key)
    }
}

fn words(block: &[u8; 16]) -> [u64; 2] {
    let (words, _) = block.as_chunks();
    let mut numbers = [0; 2];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = u64::from_le_bytes(*word);
    }
    numbers
}

/// Both halves of the product in one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TEXTS: usize = 4_096;

    fn hash(seed: u64, text: &[u8]) -> u64 {
        let mut hasher = Keyed::new(seed).build_hasher();
        hasher.write(text);
        hasher.finish()
    }

    /// Tokens of one issuer differ in few places.
    fn hashes(seed: u64) -> Vec<u64> {
        (0..TEXTS)
            .map(|number| {
                let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ{number:04}iJ9.c2ln");
                hash(seed, token.as_bytes())
            })
            .collect()
    }

    #[test]
    fn tokens_that_differ_little_hash_apart() {
        for seed in [0, 1, u64::MAX] {
            let distinct: HashSet<u64> = hashes(seed).into_iter().collect();
            assert_eq!(distinct.len(), TEXTS);
        }
    }

    /// The table takes its slots from the low bits and its tags from the high ones.
    #[test]
    fn every_bit_of_a_hash_is_set_in_about_half_of_them() {
        for seed in [0, 1, 77, u64::MAX] {
            let hashes = hashes(seed);
            for bit in 0..u64::BITS {
                let set = hashes.iter().filter(|&&hash| hash >> bit & 1 == 1).count();
                assert!(set.abs_diff(TEXTS / 2) < TEXTS / 10, "{seed} {bit}: {set}");
            }
        }
    }

    #[test]
    fn another_seed_hashes_everything_otherwise() {
        let alike = hashes(1)
            .into_iter()
            .zip(hashes(2))
            .filter(|(one, other)| one == other)
            .count();
        assert_eq!(alike, 0);
    }

    #[test]
    fn length_and_order_count() {
        let texts: [&[u8]; 11] = [
            b"",
            b"\0",
            b"\0\0",
            b"\0\0\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\0\0",
            &[0; 16],
            &[0; 17],
            &[0; 32],
            b"ab",
            b"ba",
            b"abcdefghabcdefgh",
        ];
        let distinct: HashSet<u64> = texts.iter().map(|text| hash(3, text)).collect();
        assert_eq!(distinct.len(), texts.len());
    }
}
