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
        map.insert(2, 21);
        assert_eq!((map.len(), map.first()), (3, Some(1)));
        map.retain(|number, item| (number, *item) != (1, 10));
        assert_eq!(map.remove(1), None);
        assert_eq!(map.remove(2), Some(21));
        assert_eq!(map.remove(2), None);
        assert_eq!(map.remove(3), Some(30));
        assert!(map.is_empty());
    }
}
