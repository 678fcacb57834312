//! What two subsets did lately: slots of time, each with the counts of both.

use super::Subset;
use super::exceedance::Share;
use super::outcome::Outcome;
use super::sketch::Sketch;
use super::wire::{Reader, Writer};

/// How many slots make a window. The one that has begun comes on top: only those that are
/// over are compared.
pub(super) const SLOTS: u32 = 4;

/// What one subset did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Requests that it failed.
    pub(super) errors: u32,
    /// The latencies of all others.
    pub(super) latencies: Sketch,
}

impl Counts {
    fn is_empty(&self) -> bool {
        self.errors == 0 && self.latencies.is_empty()
    }

    pub(super) fn requests(&self) -> u64 {
        u64::from(self.errors) + self.latencies.count()
    }

    /// The share of errors.
    pub(super) fn failed(&self) -> Share {
        Share {
            part: self.errors.into(),
            whole: self.requests(),
        }
    }

    /// The share of latencies that are greater for certain.
    pub(super) fn slower_than(&self, latency_us: u64) -> Share {
        Share {
            part: self.latencies.count_above(latency_us),
            whole: self.latencies.count(),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.errors = self.errors.saturating_add(other.errors);
        self.latencies.merge(&other.latencies);
    }
}

/// What both did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) stable: Counts,
    pub(super) canary: Counts,
}

impl Pair {
    /// Counts a request.
    pub(super) fn add(&mut self, subset: Subset, outcome: Outcome, latency_us: u64) {
        let counts = match subset {
            Subset::Stable => &mut self.stable,
            Subset::Canary => &mut self.canary,
        };
        match outcome {
            Outcome::Failed => counts.errors = counts.errors.saturating_add(1),
            Outcome::Good | Outcome::Left => counts.latencies.add(latency_us),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.stable.merge(&other.stable);
        self.canary.merge(&other.canary);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stable.is_empty() && self.canary.is_empty()
    }
}

/// The slots of a window that have something, by their numbers: time divided by the
/// length of a slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Window(Vec<(u64, Pair)>);

impl Window {
    /// Forgets what is older than the window that ends with a slot.
    pub(super) fn roll(&mut self, now: u64) {
        self.0.retain(|(slot, _)| slot + u64::from(SLOTS) >= now);
    }

    /// Numbers slots anew after the clock was set back by so many.
    pub(super) fn set_back(&mut self, by: u64) {
        for (slot, pair) in std::mem::take(&mut self.0) {
            self.add(slot.saturating_sub(by), &pair);
        }
    }

    /// Adds to a slot.
    pub(super) fn add(&mut self, slot: u64, more: &Pair) {
        if more.is_empty() {
            return;
        }
        match self.0.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, pair)) = self.0.get_mut(place) {
                    pair.merge(more);
                }
            }
            Err(place) => self.0.insert(place, (slot, more.clone())),
        }
    }

    /// All of it.
    pub(super) fn total(&self) -> Pair {
        let mut total = Pair::default();
        for (_, pair) in &self.0 {
            total.merge(pair);
        }
        total
    }

    /// The slots before this one, which is now.
    pub(super) fn over(&self, now: u64) -> Vec<&Pair> {
        let over = self.0.iter().filter(|(slot, _)| *slot < now);
        over.map(|(_, pair)| pair).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest slot.
    pub(super) fn newest(&self) -> Option<u64> {
        self.0.last().map(|(slot, _)| *slot)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.number(self.0.len() as u64);
        for (slot, pair) in &self.0 {
            out.number(*slot);
            for counts in [&pair.stable, &pair.canary] {
                out.number(counts.errors.into());
                counts.latencies.encode(out);
            }
        }
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else.
    pub(super) fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let mut window = Self::default();
        let count = input.number()?;
        if count > u64::from(SLOTS) + 1 {
            return None;
        }
        for _ in 0..count {
            let slot = input.number()?;
            let pair = Pair {
                stable: counts(input)?,
                canary: counts(input)?,
            };
            let is_next = window.newest().is_none_or(|newest| newest < slot);
            // So that no sum with a number of a slot overflows.
            if !is_next || slot > u64::MAX >> 1 || pair.is_empty() {
                return None;
            }
            window.0.push((slot, pair));
        }
        Some(window)
    }
}

fn counts(input: &mut Reader<'_>) -> Option<Counts> {
    Some(Counts {
        errors: input.small()?,
        latencies: Sketch::decode(input)?,
    })
}

#[cfg(test)]
mod tests;
