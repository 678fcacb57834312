//! `cargo xtask record`: makes the recordings in `tests/recordings` anew.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use sluice_envoy::{
    EnvoyBinary,
    binary::{DEFAULT_VERSION, workspace_dir},
};
use sluice_tests::record::{
    drive, publish, raw,
    scene::{Name, Scene},
    stage::Stage,
};

/// Records real traffic through a real Envoy.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which recordings to make; all of them unless named.
    recordings: Vec<Name>,
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
    let default = || workspace_dir().join("tests").join("recordings");
    let folder = arguments.out.clone().unwrap_or_else(default);
    let named = Some(arguments.recordings.as_slice()).filter(|named| !named.is_empty());
    for name in named.unwrap_or(&Name::ALL) {
        record_one(*name, &EnvoyBinary::find(&arguments.envoy)?, &folder)?;
    }
    Ok(())
}

fn record_one(name: Name, envoy: &EnvoyBinary, folder: &Path) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let scene = Scene::set(name)?;
    let stage = Stage::start(envoy.clone(), scratch.path())?;
    drive(&stage, &scene)?;
    stage.finish()?;
    let exchanges = raw::gather(scratch.path())?;
    let report = publish(&exchanges, &scene, scratch.path(), folder)?;
    println!(
        "{}: {} calls, {} exchanges",
        folder.join(scene.recording()).display(),
        scene.plan.len(),
        report.exchanges,
    );
    if let Some(joins) = report.joins {
        println!("{joins:?}");
    }
    Ok(())
}
