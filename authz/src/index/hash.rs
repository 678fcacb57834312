//! FNV-1a, byte by byte, so that one pass over a string gives the hash of every
//! prefix of it (and one pass backwards that of every suffix).
//!
//! The hash needs no secret: only the configuration puts keys into a table, a
//! client merely looks up, so it cannot make a chain grow.

use sluice_policy::fnv;

/// How a key must relate to the looked-up string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Relation {
    /// Equal to it.
    Exact,
    /// The string starts with the key.
    Prefix,
    /// The string ends with the key.
    Suffix,
}

/// A hash that is still being fed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Fnv {
    /// Starts a hash; different lanes hash the same text differently.
    pub(crate) fn for_lane(lane: usize) -> Self {
        Self(fnv::START).feed_u64(lane as u64)
    }

    /// Feeds one byte.
    #[must_use]
    pub(crate) fn feed(self, byte: u8) -> Self {
        Self(fnv::feed(self.0, byte))
    }

    fn feed_u64(self, word: u64) -> Self {
        word.to_le_bytes().into_iter().fold(self, Self::feed)
    }

    /// The key of everything fed so far in that relation.
    pub(crate) fn finish(self, relation: Relation) -> u64 {
        let mixed = self.feed(relation as u8).0;
        // FNV's low bits are weak, and the table uses them.
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32)
    }
}

/// Hashes a whole key as the lookup will: suffixes from their end.
pub(crate) fn key(lane: usize, relation: Relation, text: &[u8]) -> u64 {
    let start = Fnv::for_lane(lane);
    let fed = match relation {
        Relation::Exact | Relation::Prefix => text.iter().copied().fold(start, Fnv::feed),
        Relation::Suffix => text.iter().rev().copied().fold(start, Fnv::feed),
    };
    fed.finish(relation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TEXTS: usize = 4_096;

    fn keys() -> Vec<u64> {
        let texts = (0..TEXTS).map(|number| format!("/path/{number:04}"));
        texts
            .map(|text| key(3, Relation::Exact, text.as_bytes()))
            .collect()
    }

    #[test]
    fn neighbouring_texts_have_keys_of_their_own() {
        let distinct: HashSet<u64> = keys().into_iter().collect();
        assert_eq!(distinct.len(), TEXTS);
    }

    /// The table takes its slots from the low bits.
    #[test]
    fn every_bit_of_a_key_is_set_in_about_half_of_them() {
        let keys = keys();
        for bit in 0..u64::BITS {
            let set = keys.iter().filter(|&&key| key >> bit & 1 == 1).count();
            assert!(set.abs_diff(TEXTS / 2) < TEXTS / 10, "bit {bit}: {set}");
        }
    }

    #[test]
    fn a_text_has_a_key_by_lane_and_relation() {
        let mut distinct = HashSet::new();
        for lane in [0, 1, 255, 256, 65_536] {
            for relation in [Relation::Exact, Relation::Prefix, Relation::Suffix] {
                distinct.insert(key(lane, relation, b"aa"));
            }
        }
        assert_eq!(distinct.len(), 15);
        assert_eq!(
            key(1, Relation::Suffix, b"ab"),
            Fnv::for_lane(1)
                .feed(b'b')
                .feed(b'a')
                .finish(Relation::Suffix)
        );
    }
}
