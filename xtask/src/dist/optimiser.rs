//! Binaryen's optimiser. It knows what only WebAssembly has, and rewrites for size
//! what the compiler left behind: locals, blocks, equal functions, runs of zeros.
//!
//! It is the one part of a build that Cargo.lock does not pin: the same version gives
//! the same bytes, another version gives others, which do the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

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

/// The way through each function is laid anew, without the blocks that the compiler
/// nested. Then for size, until nothing changes, and the most called functions first,
/// whose numbers are the shortest. Addresses below 1,024 are the deepest kilobyte of the
/// stack (`memory.rs` makes sure of it), so additions to addresses may move into loads
/// and stores: one that leaves the memory then traps, where a sum would have wrapped.
const PASSES: [&str; 7] = [
    "--flatten",
    "--rereloop",
    "-Oz",
    // What comes of laying it anew is more than one run finds.
    "-Oz",
    "--low-memory-unused",
    "--converge",
    "--reorder-functions",
];

/// The oldest version that is known to work, which is Debian 12's; the sizes that the
/// project tells of are its doing.
const OLDEST: u32 = 108;

/// Makes sure of the optimiser. Without it nothing is delivered: there is one module
/// for everybody, not a larger one for those who lack a program.
pub(super) fn require() -> Result<()> {
    packages::require(Package::Binaryen)?;
    check(&version()?)
}

/// Fails for versions that nobody has tried: an older one may lack a pass, or break
/// what a newer one rewrites correctly.
fn check(version: &str) -> Result<()> {
    let number = number(version).with_context(|| {
        format!("wasm-opt: found the version `{version}`, expected `wasm-opt version` and a number")
    })?;
    ensure!(
        number >= OLDEST,
        "wasm-opt: found version {number}, expected {OLDEST} or a later one; https://github.com/WebAssembly/binaryen/releases has builds"
    );
    Ok(())
}

/// Builds between two releases put more behind the number: `117-12-g1a2b3c4`.
fn number(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("wasm-opt version ")?;
    let (number, _) = rest.split_once([' ', '-']).unwrap_or((rest, ""));
    number.parse().ok()
}

/// Rewrites the module at `path` in place and returns its bytes.
pub(super) fn optimise(path: &Path) -> Result<Vec<u8>> {
    let mut optimiser = Command::new("wasm-opt");
    optimiser.args(FEATURES).args(PASSES);
    optimiser.arg(path).arg("-o").arg(path);
    run::run(&mut optimiser)?;
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// What it says of itself: `wasm-opt version 108`, or `wasm-opt version 116 (version_116)`.
pub(super) fn version() -> Result<String> {
    let version = run::output(Command::new("wasm-opt").arg("--version"))?;
    Ok(version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn versions_that_work_are_taken() {
        for version in ["108", "116 (version_116)", "117-12-g1a2b3c4", "1000"] {
            check(&format!("wasm-opt version {version}")).unwrap();
        }
    }

    #[test]
    fn older_and_odd_versions_are_refused() {
        for (version, said) in [
            ("wasm-opt version 107", "found version 107, expected 108"),
            ("wasm-opt version 99 (version_99)", "found version 99,"),
            ("wasm-opt version", "`wasm-opt version`"),
            ("wasm-opt version x", "`wasm-opt version x`"),
            ("108", "`108`"),
        ] {
            let failure = check(version).unwrap_err().to_string();
            assert!(failure.contains(said), "{failure}");
        }
    }
}
