//! Chores that another package's binary does: built optimised, given the rest
//! of the command line as it is.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Package};
use crate::tree::Tree;
use crate::{dist, run};

/// Arguments for the program behind the command.
#[derive(clap::Args)]
pub struct Passed {
    /// Passed on as they are; `-- --help` shows what the program takes.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Runs case files through the built module.
pub fn cases(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    let names = |driver: &str| {
        let mut words = passed.arguments.iter();
        words.any(|word| word.to_string_lossy().trim_start_matches("--driver=") == driver)
    };
    if !names("engine") {
        dist::prepare(tree)?;
    }
    if names("envoy") {
        setup::envoy::default_version(tree)?;
    }
    binary(tree, "cases", passed)
}

/// Measures, beside native Envoy in the same run.
pub fn bench(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    dist::prepare(tree)?;
    setup::envoy::default_version(tree)?;
    setup::packages::require(Package::Wrk)?;
    // The bench of the harness times the command itself, from the same folder.
    run::run(
        tree.cargo()
            .args(["build", "--release", "--package", "sluice-cli"]),
    )?;
    binary(tree, "bench", passed)
}

/// Makes the recordings of the repository anew.
pub fn record(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    setup::envoy::default_version(tree)?;
    setup::tools::identity_provider(tree)?;
    binary(tree, "record", passed)
}

fn binary(tree: &Tree, name: &str, passed: &Passed) -> Result<ExitCode> {
    let mut cargo = tree.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "sluice-tests",
        "--bin",
        name,
        "--",
    ]);
    // Paths on the command line are the caller's, so the program starts where the caller stands.
    cargo.current_dir(std::env::current_dir()?);
    cargo.args(&passed.arguments);
    run::hand_on(&mut cargo)
}
