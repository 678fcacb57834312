//! Finishes a built module: only the needed exports, no names.
//!
//! Envoy calls every `proxy_on_*` that a module exports, and each call into V8
//! costs, so a filter must export no callback that it does not use. The SDK
//! exports them all, under names that are then taken at link time. The adapter
//! therefore calls its own `sluice_on_*`, and they get their real names here.

use anyhow::{Context, Result, bail};
use walrus::{ExportId, Module, ModuleConfig};

use super::package::WasmPackage;

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

const OURS: &str = "sluice_on_";
const HOSTS: &str = "proxy_on_";

/// The module that is delivered, made from the one that cargo built.
pub fn finish(built: &[u8], filter: &WasmPackage) -> Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(false)
        .generate_producers_section(false);
    let mut module = config.parse(built).context("not a WebAssembly module")?;
    take_places(&mut module);
    keep_needed(&mut module, filter)?;
    drop_custom_sections(&mut module);
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// Gives every `sluice_on_*` the name `proxy_on_*`, in place of all the SDK's.
///
/// A module without any is served by the SDK, and keeps its callbacks.
fn take_places(module: &mut Module) {
    let ours = named(module, |name| name.starts_with(OURS));
    if ours.is_empty() {
        return;
    }
    for sdk in named(module, |name| name.starts_with(HOSTS)) {
        module.exports.delete(sdk);
    }
    for id in ours {
        let export = module.exports.get_mut(id);
        export.name = export.name.replacen(OURS, HOSTS, 1);
    }
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
    names.filter(|name| name.starts_with(HOSTS)).collect()
}

fn drop_custom_sections(module: &mut Module) {
    let sections: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
    for section in sections {
        module.customs.delete(section);
    }
}
