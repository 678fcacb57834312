//! An open-addressed table from a 64-bit key to a list of ranks.
//!
//! Keys are hashes and the text behind them is not kept: two texts with one
//! hash share a list, which is harmless as every candidate is verified in full.

use std::ops::Range;

use crate::sorted::sorted;
use crate::spans::position;

/// One slot; empty when its range is empty.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    start: u32,
    end: u32,
}

/// Lists by key.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// A power of two of slots, at most half of them in use; or none.
    slots: Vec<Slot>,
    ranks: Vec<u32>,
}

impl Table {
    /// Builds the table of pairs (key, rank).
    pub(crate) fn build(pairs: Vec<(u64, u32)>) -> Self {
        let mut pairs = sorted(pairs);
        pairs.dedup();
        let distinct = pairs.chunk_by(|left, right| left.0 == right.0).count();
        if distinct == 0 {
            return Self::default();
        }
        let mut table = Self {
            slots: vec![Slot::default(); (distinct * 2).next_power_of_two()],
            ranks: pairs.iter().map(|&(_, rank)| rank).collect(),
        };
        let mut start = 0;
        for list in pairs.chunk_by(|left, right| left.0 == right.0) {
            let end = start + list.len();
            if let Some(&(key, _)) = list.first() {
                table.insert(Slot {
                    key,
                    start: position(start),
                    end: position(end),
                });
            }
            start = end;
        }
        table
    }

    fn insert(&mut self, new: Slot) {
        let free = self
            .probe(new.key)
            .find(|&at| self.slots.get(at).is_none_or(Slot::is_empty));
        if let Some(slot) = free.and_then(|at| self.slots.get_mut(at)) {
            *slot = new;
        }
    }

    /// Where the ranks of a key are, if it has any.
    pub(crate) fn find(&self, key: u64) -> Option<Range<u32>> {
        for at in self.probe(key) {
            let slot = self.slots.get(at)?;
            if slot.is_empty() {
                return None;
            }
            if slot.key == key {
                return Some(slot.start..slot.end);
            }
        }
        None
    }

    /// The ranks of a list, ascending.
    pub(crate) fn ranks(&self, list: Range<u32>) -> &[u32] {
        self.ranks
            .get(list.start as usize..list.end as usize)
            .unwrap_or_default()
    }

    /// Slots to look at for a key, in order: each slot once.
    fn probe(&self, key: u64) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        let mask = slots.wrapping_sub(1);
        let first = usize::try_from(key & mask as u64).unwrap_or_default();
        (0..slots).map(move |step| first.wrapping_add(step) & mask)
    }
}

impl Slot {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn list(table: &Table, key: u64) -> Option<Vec<u32>> {
        table.find(key).map(|list| table.ranks(list).to_vec())
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(list(&Table::build(Vec::new()), 7), None);
    }

    #[test]
    fn lists_are_ascending_and_without_repeats() {
        let table = Table::build(vec![(7, 3), (9, 1), (7, 1), (7, 3)]);
        assert_eq!(list(&table, 7), Some(vec![1, 3]));
        assert_eq!(list(&table, 9), Some(vec![1]));
        assert_eq!(list(&table, 8), None);
    }

    #[test]
    fn keys_that_collide_in_the_table_stay_apart() {
        let keys = (0..100u64).map(|key| key << 32);
        let table = Table::build(keys.clone().zip(0..).collect());
        for (key, rank) in keys.zip(0..) {
            assert_eq!(list(&table, key), Some(vec![rank]));
        }
        assert_eq!(list(&table, 100 << 32), None);
    }
    #[test]
    fn neighbouring_keys_begin_at_neighbouring_slots() {
        let table = Table::build((0..100).zip(0..).collect());
        let first = |key| table.probe(key).next().unwrap();
        assert!((1..100).all(|key| first(key) == first(key - 1) + 1));
    }
}
