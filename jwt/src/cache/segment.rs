//! A bounded map that evicts what has not been used of late.

use super::PartLimits;
use super::index::Index;

/// A map from texts to values, bounded in entries and bytes of texts. Of two texts with
/// one hash it keeps the later.
///
/// Invariant: `index` has exactly the hashes of the texts that stand in `slots`, each
/// with its place; `bytes` is the sum of their lengths; both are within `limits`.
#[derive(Debug)]
pub(super) struct Segment<V> {
    limits: PartLimits,
    index: Index,
    slots: Vec<Slot<V>>,
    bytes: usize,
    /// Where the clock stands: the next slot to be looked at.
    hand: usize,
}

#[derive(Debug)]
struct Slot<V> {
    hash: u64,
    text: Box<[u8]>,
    /// Whether it was used since the hand came by.
    is_used: bool,
    value: V,
}

impl<V> Segment<V> {
    pub(super) fn new(limits: PartLimits) -> Self {
        Self {
            limits,
            index: Index::default(),
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

    /// The place of a text with that hash, until the next change.
    pub(super) fn find(&self, hash: u64, text: &[u8]) -> Option<usize> {
        let place = self.index.get(hash)?;
        let slot = self.slots.get(place)?;
        is_same(&slot.text, text).then_some(place)
    }

    /// The value at a place.
    pub(super) fn peek(&self, place: usize) -> Option<&V> {
        self.slots.get(place).map(|slot| &slot.value)
    }

    /// The value at a place, which counts as a use.
    pub(super) fn get(&mut self, place: usize) -> Option<&V> {
        let slot = self.slots.get_mut(place)?;
        slot.is_used = true;
        Some(&slot.value)
    }

    /// Puts a value in, and others out as far as it takes. One that has no room even
    /// alone is not kept.
    pub(super) fn insert(&mut self, hash: u64, text: &[u8], value: V) {
        if let Some(place) = self.index.get(hash) {
            self.remove(place);
        }
        if text.len() > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        while self.slots.len() >= self.limits.entries || self.bytes + text.len() > self.limits.bytes
        {
            self.evict();
        }
        self.bytes += text.len();
        self.index.insert(hash, self.slots.len());
        self.slots.push(Slot {
            hash,
            text: text.into(),
            // What comes by once is not worth a second chance.
            is_used: false,
            value,
        });
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
    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(super) fn is_whole(&self) -> bool {
        let is_placed = |(place, slot): (usize, &Slot<V>)| self.index.get(slot.hash) == Some(place);
        self.index.len() == self.slots.len()
            && self.slots.iter().enumerate().all(is_placed)
            && self.bytes == self.slots.iter().map(|slot| slot.text.len()).sum::<usize>()
    }

    /// Takes a value out; the last one moves into its place.
    pub(super) fn remove(&mut self, place: usize) -> Option<V> {
        self.slots.get(place)?;
        let slot = self.slots.swap_remove(place);
        self.index.remove(slot.hash);
        self.bytes -= slot.text.len();
        if let Some(moved) = self.slots.get(place) {
            self.index.insert(moved.hash, place);
        }
        Some(slot.value)
    }
}

/// Equality, eight bytes at a time: what WebAssembly has for it goes byte by byte.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let mut pairs = words.iter().zip(other_words);
    pairs.all(|(word, other)| u64::from_ne_bytes(*word) == u64::from_ne_bytes(*other))
        && rest == other_rest
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A segment with these texts, each with its own length for a hash.
    fn segment(entries: usize, bytes: usize, texts: &[&str]) -> Segment<u32> {
        let mut segment = Segment::new(PartLimits { entries, bytes });
        for text in texts {
            insert(&mut segment, text);
        }
        segment
    }

    fn insert(segment: &mut Segment<u32>, text: &str) {
        segment.insert(text.len() as u64, text.as_bytes(), 0);
    }

    fn find(segment: &Segment<u32>, text: &str) -> Option<usize> {
        segment.find(text.len() as u64, text.as_bytes())
    }

    #[test]
    fn a_text_as_long_as_all_of_the_room_is_kept_alone() {
        let mut segment = segment(9, 5, &["a", "bb"]);
        insert(&mut segment, "ccccc");
        assert_eq!((segment.len(), segment.bytes()), (1, 5));
        assert_eq!(find(&segment, "ccccc"), Some(0));
    }

    #[test]
    fn where_all_are_in_use_the_first_goes_in_the_second_round() {
        let mut segment = segment(3, 99, &["a", "bb", "ccc"]);
        for place in 0..3 {
            segment.get(place);
        }
        insert(&mut segment, "dddd");
        assert_eq!(segment.len(), 3);
        assert_eq!(find(&segment, "a"), None);
        assert!(find(&segment, "bb").is_some() && find(&segment, "ccc").is_some());
    }

    #[test]
    fn of_two_texts_with_one_hash_the_later_stays() {
        let mut segment = segment(9, 99, &["a", "b"]);
        assert_eq!((segment.len(), segment.bytes()), (1, 1));
        assert_eq!((find(&segment, "a"), find(&segment, "b")), (None, Some(0)));
        assert_eq!(segment.remove(1), None);
        assert_eq!(segment.remove(0), Some(0));
        assert_eq!(find(&segment, "b"), None);
        assert_eq!((segment.len(), segment.bytes()), (0, 0));
    }

    #[test]
    fn what_takes_the_place_of_a_removed_text_stays() {
        let mut segment = segment(9, 99, &["a"]);
        segment.remove(0);
        insert(&mut segment, "bb");
        insert(&mut segment, "a");
        assert_eq!(
            (find(&segment, "bb"), find(&segment, "a")),
            (Some(0), Some(1))
        );
    }

    #[test]
    fn texts_are_told_apart_at_every_byte() {
        let text = b"0123456789abcdefXYZ";
        for length in 0..=text.len() {
            let (text, _) = text.split_at(length);
            assert!(is_same(text, text));
            for more in [b"0".as_slice(), b"01234567"] {
                let longer = [text, more].concat();
                assert!(!is_same(text, &longer) && !is_same(&longer, text));
            }
            for at in 0..length {
                let mut other = text.to_vec();
                other[at] ^= 1;
                assert!(!is_same(text, &other), "{length} {at}");
            }
        }
    }
}
