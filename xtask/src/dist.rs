//! Builds the WebAssembly modules: the filters, and the guests of the tests.

mod c_compiler;
mod dead;
mod memory;
mod module;
mod optimiser;
mod package;
mod relocations;
mod traps;
mod unfinished;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
use crate::setup::rust;
use crate::tree::Tree;

use package::Role;
pub use package::{WasmPackage, all as packages};
use traps::EndsFound;
use unfinished::Unfinished;

/// Envoy and Istio set no limit; ours keeps pulls and V8's compilation quick.
const SIZE_GOAL_BYTES: usize = 200 * 1024;

/// Filters with a goal of their own: `jwt.wasm` has the cryptography in it that it needs
/// on hosts without any.
const OWN_SIZE_GOALS: [(&str, usize); 1] = [("jwt", 260 * 1024)];

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
///
/// The bytes are the same for everybody who has the same compiler and the same version
/// of the optimiser, which is printed for that; others come to other bytes and sizes.
pub fn dist(tree: &Tree) -> Result<()> {
    let mut ends = EndsFound::default();
    let delivered = build(tree, &mut ends)?;
    println!("optimised by {}", optimiser::version()?);
    println!("{:<12} {:>9}  {:>8}  module", "filter", "bytes", "of goal");
    for filter in &delivered {
        let percent = filter.size_bytes * 100 / size_goal_bytes(&filter.name);
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
    ends.check()
}

fn size_goal_bytes(filter: &str) -> usize {
    OWN_SIZE_GOALS
        .into_iter()
        .find(|(name, _)| *name == filter)
        .map_or(SIZE_GOAL_BYTES, |(_, goal)| goal)
}

/// Builds every module into `target/wasm`, quietly. One that is larger than it could be
/// is [`dist`]'s concern; it does the same.
pub fn prepare(tree: &Tree) -> Result<()> {
    build(tree, &mut EndsFound::default()).map(drop)
}

/// Returns the filters; the guests are of no interest to a reader.
fn build(tree: &Tree, ends: &mut EndsFound) -> Result<Vec<Delivered>> {
    rust::add_target(tree, rust::FILTER_TARGET)?;
    c_compiler::require()?;
    optimiser::require()?;
    let packages = packages(tree)?;
    compile(tree, &packages)?;
    let mut filters = Vec::new();
    for package in &packages {
        let delivered = deliver(tree, package, ends)?;
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

fn deliver(tree: &Tree, package: &WasmPackage, ends: &mut EndsFound) -> Result<Delivered> {
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
            filter(tree, package, &bytes, ends).with_context(|| built.display().to_string())?
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
fn filter(
    tree: &Tree,
    package: &WasmPackage,
    built: &[u8],
    ends: &mut EndsFound,
) -> Result<Vec<u8>> {
    let debuggable = tree.made(&format!("wasm/debug/{}.wasm", package.name));
    write_whole(&debuggable, &module::debuggable(built)?)?;
    let module = tree.made(&format!("wasm/{}.wasm", package.name));
    let unoptimised = Unfinished::of(&module, "unoptimised");
    write(unoptimised.path(), &module::finish(built, ends)?)?;
    optimiser::optimise(unoptimised.path())
}

/// Writes beside the goal and renames, so that a reader never sees half a module.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = Unfinished::of(path, "part");
    write(unfinished.path(), bytes)?;
    std::fs::rename(unfinished.path(), path).with_context(|| path.display().to_string())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a module lies in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
