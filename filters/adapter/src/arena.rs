//! Where the host puts the bytes it returns: a bump allocator, emptied at the
//! start of every callback.
//!
//! The host asks the guest for memory on each call that returns bytes. Nobody
//! keeps those bytes longer than a callback, so freeing them one by one would be
//! wasted work; and borrowing them needs no copy.

use std::cell::RefCell;

/// Enough for all headers that Envoy accepts by default (60 KiB).
const CHUNK_BYTES: usize = 64 * 1024;

struct Arena {
    chunk: Box<[u8]>,
    used: usize,
    /// Allocations that did not fit: large configurations, large bodies.
    oversized: Vec<Box<[u8]>>,
}

impl Arena {
    fn new() -> Self {
        Self {
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            used: 0,
            oversized: Vec::new(),
        }
    }

    fn allocate(&mut self, size: usize) -> *mut u8 {
        let end = self.used.saturating_add(size);
        let Some(free) = self.chunk.get_mut(self.used..end) else {
            return self.allocate_oversized(size);
        };
        let start = free.as_mut_ptr();
        self.used = end;
        start
    }

    fn allocate_oversized(&mut self, size: usize) -> *mut u8 {
        self.oversized.push(vec![0; size].into_boxed_slice());
        self.oversized
            .last_mut()
            .map_or(std::ptr::null_mut(), |boxed| boxed.as_mut_ptr())
    }

    fn reset(&mut self) {
        self.used = 0;
        self.oversized.clear();
    }
}

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::new(Arena::new());
}

/// Lets go of everything that was allocated in the last callback.
pub(crate) fn reset() {
    ARENA.with_borrow_mut(Arena::reset);
}

/// `size` bytes that live until the next [`reset`]. Of no particular alignment: what
/// the host writes there is read byte by byte.
pub(crate) fn allocate(size: usize) -> *mut u8 {
    ARENA.with_borrow_mut(|arena| arena.allocate(size))
}

#[cfg(test)]
mod tests {
    use super::{Arena, CHUNK_BYTES};

    #[test]
    fn allocations_follow_one_another() {
        let mut arena = Arena::new();
        let first = arena.allocate(3) as usize;
        let second = arena.allocate(8) as usize;
        assert_eq!(second - first, 3);
    }

    #[test]
    fn what_does_not_fit_is_allocated_apart_and_freed_on_reset() {
        let mut arena = Arena::new();
        arena.allocate(CHUNK_BYTES - 1);
        arena.allocate(CHUNK_BYTES);
        assert_eq!(arena.oversized.len(), 1);
        arena.reset();
        assert!(arena.oversized.is_empty());
        assert_eq!(arena.used, 0);
    }

    #[test]
    fn the_whole_chunk_can_be_used() {
        let mut arena = Arena::new();
        arena.allocate(CHUNK_BYTES);
        assert!(arena.oversized.is_empty());
        arena.allocate(1);
        assert_eq!(arena.oversized.len(), 1);
    }
}
