//! Which packages become modules.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tree::Tree;

/// A package that becomes a module.
pub struct WasmPackage {
    /// Package name: `sluice-authz-filter`.
    pub package: String,
    /// Name of the module: `authz`.
    pub name: String,
    /// Whether it is delivered or only probes a host.
    pub role: Role,
}

/// What a module is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A filter of the project, below `filters/`.
    Filter,
    /// A guest for the tests, below `tests/guests/`: left as cargo built it.
    Guest,
}

/// Every package of the workspace that has a cdylib.
pub fn all(tree: &Tree) -> Result<Vec<WasmPackage>> {
    let metadata = tree.metadata()?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("`cargo metadata` lists packages")?;
    let mut found = Vec::new();
    for package in packages {
        if let Some(library) = cdylib(package) {
            found.push(wasm_package(tree, package, library)?);
        }
    }
    Ok(found)
}

fn cdylib(package: &Value) -> Option<&str> {
    let targets = package.get("targets")?.as_array()?;
    let library = targets.iter().find(|target| {
        let kinds = target.get("kind").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    })?;
    library.get("name")?.as_str()
}

fn wasm_package(tree: &Tree, package: &Value, library: &str) -> Result<WasmPackage> {
    let name = text(package, "name")?;
    let manifest = text(package, "manifest_path")?;
    Ok(WasmPackage {
        package: name.to_owned(),
        name: library.to_owned(),
        role: role(tree, manifest)?,
    })
}

fn role(tree: &Tree, manifest: &str) -> Result<Role> {
    let places = [("filters", Role::Filter), ("tests/guests", Role::Guest)];
    places
        .into_iter()
        .find(|(folder, _)| std::path::Path::new(manifest).starts_with(tree.root().join(folder)))
        .map(|(_, role)| role)
        .with_context(|| {
            format!(
                "{manifest}: found a cdylib, expected those below filters/ and tests/guests/ only"
            )
        })
}

fn text<'a>(package: &'a Value, key: &str) -> Result<&'a str> {
    package
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("`cargo metadata` gives a package no {key}"))
}
