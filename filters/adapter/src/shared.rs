//! Data for all VMs of the proxy.

use sluice_policy::SharedData;

use crate::abi::{Host, Written};

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
