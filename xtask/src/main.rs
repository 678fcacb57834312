//! `cargo xtask`: set-up and chores of the sluice workspace.
//!
//! Every command installs what it needs or names what is missing, so that a
//! fresh machine with rustup's cargo and Python 3 needs no other preparation.

mod ci;
mod demo;
mod dist;
mod forward;
mod mutants;
mod run;
mod setup;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tree::Tree;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the filters, replay the recordings of this repository through them and print the reports.
    Demo,
    /// Run everything that CI runs: format, lints, docs, tests, cases, a real Envoy.
    Test(ci::Selection),
    /// Build the filters as WebAssembly into target/wasm and print their sizes.
    Dist,
    /// Run case files: `cargo xtask cases PATH… [--driver engine|harness|envoy]`.
    Cases(forward::Passed),
    /// Measure against native Envoy: `cargo xtask bench authz`, `jwt`, `faults` or `harness`.
    Bench(forward::Passed),
    /// Make the recordings in tests/recordings anew, with a real Envoy.
    Record(forward::Passed),
    /// Install the tools that the other commands need.
    Setup {
        /// What to install.
        #[arg(value_enum, default_value = "all")]
        what: setup::What,
    },
    /// Mutate the policy and authz crates and list the mutants that no test catches.
    Mutants(forward::Passed),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Tree::find().and_then(|tree| perform(&tree, arguments.chore)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(tree: &Tree, chore: Chore) -> anyhow::Result<ExitCode> {
    match chore {
        Chore::Demo => demo::demo(tree),
        Chore::Test(selection) => ci::test(tree, &selection),
        Chore::Dist => dist::dist(tree).map(done),
        Chore::Cases(passed) => forward::cases(tree, &passed),
        Chore::Bench(passed) => forward::bench(tree, &passed),
        Chore::Record(passed) => forward::record(tree, &passed),
        Chore::Setup { what } => setup::setup(tree, what).map(done),
        Chore::Mutants(passed) => mutants::mutants(tree, &passed),
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
