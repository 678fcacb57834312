//! What the VMs of a proxy tell each other.

mod sealed;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use sealed::{seal, unseal};

/// The host's shared data: `proxy_get_shared_data` and `proxy_set_shared_data`.
///
/// All plugins with the same `vm_id` in a proxy see it, so it is as trusted as they
/// are, no less and no more.
pub trait SharedData {
    /// A value and the number to change it by.
    fn get(&mut self, key: &str) -> Option<(Vec<u8>, u32)>;

    /// Puts a value; `false` when it was changed since the number was read, or the
    /// host keeps none.
    fn set(&mut self, key: &str, value: &[u8], cas: u32) -> bool;
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Made.
    Made,
    /// Somebody else was first: look again.
    Overtaken,
    /// The host keeps no shared data.
    NotKept,
}

/// Envoy takes 0 for "whatever there is", and any other number for a key that is
/// not there. Its own numbers count up from 1, so this one is never current.
const NOT_THERE: u32 = u32::MAX;

/// Changes what was read with the number `cas`, or was not there.
pub fn change(shared: &mut dyn SharedData, key: &str, value: &[u8], cas: Option<u32>) -> Change {
    if shared.set(key, value, cas.unwrap_or(NOT_THERE)) {
        return Change::Made;
    }
    match shared.get(key) {
        Some(_) => Change::Overtaken,
        None => Change::NotKept,
    }
}
