//! The thirty-second proof: the recording in the repository through `authz.wasm`.

use std::process::ExitCode;

use anyhow::Result;

use crate::tree::Tree;
use crate::{dist, run};

/// Builds the filters and the command, replays, and leaves the report on the screen.
pub fn demo(tree: &Tree) -> Result<ExitCode> {
    dist::dist(tree)?;
    let mut cargo = tree.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "sluice-cli",
        "--bin",
        "sluice",
        "--",
    ]);
    cargo.args(["replay", "tests/recordings/payment-service.jsonl"]);
    cargo.args(["--plugins", "wasm-plugins/examples/payment-service.yaml"]);
    cargo.arg("--modules").arg(tree.made("wasm"));
    cargo.args(["--workload", "namespace=production,app=payment-service"]);
    run::hand_on(&mut cargo)
}
