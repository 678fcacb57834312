//! Places by hash.

/// A hash table of places: open addressing with linear probing (Knuth, volume 3, section
/// 6.4, algorithms L and R), at most half full. The hashes are keyed, so clients cannot
/// aim at one place.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// None, or a power of two of them.
    entries: Vec<Option<(u64, usize)>>,
    len: usize,
}

/// Entries of the first table.
const FIRST: usize = 16;

impl Index {
    /// The place of a hash.
    pub(super) fn get(&self, hash: u64) -> Option<usize> {
        let entry = self.entries.get(self.probe(hash))?;
        entry.map(|(_, place)| place)
    }

    /// Puts a place in, where there may be another one of that hash.
    pub(super) fn insert(&mut self, hash: u64, place: usize) {
        if self.len * 2 >= self.entries.len() {
            self.grow();
        }
        let at = self.probe(hash);
        if let Some(entry) = self.entries.get_mut(at) {
            self.len += usize::from(entry.is_none());
            *entry = Some((hash, place));
        }
    }

    /// Takes the place of a hash out.
    pub(super) fn remove(&mut self, hash: u64) {
        let mut at = self.probe(hash);
        // Whatever was moved on by it has to move back, or it would not be found.
        while let Some((moved, place)) = self.entries.get_mut(at).and_then(Option::take) {
            self.len -= 1;
            if moved != hash {
                self.insert(moved, place);
            }
            at = self.next(at);
        }
    }

    #[cfg(all(test, not(target_arch = "wasm32")))]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where a hash stands, or would: half of the entries are free, so there is an end.
    fn probe(&self, hash: u64) -> usize {
        let mut at = self.wrap(hash);
        while let Some(Some((other, _))) = self.entries.get(at)
            && *other != hash
        {
            at = self.next(at);
        }
        at
    }

    fn next(&self, at: usize) -> usize {
        self.wrap(at as u64 + 1)
    }

    fn wrap(&self, number: u64) -> usize {
        let last = self.entries.len().saturating_sub(1);
        usize::try_from(number & last as u64).unwrap_or_default()
    }

    fn grow(&mut self) {
        let size = FIRST.max(self.entries.len() * 2);
        let old = std::mem::replace(&mut self.entries, vec![None; size]);
        self.len = 0;
        for (hash, place) in old.into_iter().flatten() {
            self.insert(hash, place);
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::Index;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Few, and many with the same first place.
    fn hash() -> impl Strategy<Value = u64> {
        (0..40_u64, 0..3_u64).prop_map(|(low, high)| low | high << 32)
    }

    proptest! {
        #[test]
        fn it_finds_what_a_map_finds(
            steps in prop::collection::vec((hash(), prop::option::of(0..100_usize)), 0..300),
        ) {
            let mut index = Index::default();
            let mut model = HashMap::new();
            for (hash, place) in steps {
                match place {
                    Some(place) => {
                        index.insert(hash, place);
                        model.insert(hash, place);
                    }
                    None => {
                        index.remove(hash);
                        model.remove(&hash);
                    }
                }
                prop_assert_eq!(index.len(), model.len());
                prop_assert!(index.entries.len() >= 2 * model.len());
                for low in 0..40 {
                    for high in 0..3_u64 {
                        let hash = low | high << 32;
                        prop_assert_eq!(index.get(hash), model.get(&hash).copied());
                    }
                }
            }
        }
    }
}
