//! A hash that clients cannot aim at: what they send is hashed with a secret.

/// Odd, and with its bits well mixed (the fraction of the golden ratio).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed {
    start: u64,
    key: u64,
}

impl Keyed {
    /// A secret from a seed.
    pub(super) fn new(seed: u64) -> Self {
        let start = stir(seed.wrapping_mul(MULTIPLIER), MULTIPLIER);
        let key = stir(seed.rotate_left(29) ^ start, MULTIPLIER.rotate_left(32));
        Self { start, key }
    }

    /// The hash of a text, eight bytes at a time: a product of two 32-bit numbers is one
    /// instruction of WebAssembly, one of two 64-bit numbers is a function.
    pub(super) fn hash(&self, text: &[u8]) -> u64 {
        let (words, rest) = text.as_chunks();
        let mut state = self.start;
        for word in words {
            state = stir(state ^ u64::from_le_bytes(*word), self.key);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        state = stir(state ^ u64::from_le_bytes(last), self.key);
        // The length tells `a` from `a\0`.
        state = stir(state ^ text.len() as u64, self.key);
        stir(state, self.key)
    }
}

/// Multiplies the halves of a number with each other; each is masked by a half of the
/// key, or a factor of zero could be sent.
fn stir(number: u64, key: u64) -> u64 {
    let mixed = number ^ key;
    let product = (mixed & 0xffff_ffff).wrapping_mul(mixed >> 32);
    // The sum keeps what a factor of zero would lose.
    product.wrapping_add(number.rotate_left(32)).rotate_left(17)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TEXTS: usize = 4_096;

    fn hash(seed: u64, text: &[u8]) -> u64 {
        Keyed::new(seed).hash(text)
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

    /// Who could change a bit without changing the hash would put tokens of others out.
    #[test]
    fn every_bit_of_a_text_moves_many_of_the_hash() {
        let text = *b"eyJhbGciOiJSUzI1NiJ9.eyJzdWI";
        for seed in [0, 1, u64::MAX] {
            for bit in 0..text.len() * 8 {
                let mut other = text;
                other[bit / 8] ^= 1 << (bit % 8);
                let moved = (hash(seed, &text) ^ hash(seed, &other)).count_ones();
                assert!((12..=52).contains(&moved), "{seed} {bit}: {moved}");
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
