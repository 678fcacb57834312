//! Consecutive ranges in a flat array, one `u32` each.

use std::ops::Range;

/// Turns a position into the 32 bits that a program stores.
///
/// A position past 2^32 saturates; nothing has so many entries, and what reads
/// it back finds no range there and answers "unknown", which refuses.
pub(crate) fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Ranges that follow one another: only their ends are stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(Vec<u32>);

impl Spans {
    /// Ends the current range at `end`; the next one starts there.
    pub(crate) fn close(&mut self, end: usize) {
        self.0.push(position(end));
    }

    /// How many ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The range with that number.
    pub(crate) fn get(&self, number: usize) -> Option<Range<usize>> {
        let end = *self.0.get(number)?;
        let start = match number.checked_sub(1) {
            Some(previous) => *self.0.get(previous)?,
            None => 0,
        };
        Some(start as usize..end as usize)
    }

    /// Gives back memory that growing left unused.
    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn ranges_follow_one_another() {
        let mut spans = Spans::default();
        spans.close(2);
        spans.close(2);
        spans.close(5);
        assert_eq!(spans.get(0), Some(0..2));
        assert_eq!(spans.get(1), Some(2..2));
        assert_eq!(spans.get(2), Some(2..5));
        assert_eq!(spans.get(3), None);
        assert_eq!(spans.len(), 3);
    }
}
