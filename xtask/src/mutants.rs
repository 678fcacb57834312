//! Mutation testing of the crates that decide.

use std::process::ExitCode;

use anyhow::Result;

use crate::forward::Passed;
use crate::run;
use crate::setup::tools;
use crate::tree::Tree;

/// Runs cargo-mutants over `policy` and `authz`; its output goes to `target/mutants`.
pub fn mutants(tree: &Tree, passed: &Passed) -> Result<ExitCode> {
    let program = tools::cargo_mutants(tree)?;
    let mut command = std::process::Command::new(program);
    command.current_dir(tree.root());
    command.args([
        "mutants",
        "--package",
        "sluice-policy",
        "--package",
        "sluice-authz",
    ]);
    command.arg("--output").arg(tree.made(""));
    command.args(&passed.arguments);
    run::hand_on(&mut command)
}
