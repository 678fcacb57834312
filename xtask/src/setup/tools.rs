//! Programs that cargo builds or npm fetches, kept under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::packages::{self, Package};
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

/// The OpenID provider of the end-to-end tests, with the versions of its lock file.
///
/// Its script stays in the repository: here are the packages that it needs.
pub fn identity_provider(tree: &Tree) -> Result<()> {
    const LIST: &str = "package.json";
    const LOCK: &str = "package-lock.json";
    let source = tree.root().join("tests/identity_provider");
    let home = tree.made("tools/identity-provider");
    let read =
        |path: PathBuf| std::fs::read_to_string(&path).with_context(|| path.display().to_string());
    let lock = read(source.join(LOCK))?;
    // The last thing that is written, so that one which is equal means a whole folder.
    let done = home.join("installed.json");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    packages::require(Package::Node)?;
    packages::require(Package::Npm)?;
    std::fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    for name in [LIST, LOCK] {
        std::fs::write(home.join(name), read(source.join(name))?)
            .with_context(|| home.join(name).display().to_string())?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&home).arg("ci");
    // Nothing of it needs to run on installation, so nothing may.
    npm.args(["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
    run::run(&mut npm).context("the identity provider of the tests cannot be fetched")?;
    std::fs::write(&done, lock).with_context(|| done.display().to_string())
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
