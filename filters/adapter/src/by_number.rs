//! A map from the host's numbers for streams and calls.

/// Items in the order of their numbers. The host hands out ascending numbers, so
/// a new item nearly always goes to the end.
#[derive(Debug)]
pub(crate) struct ByNumber<T>(Vec<(u32, T)>);

impl<T> ByNumber<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts an item in the place of the one that has the number, if any.
    pub(crate) fn insert(&mut self, number: u32, item: T) {
        self.remove(number);
        let at = self.0.partition_point(|(other, _)| *other < number);
        self.0.insert(at, (number, item));
    }

    /// Takes the item with a number.
    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let at = self.0.partition_point(|(other, _)| *other < number);
        let is_it = self.0.get(at).is_some_and(|(other, _)| *other == number);
        is_it.then(|| self.0.remove(at).1)
    }

    /// The item with a number.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let at = self.0.partition_point(|(other, _)| *other < number);
        let found = self.0.get_mut(at).filter(|(other, _)| *other == number);
        found.map(|(_, item)| item)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lowest number: the one that was handed out first.
    pub(crate) fn first(&self) -> Option<u32> {
        self.0.first().map(|(number, _)| *number)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(u32, &T) -> bool) {
        self.0.retain(|(number, item)| keep(*number, item));
    }

    /// Takes the items that are not to stay.
    pub(crate) fn take_unless(&mut self, stays: impl Fn(u32, &T) -> bool) -> Vec<T> {
        let leave = self
            .0
            .extract_if(.., |(number, item)| !stays(*number, item));
        leave.map(|(_, item)| item).collect()
    }

    /// Whether there is an item with the number.
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.0
            .binary_search_by_key(&number, |(other, _)| *other)
            .is_ok()
    }

    /// All items, the lowest number first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.0.iter().map(|(number, item)| (*number, item))
    }

    #[cfg(test)]
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.0.iter().map(|(number, _)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::ByNumber;

    #[test]
    fn items_are_found_whatever_their_order() {
        let mut map = ByNumber::new();
        for number in [3, 1, 2] {
            map.insert(number, number * 10);
        }
        map.insert(2, 20);
        *map.get_mut(2).unwrap() += 1;
        assert_eq!(map.get_mut(4), None);
        assert_eq!((map.len(), map.first()), (3, Some(1)));
        map.retain(|number, item| (number, *item) != (1, 10));
        assert_eq!(map.remove(1), None);
        assert_eq!(map.remove(2), Some(21));
        assert_eq!(map.remove(2), None);
        assert_eq!(map.remove(3), Some(30));
        assert!(map.is_empty());
        for number in [1, 2, 3] {
            map.insert(number, number);
        }
        assert_eq!(map.take_unless(|number, _| number == 2), [1, 3]);
        assert_eq!((map.contains(1), map.contains(2)), (false, true));
    }
}
