//! Clients that stay where they are, each counted once in a while.
//!
//! The requests of one client are no independent samples, and where clients are dealt out
//! by a key all of them are on one side. What is independent is on which side a client
//! is. So of each client one request counts in the time of a window. The clients' times
//! begin one after the other, so that there are samples at any time.
//!
//! Who was counted is a bit of each client's hash. Clients with the same bit count as
//! one, on whatever side they are: of very many clients fewer are counted, of both sides
//! alike and at the same times, so that the comparison stays fair.

use super::Subset;
use super::outcome::Outcome;
use super::record::LATEST_MS;
use super::window::Pair;
use super::wire::{Reader, Writer};

/// How many bits there are, and so samples in a window at the most. As many clients are
/// 83,000 samples.
const BITS: usize = 1 << 17;

/// Parts of the bits that are cleared one after the other in the time of a window.
const PARTS: u64 = 64;

/// Words of bits, in all and in a part.
const WORDS: usize = BITS / 64;
const WORDS_OF_PART: usize = WORDS / 64;

/// So many requests are kept until the next tick. More of clients that were not counted
/// yet are not, whatever side they are on.
const MOST_KEPT: usize = 4_096;

/// The bit of a client.
fn bit(client: u64) -> u32 {
    u32::try_from(client >> (u64::BITS - BITS.ilog2())).unwrap_or_default()
}

/// What became of a request of a client.
#[derive(Debug, Clone, Copy)]
struct Sample {
    bit: u32,
    subset: Subset,
    outcome: Outcome,
    latency_us: u32,
}

/// Requests that may count at the next tick, when it is known whom other VMs counted.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<Sample>);

impl Kept {
    /// Keeps a request of a client.
    pub(super) fn add(&mut self, client: u64, subset: Subset, outcome: Outcome, latency_us: u64) {
        if self.0.len() < MOST_KEPT {
            self.0.push(Sample {
                bit: bit(client),
                subset,
                outcome,
                latency_us: u32::try_from(latency_us).unwrap_or(u32::MAX),
            });
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Who was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clients {
    /// The time, in parts of a window, up to which bits were cleared.
    turned: u64,
    /// All bits, or nothing while none is set.
    words: Vec<u64>,
}

impl Clients {
    /// Whether a client was counted, as far as is known.
    pub(super) fn has(&self, client: u64) -> bool {
        let (number, mask) = place(bit(client));
        self.words.get(number).is_some_and(|word| word & mask != 0)
    }

    /// Counts those who were not yet.
    pub(super) fn count(&mut self, kept: &Kept, now_ms: u64, window_ms: u32) -> Pair {
        let now = now_ms / (u64::from(window_ms) / PARTS).max(1);
        self.turn(now);
        let mut counted = Pair::default();
        if !kept.0.is_empty() && self.words.is_empty() {
            self.turned = now;
            self.words.resize(WORDS, 0);
        }
        for sample in &kept.0 {
            if self.set(sample.bit) {
                counted.add(sample.subset, sample.outcome, sample.latency_us.into());
            }
        }
        counted
    }

    /// Forgets those whose time begins anew. Where the clock is set back, they wait for
    /// their next turn.
    fn turn(&mut self, now: u64) {
        // One VM may have read the clock before another wrote.
        if self.words.is_empty() || self.turned == now + 1 {
            return;
        }
        for turn in 0..now.saturating_sub(self.turned).min(PARTS) {
            let part = usize::try_from((now - turn) % PARTS).unwrap_or_default();
            if let Some(words) = self.words.chunks_mut(WORDS_OF_PART).nth(part) {
                words.fill(0);
            }
        }
        self.turned = now;
        if self.words.iter().all(|word| *word == 0) {
            self.clear();
        }
    }

    /// Sets a bit; `false` if it was set.
    fn set(&mut self, bit: u32) -> bool {
        let (number, mask) = place(bit);
        let Some(word) = self.words.get_mut(number) else {
            return false;
        };
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes a 0 where no bit is set, and otherwise the time from 1 on, and all bits.
    pub(super) fn encode(&self, out: &mut Writer) {
        if self.words.is_empty() {
            out.number(0);
            return;
        }
        out.number(self.turned + 1);
        let bytes = self.words.iter().flat_map(|word| word.to_le_bytes());
        out.0.extend(bytes);
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else.
    pub(super) fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let Some(turned) = input.number()?.checked_sub(1) else {
            return Some(Self::default());
        };
        let (bytes, rest) = input.0.split_at_checked(WORDS * 8)?;
        input.0 = rest;
        let (chunks, _) = bytes.as_chunks();
        let words: Vec<u64> = chunks.iter().copied().map(u64::from_le_bytes).collect();
        let is_any_set = words.iter().any(|word| *word != 0);
        (is_any_set && turned <= LATEST_MS).then_some(Self { turned, words })
    }
}

/// The number of a bit's word, and the bit in there.
fn place(bit: u32) -> (usize, u64) {
    let number = usize::try_from(bit / u64::BITS).unwrap_or(WORDS);
    (number, 1 << (bit % u64::BITS))
}

#[cfg(test)]
mod tests;
