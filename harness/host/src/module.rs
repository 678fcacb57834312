//! A compiled plugin module.

use crate::abi;
use crate::engine::Engine;
use crate::error::ModuleError;
use crate::guest::Guest;
use std::fmt;
use std::sync::Arc;
use wasmtime::InstancePre;

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

impl AbiVersion {
    const MARKERS: [(&'static str, Self); 3] = [
        ("proxy_abi_version_0_1_0", Self::V0_1_0),
        ("proxy_abi_version_0_2_0", Self::V0_2_0),
        ("proxy_abi_version_0_2_1", Self::V0_2_1),
    ];
}

impl fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_2_1 => "0.2.1",
        })
    }
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
    digest: ring::digest::Digest,
    instance_pre: InstancePre<Guest>,
}

impl Module {
    /// Compiles `wasm` and checks what Envoy checks when it loads a module.
    ///
    /// # Errors
    ///
    /// When the bytes are no module (`module-not-wasm`, `module-invalid`), or
    /// the module lacks the ABI marker (`module-abi-missing`), a memory
    /// (`module-memory-missing`) or an allocator (`module-allocator-missing`),
    /// or imports what Envoy does not offer (`module-import-unknown`).
    pub fn compile(engine: &Engine, name: &str, wasm: &[u8]) -> Result<Self, ModuleError> {
        let refuse = |(code, found, expected): Refusal| ModuleError {
            module: name.to_owned(),
            code,
            found,
            expected: expected.to_owned(),
        };
        if !wasm.starts_with(b"\0asm") {
            let expected = "a WebAssembly module, which starts with \"\\0asm\"";
            return Err(refuse(("module-not-wasm", first_bytes(wasm), expected)));
        }
        let module = wasmtime::Module::new(engine.wasmtime(), wasm).map_err(|error| {
            refuse((
                "module-invalid",
                format!("{error:#}"),
                "a valid WebAssembly module",
            ))
        })?;
        let abi = abi_version(&module).map_err(refuse)?;
        check_exports(&module).map_err(refuse)?;
        check_imports(&module, abi).map_err(refuse)?;
        let instance_pre = engine.linker().instantiate_pre(&module).map_err(|error| {
            let expected = "only the host functions that Envoy offers, with their types";
            refuse(("module-import-unknown", format!("{error:#}"), expected))
        })?;
        let inner = Inner {
            name: name.to_owned(),
            abi,
            exports: module
                .exports()
                .map(|export| export.name().to_owned())
                .collect(),
            imports: module
                .imports()
                .map(|import| format!("{}.{}", import.module(), import.name()))
                .collect(),
            size_bytes: wasm.len(),
            digest: ring::digest::digest(&ring::digest::SHA256, wasm),
            instance_pre,
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

    pub(crate) fn instance_pre(&self) -> &InstancePre<Guest> {
        &self.inner.instance_pre
    }

    /// Whether both were compiled from the same bytes.
    pub(crate) fn same_code(&self, other: &Self) -> bool {
        self.inner.digest.as_ref() == other.inner.digest.as_ref()
    }
}

/// Code, what was found, what was expected.
type Refusal = (&'static str, String, &'static str);

fn abi_version(module: &wasmtime::Module) -> Result<AbiVersion, Refusal> {
    let marker = AbiVersion::MARKERS
        .iter()
        .find(|(marker, _)| module.get_export(marker).is_some());
    let expected = "one of the exports proxy_abi_version_0_1_0, _0_2_0, _0_2_1";
    marker
        .map(|(_, abi)| *abi)
        .ok_or_else(|| ("module-abi-missing", "no ABI version".to_owned(), expected))
}

fn check_exports(module: &wasmtime::Module) -> Result<(), Refusal> {
    let memory = module.get_export("memory");
    if memory
        .as_ref()
        .and_then(wasmtime::ExternType::memory)
        .is_none()
    {
        let expected = "an exported memory named \"memory\"";
        return Err(("module-memory-missing", "no memory".to_owned(), expected));
    }
    let allocators = ["malloc", "proxy_on_memory_allocate"];
    if allocators
        .iter()
        .all(|name| module.get_export(name).is_none())
    {
        let expected = "an exported function malloc or proxy_on_memory_allocate";
        return Err((
            "module-allocator-missing",
            "no allocator".to_owned(),
            expected,
        ));
    }
    Ok(())
}

/// Some host functions are there for some ABI versions only.
fn check_imports(module: &wasmtime::Module, abi: AbiVersion) -> Result<(), Refusal> {
    let unknown = module
        .imports()
        .find(|import| import.module() == "env" && !abi::offers(abi, import.name()));
    let Some(import) = unknown else { return Ok(()) };
    let found = format!("import env.{} with ABI {abi}", import.name());
    Err((
        "module-import-unknown",
        found,
        "host functions of that ABI version",
    ))
}

/// How a file that is no module begins.
fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "no bytes".to_owned();
    }
    let shown = bytes.get(..bytes.len().min(16)).unwrap_or_default();
    format!("\"{}\"", shown.escape_ascii())
}
