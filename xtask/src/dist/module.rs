//! Finishes a built module: only the needed exports, no names, silent panics.
//!
//! Envoy calls every `proxy_on_*` that a module exports, and each call into V8
//! costs, so a filter must export no callback that it does not use.

use anyhow::{Context, Result, bail};
use walrus::{ExportId, Module, ModuleConfig};

use super::package::WasmPackage;
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
pub(super) fn finish(built: &[u8], filter: &WasmPackage, ends: &mut EndsFound) -> Result<Vec<u8>> {
    let relocations = relocations::read(built)?;
    let mut module = parse(built, false)?;
    dead::check(&module, &relocations)?;
    memory::check(&module)?;
    trim(&mut module, filter)?;
    traps::cut(&mut module, ends);
    dead::clear(&mut module, &relocations)?;
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// The same module with the names of functions, and with panics that say why.
pub fn debuggable(built: &[u8], filter: &WasmPackage) -> Result<Vec<u8>> {
    let mut module = parse(built, true)?;
    trim(&mut module, filter)?;
    Ok(module.emit_wasm())
}

fn parse(built: &[u8], with_names: bool) -> Result<Module> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(with_names)
        .generate_producers_section(false);
    config.parse(built).context("not a WebAssembly module")
}

fn trim(module: &mut Module, filter: &WasmPackage) -> Result<()> {
    keep_needed(module, filter)?;
    drop_custom_sections(module);
    walrus::passes::gc::run(module);
    Ok(())
}

fn named(module: &Module, matches: impl Fn(&str) -> bool) -> Vec<ExportId> {
    let exports = module.exports.iter();
    exports
        .filter(|export| matches(&export.name))
        .map(walrus::Export::id)
        .collect()
}

/// Drops every export that is neither plumbing nor a served callback.
fn keep_needed(module: &mut Module, filter: &WasmPackage) -> Result<()> {
    let served = match &filter.callbacks {
        Some(callbacks) => callbacks
            .iter()
            .map(|callback| format!("proxy_{callback}"))
            .collect(),
        None => every_callback(module),
    };
    for name in &served {
        if !module.exports.iter().any(|export| &export.name == name) {
            bail!(
                "`{name}` is in package.metadata.sluice.callbacks, but the module does not export it"
            );
        }
    }
    let needed =
        |name: &str| PLUMBING.contains(&name) || served.iter().any(|callback| callback == name);
    for id in named(module, |name| !needed(name)) {
        module.exports.delete(id);
    }
    Ok(())
}

fn every_callback(module: &Module) -> Vec<String> {
    let names = module.exports.iter().map(|export| export.name.clone());
    names.filter(|name| name.starts_with(CALLBACK)).collect()
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
    use crate::dist::package::{Role, WasmPackage};

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

    fn filter(callbacks: Option<&[&str]>) -> WasmPackage {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        WasmPackage {
            package: "sluice-x-filter".to_owned(),
            name: "x".to_owned(),
            role: Role::Filter,
            callbacks: callbacks.map(owned),
        }
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
    fn without_a_list_every_callback_stays() {
        let built = exporting(&[
            "_initialize",
            "proxy_on_configure",
            "proxy_on_log",
            "__heap_base",
        ]);
        let made = debuggable(&built, &filter(None)).unwrap();
        assert_eq!(
            exports(&made),
            ["_initialize", "proxy_on_configure", "proxy_on_log"]
        );
    }

    #[test]
    fn only_listed_callbacks_stay() {
        let built = exporting(&["proxy_on_configure", "proxy_on_log"]);
        let made = debuggable(&built, &filter(Some(&["on_configure"]))).unwrap();
        assert_eq!(exports(&made), ["proxy_on_configure"]);
    }

    #[test]
    fn a_listed_callback_must_exist() {
        let failure = debuggable(&exporting(&[]), &filter(Some(&["on_configure"]))).unwrap_err();
        assert!(
            failure.to_string().contains("proxy_on_configure"),
            "{failure}"
        );
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(debuggable(b"not wasm", &filter(None)).is_err());
    }
}
