//! Exchanges that share an id: a report cannot tell them apart.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Ids that are remembered of a recording. Their hashes take 2 MiB at most: memory must
/// not grow with the length of a recording.
const MAX_REMEMBERED: usize = 1 << 17;

/// A hasher without a random key: the same recording gives the same warning.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// The ids of a block in one piece of memory: freeing each on another thread than
/// its worker's would make the two wait for each other.
#[derive(Debug, Default)]
pub struct Ids {
    text: String,
    ends: Vec<usize>,
}

impl Ids {
    /// Adds one.
    pub fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends);
        ranges.map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }
}

/// Looks for ids that come again in the same recording.
#[derive(Debug, Default)]
pub struct RepeatedIds {
    recording: usize,
    seen: HashSet<u64, FixedHasher>,
    first: Option<String>,
    count: u64,
}

impl RepeatedIds {
    /// Notes an exchange of the recording at this place.
    pub fn note(&mut self, recording: usize, id: &str) {
        if recording != self.recording {
            self.recording = recording;
            self.seen.clear();
        }
        let hash = self.seen.hasher().hash_one(id);
        let is_repeated = if self.seen.len() < MAX_REMEMBERED {
            !self.seen.insert(hash)
        } else {
            self.seen.contains(&hash)
        };
        if is_repeated {
            self.count += 1;
            self.first.get_or_insert_with(|| id.to_owned());
        }
    }

    /// The first id that came again, and how many exchanges had one that was there before.
    pub fn found(&self) -> Option<(&str, u64)> {
        let first = self.first.as_deref()?;
        Some((first, self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(ids: &[(usize, &str)]) -> Option<(String, u64)> {
        let mut repeated = RepeatedIds::default();
        for (recording, id) in ids {
            repeated.note(*recording, id);
        }
        let (first, count) = repeated.found()?;
        Some((first.to_owned(), count))
    }

    #[test]
    fn ids_come_back_as_they_were() {
        let mut ids = Ids::default();
        for id in ["a", "", "ü", "a"] {
            ids.push(id);
        }
        assert_eq!(ids.iter().collect::<Vec<_>>(), ["a", "", "ü", "a"]);
    }

    #[test]
    fn each_exchange_with_an_id_of_another_counts() {
        let ids = [(0, "a"), (0, "b"), (0, "b"), (0, "a"), (0, "b")];
        assert_eq!(noted(&ids), Some(("b".to_owned(), 3)));
        assert_eq!(noted(&[(0, "a"), (0, "b")]), None);
    }

    #[test]
    fn ids_are_those_of_one_recording() {
        assert_eq!(noted(&[(0, "har-1"), (1, "har-1")]), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut repeated = RepeatedIds::default();
        for number in 0..=MAX_REMEMBERED {
            repeated.note(0, &number.to_string());
        }
        assert_eq!(repeated.seen.len(), MAX_REMEMBERED);
        repeated.note(0, &MAX_REMEMBERED.to_string());
        assert_eq!(repeated.found(), None);
        repeated.note(0, "7");
        assert_eq!(repeated.found(), Some(("7", 1)));
    }
}
