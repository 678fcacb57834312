//! Which tokens came by before, as far as a few bytes can tell.

/// The last hash for each of its places. Two tokens with one place push each other out,
/// which costs the one that was first another time before the door.
#[derive(Debug)]
pub(super) struct Door(Box<[u64]>);

impl Door {
    /// A door with about as many places as there is room behind it.
    pub(super) fn new(places: usize) -> Self {
        Self(vec![0; places.next_power_of_two()].into())
    }

    /// Whether the hash was the last one at its place; it is from now on.
    pub(super) fn has_seen(&mut self, hash: u64) -> bool {
        let last = self.0.len() as u64 - 1;
        let place = usize::try_from(hash & last).unwrap_or_default();
        let Some(seen) = self.0.get_mut(place) else {
            return false;
        };
        std::mem::replace(seen, hash) == hash
    }
}

#[cfg(test)]
mod tests {
    use super::Door;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_last_hash_of_each_place_was_seen() {
        let mut door = Door::new(4);
        assert!(!door.has_seen(5));
        assert!(!door.has_seen(6));
        assert!(door.has_seen(5) && door.has_seen(6));
        // The place of 5.
        assert!(!door.has_seen(9));
        assert!(!door.has_seen(5));
        assert!(door.has_seen(5));
    }

    #[test]
    fn a_door_has_at_least_one_place() {
        let mut door = Door::new(0);
        assert!(!door.has_seen(5));
        assert!(door.has_seen(5));
        assert!(!door.has_seen(6));
    }
}
