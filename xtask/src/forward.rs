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
    dist::prepare(tree)?;
    if passed
        .arguments
        .iter()
        .any(|word| word.to_string_lossy().contains("envoy"))
    {
        setup::envoy::default_version(tree)?;
    }
    binary(tree, "cases", passed)
}

/// Measures, beside native Envoy in the same run.
pub fn bench(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    dist::prepare(tree)?;
    setup::envoy::default_version(tree)?;
    setup::packages::require(Package::Wrk)?;
    binary(tree, "bench", passed)
}

/// Makes the recording of the repository anew.
pub fn record(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    setup::envoy::default_version(tree)?;
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
