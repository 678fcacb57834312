//! Binaryen's optimiser. It knows what only WebAssembly has, and rewrites for size
//! what the compiler left behind: locals, blocks, equal functions, runs of zeros.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;
use crate::setup::packages::{self, Package};

/// What the compiler uses of WebAssembly for this target, and hosts provide.
/// Binaryen refuses, or breaks up, what it is not told of.
const FEATURES: [&str; 4] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
];

/// For size, until nothing changes, and then the most called functions first, whose
/// numbers are the shortest. Addresses below 1,024 are the deepest kilobyte
/// of the stack, so additions to addresses may move into loads and stores: one that
/// leaves the memory then traps, where a sum would have wrapped.
const PASSES: [&str; 4] = [
    "-Oz",
    "--low-memory-unused",
    "--converge",
    "--reorder-functions",
];

/// Makes sure of the optimiser. Without it nothing is delivered: there is one module
/// for everybody, not a larger one for those who lack a program.
pub(super) fn require() -> Result<()> {
    packages::require(Package::Binaryen)
}

/// Rewrites the module at `path` in place and returns its bytes.
pub(super) fn optimise(path: &Path) -> Result<Vec<u8>> {
    let mut optimiser = Command::new("wasm-opt");
    optimiser.args(FEATURES).args(PASSES);
    optimiser.arg(path).arg("-o").arg(path);
    run::run(&mut optimiser)?;
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// Name and version: `wasm-opt version 108`.
pub(super) fn version() -> Result<String> {
    let version = run::output(Command::new("wasm-opt").arg("--version"))?;
    Ok(version.trim().to_owned())
}
