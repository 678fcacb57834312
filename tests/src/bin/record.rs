//! `cargo xtask record`: makes the recording in `tests/recordings` anew.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Parser;
use sluice_envoy::{
    EnvoyBinary,
    binary::{DEFAULT_VERSION, workspace_dir},
};
use sluice_tests::record::{calls, drive, publish, raw, stage::Stage};

/// Records real traffic through a real Envoy.
#[derive(Debug, Parser)]
struct Arguments {
    /// Envoy to record with.
    #[arg(long, default_value = DEFAULT_VERSION)]
    envoy: String,
    /// Folder to write to, `tests/recordings` of the workspace unless given.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match record(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record: {error}");
            ExitCode::from(2)
        }
    }
}

fn record(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let plan = calls::plan();
    let stage = Stage::start(EnvoyBinary::find(&arguments.envoy)?, scratch.path())?;
    drive(&stage, &plan)?;
    stage.finish()?;
    let exchanges = raw::gather(scratch.path())?;
    let default = || workspace_dir().join("tests").join("recordings");
    let folder = arguments.out.clone().unwrap_or_else(default);
    let report = publish(&exchanges, &plan, scratch.path(), &folder)?;
    println!(
        "{} calls, {} exchanges in {}",
        plan.len(),
        report.exchanges,
        folder.display()
    );
    if let Some(joins) = report.joins {
        println!("{joins:?}");
    }
    Ok(())
}
