//! A bounded map that evicts what has not been used of late.

use std::collections::HashMap;
use std::rc::Rc;

use super::PartLimits;
use super::hash::Keyed;

/// A map from texts to values, bounded in entries and bytes of texts.
///
/// Invariant: `index` has exactly the texts that stand in `slots`, each with its
/// place; `bytes` is the sum of their lengths; both are within `limits`.
#[derive(Debug)]
pub(super) struct Segment<V> {
    limits: PartLimits,
    index: HashMap<Rc<[u8]>, usize, Keyed>,
    slots: Vec<Slot<V>>,
    bytes: usize,
    /// Where the clock stands: the next slot to be looked at.
    hand: usize,
}

#[derive(Debug)]
struct Slot<V> {
    text: Rc<[u8]>,
    /// Whether it was used since the hand came by.
    is_used: bool,
    value: V,
}

impl<V> Segment<V> {
    pub(super) fn new(limits: PartLimits, seed: u64) -> Self {
        Self {
            limits,
            index: HashMap::with_hasher(Keyed::new(seed)),
            slots: Vec::new(),
            bytes: 0,
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The place of a text, until the next change.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        self.index.get(text).copied()
    }

    /// The value at a place.
    pub(super) fn peek(&self, place: usize) -> Option<&V> {
        self.slots.get(place).map(|slot| &slot.value)
    }

    /// The value at a place, which counts as a use.
    pub(super) fn get(&mut self, place: usize) -> Option<&mut V> {
        let slot = self.slots.get_mut(place)?;
        slot.is_used = true;
        Some(&mut slot.value)
    }

    /// Puts a value in, and others out as far as it takes. One that has no room even
    /// alone is not kept.
    pub(super) fn insert(&mut self, text: &[u8], value: V) {
        if let Some(place) = self.find(text) {
            self.remove(place);
        }
        if text.len() > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        while self.slots.len() >= self.limits.entries || self.bytes + text.len() > self.limits.bytes
        {
            self.evict();
        }
        let text: Rc<[u8]> = text.into();
        self.bytes += text.len();
        self.index.insert(Rc::clone(&text), self.slots.len());
        self.slots.push(Slot {
            text,
            // What comes by once is not worth a second chance.
            is_used: false,
            value,
        });
    }

    /// Keeps the values that `keep` wants.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        let mut place = 0;
        while let Some(slot) = self.slots.get_mut(place) {
            match keep(&mut slot.value) {
                true => place += 1,
                // Another one takes its place.
                false => drop(self.remove(place)),
            }
        }
    }

    /// Puts out the first slot from the hand on that was not used; those that were
    /// lose their mark, so the second round finds one.
    fn evict(&mut self) {
        loop {
            let place = if self.hand < self.slots.len() {
                self.hand
            } else {
                0
            };
            match self.slots.get_mut(place) {
                Some(slot) if slot.is_used => {
                    slot.is_used = false;
                    self.hand = place + 1;
                }
                Some(_) | None => {
                    self.hand = place;
                    self.remove(place);
                    return;
                }
            }
        }
    }

    /// Whether the invariant holds.
    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        let is_placed =
            |(place, slot): (usize, &Slot<V>)| self.index.get(&slot.text) == Some(&place);
        self.index.len() == self.slots.len()
            && self.slots.iter().enumerate().all(is_placed)
            && self.bytes == self.slots.iter().map(|slot| slot.text.len()).sum::<usize>()
    }

    /// Takes a value out; the last one moves into its place.
    pub(super) fn remove(&mut self, place: usize) -> Option<V> {
        let is_there = place < self.slots.len();
        let slot = is_there.then(|| self.slots.swap_remove(place))?;
        self.index.remove(&slot.text);
        self.bytes -= slot.text.len();
        if let Some(moved) = self.slots.get(place) {
            self.index.insert(Rc::clone(&moved.text), place);
        }
        Some(slot.value)
    }
}
