//! Sorting in little code.

use std::collections::BinaryHeap;

/// The numbers of keys in their order, equal ones in the order in which they came.
///
/// By heap sort, and of keys of one type: the sorts of slices are faster, but their
/// code takes 4 KB for each type that is sorted, and only configuring sorts.
pub(crate) fn order(keys: Vec<Vec<u8>>) -> Vec<(Vec<u8>, usize)> {
    let keys = keys.into_iter().zip(0..);
    BinaryHeap::from(keys.collect::<Vec<_>>()).into_sorted_vec()
}

/// The same with the first of each key alone.
pub(crate) fn distinct(keys: Vec<Vec<u8>>) -> Vec<(Vec<u8>, usize)> {
    let mut order = order(keys);
    order.dedup_by(|(key, _), (before, _)| key == before);
    order
}

#[cfg(test)]
mod tests {
    use super::{distinct, order};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn numbers(order: Vec<(Vec<u8>, usize)>) -> Vec<usize> {
        order.into_iter().map(|(_, number)| number).collect()
    }

    #[test]
    fn equal_keys_stay_in_their_order() {
        let keys = || ["b", "a", "b", "a", ""].map(Vec::from).to_vec();
        assert_eq!(numbers(order(keys())), [4, 1, 3, 0, 2]);
        assert_eq!(numbers(distinct(keys())), [4, 1, 0]);
    }
}
