//! Builds the filters as WebAssembly modules.

mod callbacks;
mod module;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
use crate::setup::rust;
use crate::tree::Tree;

use callbacks::Filter;

/// Envoy and Istio set no limit; ours keeps pulls and V8's compilation quick.
const SIZE_GOAL_BYTES: u64 = 200 * 1024;

/// A filter as delivered.
pub struct Delivered {
    /// Name of the filter: `authz`.
    pub name: String,
    /// The module, ready for Envoy.
    pub path: PathBuf,
    size_bytes: u64,
}

/// Builds every filter into `target/wasm` and prints a table of sizes.
pub fn dist(tree: &Tree) -> Result<()> {
    let delivered = build(tree)?;
    println!("{:<12} {:>9}  {:>8}  module", "filter", "bytes", "of goal");
    for filter in &delivered {
        let percent = filter.size_bytes * 100 / SIZE_GOAL_BYTES;
        let place = filter
            .path
            .strip_prefix(tree.root())
            .unwrap_or(&filter.path);
        println!(
            "{:<12} {:>9}  {percent:>7}%  {}",
            filter.name,
            filter.size_bytes,
            place.display()
        );
    }
    Ok(())
}

/// Builds every filter into `target/wasm`.
pub fn build(tree: &Tree) -> Result<Vec<Delivered>> {
    rust::add_target(tree, rust::FILTER_TARGET)?;
    let filters = callbacks::filters(&tree.metadata()?)?;
    compile(tree, &filters)?;
    filters.iter().map(|filter| deliver(tree, filter)).collect()
}

fn compile(tree: &Tree, filters: &[Filter]) -> Result<()> {
    let mut cargo = tree.cargo();
    cargo.args([
        "build",
        "--profile",
        "wasm",
        "--target",
        rust::FILTER_TARGET,
    ]);
    for filter in filters {
        cargo.args(["--package", &filter.package]);
    }
    run::run(&mut cargo)
}

fn deliver(tree: &Tree, filter: &Filter) -> Result<Delivered> {
    let built = tree.built(&format!(
        "{}/wasm/{}.wasm",
        rust::FILTER_TARGET,
        filter.name
    ));
    let bytes = std::fs::read(&built)
        .with_context(|| format!("{}: cargo built no module here", built.display()))?;
    let finished = module::finish(&bytes, filter).with_context(|| built.display().to_string())?;
    let path = tree.made(&format!("wasm/{}.wasm", filter.name));
    write_whole(&path, &finished)?;
    Ok(Delivered {
        name: filter.name.clone(),
        path,
        size_bytes: finished.len() as u64,
    })
}

/// Writes beside the goal and renames, so that a reader never sees half a module.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a module lies in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let unfinished = path.with_extension("wasm.part");
    std::fs::write(&unfinished, bytes).with_context(|| unfinished.display().to_string())?;
    std::fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}
