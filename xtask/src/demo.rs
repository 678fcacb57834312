//! The thirty-second proof: the recordings in the repository through the filters.

use std::process::ExitCode;

use anyhow::Result;

use crate::tree::Tree;
use crate::{dist, run};

/// Options of each replay: a recording and the example manifest of its name.
const REPLAYS: [&[&str]; 2] = [
    &[
        "tests/recordings/payment-service.jsonl",
        "--plugins",
        "wasm-plugins/examples/payment-service.yaml",
    ],
    &[
        "tests/recordings/payment-service-jwt.jsonl",
        "--plugins",
        "wasm-plugins/examples/payment-service-jwt.yaml",
        "--callouts",
        "tests/recordings/payment-service-jwt-callouts.yaml",
    ],
];

/// Builds the filters and the command, replays, and leaves the reports on the screen.
pub fn demo(tree: &Tree) -> Result<ExitCode> {
    dist::dist(tree)?;
    for options in REPLAYS {
        println!();
        let code = replay(tree, options)?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn replay(tree: &Tree, options: &[&str]) -> Result<ExitCode> {
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
        "replay",
    ]);
    cargo.args(options);
    cargo.arg("--modules").arg(tree.made("wasm"));
    cargo.args(["--workload", "namespace=production,app=payment-service"]);
    run::hand_on(&mut cargo)
}
