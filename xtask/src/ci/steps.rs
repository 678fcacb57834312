//! The steps of `cargo xtask test`, in order.

use std::process::Command;

use anyhow::{Result, bail};

use super::tally::Tally;
use crate::setup::{self, Package};
use crate::tree::Tree;
use crate::{dist, run};

/// One thing to run.
pub struct Step {
    /// Short name, for `cargo xtask test NAME`.
    pub name: &'static str,
    /// What a failure would mean.
    pub purpose: &'static str,
    /// Does it; tests are counted into the tally.
    pub run: fn(&Tree, &mut Tally) -> Result<()>,
}

/// Cheap ones first. `dist` stands before the tests, which run the built modules.
pub const STEPS: [Step; 8] = [
    Step {
        name: "format",
        purpose: "the source is formatted",
        run: format,
    },
    Step {
        name: "setup",
        purpose: "targets, Envoys and tools are there",
        run: set_up,
    },
    Step {
        name: "dist",
        purpose: "the filters build as WebAssembly",
        run: build_filters,
    },
    Step {
        name: "lint",
        purpose: "clippy has no complaint",
        run: lint,
    },
    Step {
        name: "docs",
        purpose: "the documentation builds without a warning",
        run: document,
    },
    Step {
        name: "tests",
        purpose: "unit, command-line, conformance and real-Envoy tests",
        run: test_host,
    },
    Step {
        name: "node",
        purpose: "the engines' tests as WebAssembly in Node.js",
        run: test_node,
    },
    Step {
        name: "cases",
        purpose: "the project's cases on the engine, in the harness and in Envoy",
        run: run_cases,
    },
];

/// Crates whose tests also run on a 32-bit target.
const ENGINES: [&str; 4] = [
    "sluice-policy",
    "sluice-authz",
    "sluice-jwt",
    "sluice-traffic",
];
/// The ways a case can be run.
const DRIVERS: [&str; 3] = ["engine", "harness", "envoy"];

fn format(tree: &Tree, _: &mut Tally) -> Result<()> {
    run::run(tree.cargo().args(["fmt", "--all", "--check"]))
}

fn set_up(tree: &Tree, _: &mut Tally) -> Result<()> {
    setup::rust::add_target(tree, setup::rust::FILTER_TARGET)?;
    setup::rust::add_target(tree, setup::rust::NODE_TARGET)?;
    setup::packages::require(Package::Clang)?;
    setup::packages::require(Package::Node)?;
    setup::envoy::every_version(tree)?;
    setup::tools::identity_provider(tree)?;
    setup::tools::wasm_bindgen_runner(tree).map(drop)
}

fn build_filters(tree: &Tree, _: &mut Tally) -> Result<()> {
    dist::dist(tree)
}

fn lint(tree: &Tree, _: &mut Tally) -> Result<()> {
    run::run(tree.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    // Code behind `cfg(target_arch = "wasm32")` is seen only there; clippy looks
    // into the workspace's dependencies of these packages as well.
    let mut for_wasm = tree.cargo();
    for_wasm.args(["clippy", "--target", setup::rust::FILTER_TARGET]);
    for_wasm.args(
        dist::packages(tree)?
            .iter()
            .flat_map(|module| ["--package", &module.package]),
    );
    run::run(for_wasm.args(["--", "-D", "warnings"]))
}

fn document(tree: &Tree, _: &mut Tally) -> Result<()> {
    let mut cargo = tree.cargo();
    // A reader of these pages has the source at hand, so a link into it may be private.
    cargo.env(
        "RUSTDOCFLAGS",
        "-D warnings -A rustdoc::private_intra_doc_links",
    );
    run::run(cargo.args(["doc", "--workspace", "--no-deps"]))
}

fn test_host(tree: &Tree, tally: &mut Tally) -> Result<()> {
    let mut cargo = host_tests(tree)?;
    counted(cargo.arg("--no-fail-fast"), tally)
}

fn host_tests(tree: &Tree) -> Result<Command> {
    let mut cargo = tree.cargo();
    cargo.args(["test", "--workspace"]);
    // A module calls host functions that only a proxy has, so it cannot be linked here.
    cargo.args(
        dist::packages(tree)?
            .iter()
            .flat_map(|module| ["--exclude", &module.package]),
    );
    Ok(cargo)
}

fn test_node(tree: &Tree, tally: &mut Tally) -> Result<()> {
    let runner = setup::tools::wasm_bindgen_runner(tree)?;
    let mut cargo = tree.cargo();
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner);
    cargo.args([
        "test",
        "--no-fail-fast",
        "--target",
        setup::rust::NODE_TARGET,
    ]);
    cargo.args(ENGINES.iter().flat_map(|engine| ["--package", engine]));
    counted(&mut cargo, tally)
}

fn run_cases(tree: &Tree, tally: &mut Tally) -> Result<()> {
    // The program that the tests left: for `cargo run` the features of wasmtime are others,
    // and it would be built once more.
    run::run(host_tests(tree)?.args(["--quiet", "--no-run"]))?;
    let mut failed = Vec::new();
    for driver in DRIVERS {
        let mut cases = Command::new(tree.built("debug/cases"));
        cases.current_dir(tree.root());
        cases.args(["tests/cases", "--driver", driver]);
        if counted(&mut cases, tally).is_err() {
            failed.push(driver);
        }
    }
    if !failed.is_empty() {
        bail!("cases failed with driver {}", failed.join(", "));
    }
    Ok(())
}

fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    if run::watch(command, |line| tally.count(line))? {
        return Ok(());
    }
    bail!("tests failed; see above")
}
