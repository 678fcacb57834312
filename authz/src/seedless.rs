//! Hashing without a random seed, so that one configuration compiles to one
//! program everywhere, and a module needs no randomness from its host.

use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a. Only configurations are hashed with it, never what clients send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Builds such hashers.
pub(crate) type Seedless = BuildHasherDefault<Fnv>;
