//! FNV-1a, byte by byte, so that one pass over a string gives the hash of every
//! prefix of it (and one pass backwards that of every suffix).
//!
//! The hash needs no secret: only the configuration puts keys into a table, a
//! client merely looks up, so it cannot make a chain grow.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

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
        Self(OFFSET).feed_u64(lane as u64)
    }

    /// Feeds one byte.
    #[must_use]
    pub(crate) fn feed(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(PRIME))
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
