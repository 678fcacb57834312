//! Tokens that were seen before.
//!
//! A client sends the same token with every request until it runs out. Here is what
//! was found out about it: what it says, and whether the keys of a source verified it.
//!
//! Exact: an entry is found by all bytes of the token, never by a digest of them, so no
//! token can pass for another. Bounded in entries and bytes, whatever clients send.
//! Tokens that some source has verified are kept apart from the others: who can only
//! make up tokens cannot push out a good one. Within each part the second-chance clock
//! evicts, so tokens that are in use outlive those that come by once. Of a verified
//! token that comes for the first time only a mark is kept: one that never comes again
//! is not worth its memory, and one that does is verified a second time.
//!
//! When the keys of a source change, so does their version, and no older verdict counts.

mod door;
mod hash;
mod index;
mod segment;
mod verdicts;

use crate::skew::CLOCK_SKEW_S;
use door::Door;
use hash::Keyed;
use segment::Segment;
pub use verdicts::{KeyVerdict, Verdicts};

/// How large the cache may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// Tokens that were verified.
    pub verified: PartLimits,
    /// Tokens that were refused by every source that was asked.
    pub refused: PartLimits,
    /// Longest token that is kept, in bytes; Envoy's cache has the same default.
    pub token_bytes: usize,
}

/// How large one part may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLimits {
    /// Tokens.
    pub entries: usize,
    /// Bytes of their texts. What a token says takes a small multiple of it.
    pub bytes: usize,
}

impl Default for CacheLimits {
    /// 1,024 verified and 256 refused tokens in 1 MiB together.
    fn default() -> Self {
        Self {
            verified: PartLimits {
                entries: 1_024,
                bytes: 768 * 1024,
            },
            refused: PartLimits {
                entries: 256,
                bytes: 256 * 1024,
            },
            token_bytes: 4_096,
        }
    }
}

/// So much of the end of a token is hashed; the signatures of most algorithms are shorter.
const HASHED_BYTES: usize = 128;

/// What is known of a token.
#[derive(Debug)]
pub struct CachedToken<V> {
    /// What the owner of the cache keeps with it: the token as it was read, and what
    /// was made of it.
    pub value: V,
    /// What keys said about it.
    pub verdicts: Verdicts,
    expiry_s: u64,
}

impl<V> CachedToken<V> {
    /// `exp` 0 is never. A token that is out of date will be refused for that, so
    /// there is nothing to remember.
    fn is_dead(&self, now_s: u64) -> bool {
        self.expiry_s != 0 && now_s > self.expiry_s.saturating_add(CLOCK_SKEW_S)
    }
}

/// Tokens that were seen before, with a value of the owner's for each.
#[derive(Debug)]
pub struct TokenCache<V> {
    limits: CacheLimits,
    keyed: Keyed,
    door: Door,
    verified: Segment<CachedToken<V>>,
    refused: Segment<CachedToken<V>>,
}

impl<V> TokenCache<V> {
    /// An empty cache. `seed` keeps clients from choosing tokens that hash alike: a
    /// number that they cannot know.
    pub fn new(limits: CacheLimits, seed: u64) -> Self {
        Self {
            limits,
            keyed: Keyed::new(seed),
            door: Door::new(limits.verified.entries),
            verified: Segment::new(limits.verified),
            refused: Segment::new(limits.refused),
        }
    }

    /// What is known of a token.
    pub fn recall(&mut self, token: &[u8], now_s: u64) -> Option<&CachedToken<V>> {
        if token.len() > self.limits.token_bytes {
            return None;
        }
        let hash = self.hash(token);
        let (part, place) = match self.verified.find(hash, token) {
            Some(place) => (&mut self.verified, place),
            None => {
                let place = self.refused.find(hash, token)?;
                (&mut self.refused, place)
            }
        };
        if part.peek(place)?.is_dead(now_s) {
            part.remove(place);
            return None;
        }
        part.get(place)
    }

    /// Keeps what was found out. The value is taken if the token is new; of a known
    /// one it stays, and only the verdict is added. `expiry_s` is its `exp`, 0 for
    /// none.
    ///
    /// A new token that was verified is kept when it comes for the second time. Who can
    /// only make up tokens has no part in that: those that are refused are kept at once,
    /// and leave no mark.
    pub fn remember(&mut self, token: &[u8], expiry_s: u64, verdict: KeyVerdict, value: V) {
        if token.len() > self.limits.token_bytes {
            return;
        }
        let hash = self.hash(token);
        let known = self.take(hash, token);
        if known.is_none() && verdict.result.is_ok() && !self.door.has_seen(hash) {
            return;
        }
        let mut entry = known.unwrap_or_else(|| CachedToken {
            value,
            expiry_s,
            verdicts: Verdicts::default(),
        });
        entry.verdicts.add(verdict);
        match entry.verdicts.has_good() {
            true => self.verified.insert(hash, token, entry),
            false => self.refused.insert(hash, token, entry),
        }
    }

    fn take(&mut self, hash: u64, token: &[u8]) -> Option<CachedToken<V>> {
        [&mut self.verified, &mut self.refused]
            .into_iter()
            .find_map(|part| {
                let place = part.find(hash, token)?;
                part.remove(place)
            })
    }

    /// The hash of the end of a token: that is its signature, in which tokens differ. Who
    /// writes one end under several texts has them push out one another.
    fn hash(&self, token: &[u8]) -> u64 {
        let start = token.len().saturating_sub(HASHED_BYTES);
        self.keyed.hash(token.get(start..).unwrap_or_default())
    }

    /// How many tokens are kept.
    pub fn len(&self) -> usize {
        self.verified.len() + self.refused.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of their texts.
    pub fn bytes(&self) -> usize {
        self.verified.bytes() + self.refused.bytes()
    }
}

#[cfg(test)]
mod tests;
