//! Programs that cargo builds, kept under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run;
use crate::tree::Tree;

const MUTANTS_VERSION: &str = "27.1.0";

/// The runner for tests on wasm32-unknown-unknown.
///
/// Its version must equal that of the wasm-bindgen library in Cargo.lock: the
/// two share a format that is not stable.
pub fn wasm_bindgen_runner(tree: &Tree) -> Result<PathBuf> {
    let version = tree.locked_version("wasm-bindgen")?;
    install(
        tree,
        "wasm-bindgen-cli",
        &version,
        "wasm-bindgen-test-runner",
    )
}

/// The mutation tester.
pub fn cargo_mutants(tree: &Tree) -> Result<PathBuf> {
    install(tree, "cargo-mutants", MUTANTS_VERSION, "cargo-mutants")
}

fn install(tree: &Tree, package: &str, version: &str, program: &str) -> Result<PathBuf> {
    let home = tree.made("tools").join(format!("{package}-{version}"));
    let path = home.join("bin").join(program);
    if path.is_file() {
        return Ok(path);
    }
    let mut cargo = Command::new("cargo");
    cargo.args([
        "install",
        "--quiet",
        "--locked",
        package,
        "--version",
        version,
    ]);
    cargo
        .arg("--root")
        .arg(&home)
        .arg("--target-dir")
        .arg(tree.made("tools/build"));
    run::run(&mut cargo)?;
    Ok(path)
}
