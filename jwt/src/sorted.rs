//! Sorting in little code.

use std::collections::BinaryHeap;

/// The items in the order of their keys, equal ones in the order in which they came.
///
/// By heap sort, of keys of one type: the sorts of slices are faster, but their code
/// takes 4 KB for each type that is sorted, and only configuring sorts.
pub(crate) fn sorted_by_key<T>(items: Vec<T>, key: impl Fn(&T) -> Vec<u8>) -> Vec<(Vec<u8>, T)> {
    let keys = items.iter().enumerate();
    let keys = keys.map(|(number, item)| (key(item), number)).collect();
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(items.len());
    for (key, number) in in_order(keys) {
        if let Some(item) = items.get_mut(number).and_then(Option::take) {
            sorted.push((key, item));
        }
    }
    sorted
}

fn in_order(keys: Vec<(Vec<u8>, usize)>) -> Vec<(Vec<u8>, usize)> {
    BinaryHeap::from(keys).into_sorted_vec()
}

#[cfg(test)]
mod tests {
    use super::sorted_by_key;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn equal_items_stay_in_their_order() {
        let items = vec![("b", 1), ("a", 2), ("b", 3), ("a", 4), ("", 5)];
        let sorted = sorted_by_key(items, |(text, _)| text.as_bytes().to_vec());
        let numbers: Vec<_> = sorted.into_iter().map(|(_, (_, number))| number).collect();
        assert_eq!(numbers, [5, 2, 4, 1, 3]);
    }
}
