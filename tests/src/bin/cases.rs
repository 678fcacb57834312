//! `cargo xtask cases PATH…`: runs case files and prints what became of them.

use std::io::{Error, ErrorKind, Write as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sluice_tests::cases::driver::{self, DriverKind};
use sluice_tests::cases::file::{self, Filter};

/// Exit code for a case that failed.
const FINDINGS: u8 = 1;
/// Exit code for a path or a tool that is not there.
const USAGE: u8 = 2;

/// Runs conformance cases through the engine, the harness or a real Envoy.
#[derive(Debug, Parser)]
#[command(name = "cases")]
struct Arguments {
    /// Case files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// What runs the cases.
    #[arg(long, value_enum, default_value_t = DriverKind::Harness)]
    driver: DriverKind,
    /// Only cases whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FINDINGS),
        Err(error) => {
            eprintln!("cases: {error}");
            ExitCode::from(USAGE)
        }
    }
}

/// Whether nothing failed.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let files = file::collect(&arguments.paths)?;
    if files.is_empty() {
        return Err("no case file (*.jsonl, *.yaml) there".to_owned());
    }
    let mut driver = driver::start(arguments.driver)?;
    let filter = Filter {
        name: arguments.filter.clone(),
    };
    let mut clean = true;
    for path in files {
        let report = file::run(&path, driver.as_mut(), &filter)?;
        clean &= report.failures.is_empty();
        if let Err(error) = write!(stdout(), "{report}") {
            return written(&error, clean);
        }
    }
    Ok(clean)
}

/// A reader that has seen enough, such as `head`, is no error.
fn written(error: &Error, clean: bool) -> Result<bool, String> {
    if error.kind() == ErrorKind::BrokenPipe {
        Ok(clean)
    } else {
        Err(error.to_string())
    }
}
