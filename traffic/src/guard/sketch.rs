//! Latencies in few bytes: how many there were of each size, to one percent.
//!
//! As DDSketch (Masson and others, VLDB 2019): each bucket ends at 61/60 of where the one
//! before does, so that its middle is within 0.83 % of whatever is in it, and three of
//! them are five percent. Sketches are merged by adding, in any order. Whole numbers
//! only: every platform agrees.

use super::wire::{Reader, Writer};

/// What counts as the least latency, in microseconds.
const LEAST_US: u32 = 100;

/// What counts as the greatest, ten minutes.
const GREATEST_US: u32 = 600_000_000;

/// How many buckets there are.
pub(super) const BUCKETS: usize = 946;

/// The greatest value of each bucket, in microseconds.
static ENDS: [u32; BUCKETS] = ends();

/// Grows by a sixtieth a bucket, in units of 2<sup>-20</sup> µs.
#[expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse an overflow"
)]
const fn ends() -> [u32; BUCKETS] {
    let mut ends = [0; BUCKETS];
    let mut end = (LEAST_US as u64) << 20;
    let mut index = 0;
    while index < BUCKETS {
        let whole = end >> 20;
        ends[index] = if whole < GREATEST_US as u64 {
            whole as u32
        } else {
            GREATEST_US
        };
        end = end * 61 / 60;
        index += 1;
    }
    ends
}

/// The greatest value of a bucket, and of the one before it.
fn range(bucket: u16) -> (u32, u32) {
    let end = |index: usize| ENDS.get(index).copied().unwrap_or(GREATEST_US);
    let index = usize::from(bucket);
    (index.checked_sub(1).map_or(0, end), end(index))
}

/// The bucket of a latency.
fn bucket_of(latency_us: u64) -> u16 {
    let is_below = |end: &u32| u64::from(*end) < latency_us;
    let bucket = ENDS.partition_point(is_below).min(BUCKETS - 1);
    u16::try_from(bucket).unwrap_or_default()
}

/// How many latencies there were of each size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sketch {
    /// Each bucket that has some, in order.
    counts: Vec<(u16, u32)>,
}

impl Sketch {
    /// Adds a latency.
    pub(super) fn add(&mut self, latency_us: u64) {
        self.add_to(bucket_of(latency_us), 1);
    }

    /// Adds all of another's.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.add_to(*bucket, *count);
        }
    }

    fn add_to(&mut self, bucket: u16, more: u32) {
        match self
            .counts
            .binary_search_by_key(&bucket, |(known, _)| *known)
        {
            Ok(place) => {
                if let Some((_, count)) = self.counts.get_mut(place) {
                    *count = count.saturating_add(more);
                }
            }
            Err(place) => self.counts.insert(place, (bucket, more)),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The bucket of the one with that rank, from 1 for the least.
    fn bucket_at(&self, rank: u64) -> Option<u16> {
        let mut up_to = 0;
        let mut buckets = self.counts.iter();
        let found = buckets.find(|(_, count)| {
            up_to += u64::from(*count);
            up_to >= rank
        });
        found.map(|(bucket, _)| *bucket)
    }

    /// The one with that rank is not greater than this, in microseconds.
    pub(super) fn bound(&self, rank: u64) -> Option<u32> {
        self.bucket_at(rank).map(|bucket| range(bucket).1)
    }

    /// The one with that rank to one percent, in microseconds.
    pub(super) fn value(&self, rank: u64) -> Option<u32> {
        let (before, end) = range(self.bucket_at(rank)?);
        let (low, high) = (u64::from(before.max(LEAST_US - 1)) + 1, u64::from(end));
        // The harmonic mean has the same ratio to both, to the nearest microsecond.
        let sum = low + high;
        u32::try_from((2 * low * high + sum / 2) / sum).ok()
    }

    /// How many are greater for certain: those of buckets that begin there or above.
    pub(super) fn count_above(&self, latency_us: u64) -> u64 {
        let is_above = |bucket: u16| u64::from(range(bucket).0) >= latency_us;
        let above = self.counts.iter().filter(|(bucket, _)| is_above(*bucket));
        above.map(|(_, count)| u64::from(*count)).sum()
    }

    /// Writes the first bucket, how many follow up to the last, and their counts. Of
    /// empty ones, a 0 and how many more there are.
    pub(super) fn encode(&self, out: &mut Writer) {
        let Some(((first, _), (last, _))) = self.counts.first().zip(self.counts.last()) else {
            out.number(0);
            return;
        };
        out.number(u64::from(last - first) + 1);
        out.number((*first).into());
        let mut next = *first;
        for (bucket, count) in &self.counts {
            if *bucket > next {
                out.number(0);
                out.number(u64::from(bucket - next) - 1);
            }
            out.number((*count).into());
            next = bucket + 1;
        }
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else.
    pub(super) fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let mut counts = Vec::new();
        let span = input.number()?;
        if span == 0 {
            return Some(Self::default());
        }
        let mut bucket = input.number()?;
        let end = bucket.checked_add(span)?;
        if end > BUCKETS as u64 {
            return None;
        }
        while bucket < end {
            let count = u32::try_from(input.number()?).ok()?;
            if count > 0 {
                counts.push((u16::try_from(bucket).ok()?, count));
                bucket += 1;
                continue;
            }
            let is_first = counts.is_empty();
            bucket = bucket.checked_add(input.number()?)?.checked_add(1)?;
            if is_first || bucket >= end {
                return None;
            }
        }
        Some(Self { counts })
    }
}

#[cfg(test)]
mod tests;
