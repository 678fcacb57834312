//! Programs that cargo builds, kept under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run;
use crate::tree::Tree;

/// A program from crates.io.
struct Tool<'a> {
    package: &'a str,
    version: &'a str,
    program: &'a str,
    /// Features and profile: what is quickest to build and does the work.
    options: &'a [&'a str],
}

/// The runner for tests on wasm32-unknown-unknown.
///
/// Its version must equal that of the wasm-bindgen library in Cargo.lock: the
/// two share a format that is not stable.
pub fn wasm_bindgen_runner(tree: &Tree) -> Result<PathBuf> {
    let tool = Tool {
        package: "wasm-bindgen-cli",
        version: &tree.locked_version("wasm-bindgen")?,
        program: "wasm-bindgen-test-runner",
        // TLS serves browsers only, and the tests run in Node.js.
        options: &["--debug", "--no-default-features"],
    };
    install(tree, &tool)
}

/// The mutation tester.
pub fn cargo_mutants(tree: &Tree) -> Result<PathBuf> {
    let tool = Tool {
        package: "cargo-mutants",
        version: "27.1.0",
        program: "cargo-mutants",
        options: &["--debug"],
    };
    install(tree, &tool)
}

/// Builds the program unless that version is there.
///
/// Not `--locked`: a mirror of the registry may lack a crate as new as the ones
/// that a tool's own lock file names.
fn install(tree: &Tree, tool: &Tool<'_>) -> Result<PathBuf> {
    let home = tree
        .made("tools")
        .join(format!("{}-{}", tool.package, tool.version));
    let path = home.join("bin").join(tool.program);
    if path.is_file() {
        return Ok(path);
    }
    let mut cargo = Command::new("cargo");
    cargo.env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback");
    cargo.args([
        "install",
        "--quiet",
        tool.package,
        "--version",
        tool.version,
    ]);
    cargo.args(tool.options);
    cargo
        .arg("--root")
        .arg(&home)
        .arg("--target-dir")
        .arg(tree.made("tools/build"));
    run::run(&mut cargo)?;
    Ok(path)
}
