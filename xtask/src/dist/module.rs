//! Finishes a built module: only the needed exports, no names, silent panics.
//!
//! Envoy calls every `proxy_on_*` that a module exports, and each call into V8
//! costs: a filter exports the callbacks that it names, and they stay.

use anyhow::{Context, Result};
use walrus::{Module, ModuleConfig};

use super::traps::EndsFound;
use super::{dead, memory, relocations, traps};

/// Exports beside the callbacks: what a host needs to start a module and to
/// give it memory.
const PLUMBING: [&str; 9] = [
    "memory",
    "proxy_abi_version_0_1_0",
    "proxy_abi_version_0_2_0",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "malloc",
    "_initialize",
    "_start",
    "main",
];

const CALLBACK: &str = "proxy_on_";

/// The module that is delivered, made from the one that cargo built, which was
/// linked with `--emit-relocs`. Tells `ends` what panics go through in it.
pub(super) fn finish(built: &[u8], ends: &mut EndsFound) -> Result<Vec<u8>> {
    let relocations = relocations::read(built)?;
    let mut module = parse(built, false)?;
    dead::check(&module, &relocations)?;
    memory::check(&module)?;
    trim(&mut module);
    traps::cut(&mut module, ends);
    dead::clear(&mut module, &relocations)?;
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// The same module with the names of functions, and with panics that say why.
pub fn debuggable(built: &[u8]) -> Result<Vec<u8>> {
    let mut module = parse(built, true)?;
    trim(&mut module);
    Ok(module.emit_wasm())
}

fn parse(built: &[u8], with_names: bool) -> Result<Module> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(with_names)
        .generate_producers_section(false);
    config.parse(built).context("not a WebAssembly module")
}

fn trim(module: &mut Module) {
    keep_needed(module);
    drop_custom_sections(module);
    walrus::passes::gc::run(module);
}

/// Drops every export that is neither plumbing nor a callback.
fn keep_needed(module: &mut Module) {
    let needed = |name: &str| PLUMBING.contains(&name) || name.starts_with(CALLBACK);
    let exports = module.exports.iter();
    let others: Vec<_> = exports
        .filter(|export| !needed(&export.name))
        .map(walrus::Export::id)
        .collect();
    for id in others {
        module.exports.delete(id);
    }
}

fn drop_custom_sections(module: &mut Module) {
    let sections: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
    for section in sections {
        module.customs.delete(section);
    }
}

#[cfg(test)]
mod tests {
    use walrus::{FunctionBuilder, Module};

    use super::debuggable;

    /// A module whose functions do nothing, exported under these names.
    fn exporting(names: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        for name in names {
            let builder = FunctionBuilder::new(&mut module.types, &[], &[]);
            let function = builder.finish(Vec::new(), &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    fn exports(wasm: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(wasm).unwrap();
        let mut names: Vec<String> = module
            .exports
            .iter()
            .map(|export| export.name.clone())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn callbacks_and_plumbing_stay() {
        let built = exporting(&[
            "_initialize",
            "proxy_on_configure",
            "proxy_on_log",
            "__heap_base",
        ]);
        let made = debuggable(&built).unwrap();
        assert_eq!(
            exports(&made),
            ["_initialize", "proxy_on_configure", "proxy_on_log"]
        );
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(debuggable(b"not wasm").is_err());
    }
}
