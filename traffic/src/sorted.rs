//! Sorting in little code.

/// Puts an item where it belongs, behind those that are not greater.
///
/// The sorts of slices are faster, but their code takes 4 KB of a module for each type
/// that is sorted, and only configuring sorts.
pub(crate) fn insert<T, K: Ord>(list: &mut Vec<T>, item: T, key: impl Fn(&T) -> K) {
    let own = key(&item);
    let place = list.partition_point(|other| key(other) <= own);
    list.insert(place, item);
}

#[cfg(test)]
mod tests {
    use super::insert;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn equal_items_stay_in_their_order() {
        let mut list = Vec::new();
        for item in ["b1", "a1", "c1", "b2", "a2"] {
            insert(&mut list, item, |item| item.as_bytes()[0]);
        }
        assert_eq!(list, ["a1", "a2", "b1", "b2", "c1"]);
    }
}
