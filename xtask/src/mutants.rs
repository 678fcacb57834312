//! Mutation testing of the crates that decide.

use std::process::ExitCode;

use anyhow::Result;

use crate::forward::Passed;
use crate::run;
use crate::setup::tools;
use crate::tree::Tree;

/// Whatever refuses requests, and what carries a refusal out.
const PACKAGES: [&str; 5] = [
    "sluice-policy",
    "sluice-authz",
    "sluice-jwt",
    "sluice-traffic",
    "sluice-adapter",
];

/// Runs cargo-mutants over [`PACKAGES`]; its output goes to `target/mutants.out`.
pub fn mutants(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    let program = tools::cargo_mutants(tree)?;
    let mut command = std::process::Command::new(program);
    command.current_dir(tree.root());
    command.arg("mutants");
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command.arg("--output").arg(tree.made(""));
    command.args(&passed.arguments);
    run::hand_on(&mut command)
}
