//! What the host offers beyond the request: data for all VMs, and a clock.

use sluice_adapter::{Host, Written};
use sluice_jwt::SharedData;

/// The host's shared data.
pub struct Shared<'cb>(pub Host<'cb>);

impl SharedData for Shared<'_> {
    fn get(&mut self, key: &str) -> Option<(Vec<u8>, u32)> {
        let (value, cas) = self.0.shared_data(key).ok()?;
        Some((value.to_vec(), cas))
    }

    fn set(&mut self, key: &str, value: &[u8], cas: u32) -> bool {
        self.0.set_shared_data(key, value, cas) == Ok(Written::Done)
    }
}

/// Whole milliseconds.
pub fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000
}
