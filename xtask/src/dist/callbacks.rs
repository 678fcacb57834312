//! Which packages are filters, and which callbacks each of them serves.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A package that becomes a module.
pub struct Filter {
    /// Package name: `sluice-authz-filter`.
    pub package: String,
    /// Name of the module: `authz`.
    pub name: String,
    /// Callbacks served, without `proxy_`: `on_request_headers`.
    ///
    /// `None` when the package lists none: every callback of the module stays.
    pub callbacks: Option<Vec<String>>,
}

/// Every package of the workspace that has a cdylib.
///
/// The callbacks come from `[package.metadata.sluice] callbacks` of its Cargo.toml,
/// because the list belongs to the filter, not to the tool that builds it.
pub fn filters(metadata: &Value) -> Result<Vec<Filter>> {
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("`cargo metadata` lists packages")?;
    let members = metadata
        .get("workspace_members")
        .and_then(Value::as_array)
        .context("`cargo metadata` lists members")?;
    let mut filters = Vec::new();
    for package in packages {
        let Some(library) = cdylib(package) else {
            continue;
        };
        if package.get("id").is_some_and(|id| members.contains(id)) {
            filters.push(filter(package, library)?);
        }
    }
    if filters.is_empty() {
        bail!("no package of the workspace has a cdylib, so there is no filter to build");
    }
    Ok(filters)
}

fn cdylib(package: &Value) -> Option<&str> {
    let targets = package.get("targets")?.as_array()?;
    let library = targets.iter().find(|target| {
        let kinds = target.get("kind").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    })?;
    library.get("name")?.as_str()
}

fn filter(package: &Value, library: &str) -> Result<Filter> {
    let name = package
        .get("name")
        .and_then(Value::as_str)
        .context("a package has a name")?;
    let callbacks = package
        .pointer("/metadata/sluice/callbacks")
        .map(|list| {
            words(list).with_context(|| {
                format!("{name}: package.metadata.sluice.callbacks: expected a list of strings")
            })
        })
        .transpose()?;
    Ok(Filter {
        package: name.to_owned(),
        name: library.to_owned(),
        callbacks,
    })
}

fn words(list: &Value) -> Option<Vec<String>> {
    list.as_array()?
        .iter()
        .map(|word| word.as_str().map(str::to_owned))
        .collect()
}
