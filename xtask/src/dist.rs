//! Builds the WebAssembly modules: the filters, and the guests of the tests.

mod dead;
mod module;
mod optimiser;
mod package;
mod relocations;
mod traps;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
use crate::setup::rust;
use crate::tree::Tree;

use package::Role;
pub use package::{WasmPackage, all as packages};

/// Envoy and Istio set no limit; ours keeps pulls and V8's compilation quick.
const SIZE_GOAL_BYTES: usize = 200 * 1024;

/// A module in its place.
struct Delivered {
    name: String,
    path: PathBuf,
    size_bytes: usize,
}

/// Builds every module into `target/wasm` and prints the sizes of the filters.
///
/// A filter is also written to `target/wasm/debug`, with the names of its functions
/// and with panics that say why: the one that is delivered traps without a word.
pub fn dist(tree: &Tree) -> Result<()> {
    let delivered = build(tree)?;
    println!("optimised by {}", optimiser::version()?);
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

/// Builds every module into `target/wasm`, quietly.
pub fn prepare(tree: &Tree) -> Result<()> {
    build(tree).map(drop)
}

/// Returns the filters; the guests are of no interest to a reader.
fn build(tree: &Tree) -> Result<Vec<Delivered>> {
    rust::add_target(tree, rust::FILTER_TARGET)?;
    optimiser::require()?;
    let packages = packages(tree)?;
    compile(tree, &packages)?;
    let mut filters = Vec::new();
    for package in &packages {
        let delivered = deliver(tree, package)?;
        if package.role == Role::Filter {
            filters.push(delivered);
        }
    }
    Ok(filters)
}

fn compile(tree: &Tree, packages: &[WasmPackage]) -> Result<()> {
    let mut cargo = tree.cargo();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(tree));
    cargo.args([
        "build",
        "--profile",
        "filter",
        "--target",
        rust::FILTER_TARGET,
    ]);
    cargo.args(
        packages
            .iter()
            .flat_map(|package| ["--package", &package.package]),
    );
    run::run(&mut cargo)
}

/// What separates flags in cargo's variable.
const SEPARATOR: &str = "\u{1f}";

/// Panic messages hold the paths of source files. Cut short, a module is smaller
/// and the same whoever builds it. The relocations tell later what is dead.
fn flags(tree: &Tree) -> OsString {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = home.map(|home| home.join("registry").join("src"));
    let mut flags = OsString::from("-Clink-arg=--emit-relocs");
    for (path, name) in [
        (registry.as_deref(), "crates"),
        (Some(tree.root()), "sluice"),
    ] {
        let Some(path) = path else { continue };
        flags.push(SEPARATOR);
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

fn deliver(tree: &Tree, package: &WasmPackage) -> Result<Delivered> {
    let built = tree.built(&format!(
        "{}/filter/{}.wasm",
        rust::FILTER_TARGET,
        package.name
    ));
    let bytes = std::fs::read(&built)
        .with_context(|| format!("{}: cargo built no module here", built.display()))?;
    let path = match package.role {
        Role::Filter => tree.made(&format!("wasm/{}.wasm", package.name)),
        Role::Guest => tree.made(&format!("wasm/guests/{}.wasm", package.name)),
    };
    let bytes = match package.role {
        Role::Filter => {
            filter(tree, package, &bytes).with_context(|| built.display().to_string())?
        }
        Role::Guest => bytes,
    };
    write_whole(&path, &bytes)?;
    Ok(Delivered {
        name: package.name.clone(),
        path,
        size_bytes: bytes.len(),
    })
}

/// The filter that is delivered; the one for debugging is written on the way.
fn filter(tree: &Tree, package: &WasmPackage, built: &[u8]) -> Result<Vec<u8>> {
    let debuggable = tree.made(&format!("wasm/debug/{}.wasm", package.name));
    write_whole(&debuggable, &module::debuggable(built, package)?)?;
    // Another run may be at it at the same time.
    let name = format!("wasm/{}.{}.unoptimised", package.name, std::process::id());
    let unoptimised = tree.made(&name);
    write_whole(&unoptimised, &module::finish(built, package)?)?;
    let optimised = optimiser::optimise(&unoptimised);
    std::fs::remove_file(&unoptimised).with_context(|| unoptimised.display().to_string())?;
    optimised
}

/// Writes beside the goal and renames, so that a reader never sees half a module.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a module lies in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let unfinished = path.with_extension("wasm.part");
    std::fs::write(&unfinished, bytes).with_context(|| unfinished.display().to_string())?;
    std::fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}
