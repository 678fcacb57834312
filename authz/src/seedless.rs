//! Hashing without a random seed, so that one configuration compiles to one
//! program everywhere, and a module needs no randomness from its host.

use std::hash::{BuildHasherDefault, Hasher};

use sluice_policy::fnv;

/// FNV-1a. Only configurations are hashed with it, never what clients send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(fnv::START)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fnv::extend(self.0, bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Builds such hashers.
pub(crate) type Seedless = BuildHasherDefault<Fnv>;
