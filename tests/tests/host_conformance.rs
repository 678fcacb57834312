//! Every row of the table of behaviours, in the harness and on every Envoy that is here.
//!
//! `cargo test -p sluice-tests --test host_conformance -- --list` lists the table.

use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Failed, Trial};
use sluice_envoy::EnvoyBinary;
use sluice_tests::conformance::{
    Driver, Row, differences, envoy::EnvoyDriver, guest, harness::HarnessDriver, rows,
};

type Shared = Arc<Mutex<Box<dyn Driver + Send>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let rows = rows();
    let trials = if arguments.list {
        listed(&rows)
    } else {
        match trials(&rows) {
            Ok(trials) => trials,
            Err(error) => {
                eprintln!("host_conformance: {error}");
                return ExitCode::FAILURE;
            }
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn listed(rows: &[Row]) -> Vec<Trial> {
    rows.iter()
        .map(|row| Trial::test(row.name, || Ok(())).with_kind(row.why))
        .collect()
}

fn trials(rows: &[Row]) -> Result<Vec<Trial>, String> {
    let module = guest::build()?;
    let mut trials = trials_on(Box::new(HarnessDriver::new(&module)?), rows);
    let binaries = EnvoyBinary::available();
    if binaries.is_empty() {
        return Err("no Envoy is here; `cargo xtask setup envoy` fetches it".to_owned());
    }
    for binary in binaries {
        trials.extend(trials_on(envoy(&binary, &module, rows)?, rows));
    }
    trials.extend(EnvoyBinary::missing().into_iter().map(skipped));
    Ok(trials)
}

fn skipped(version: &str) -> Trial {
    let name =
        format!("envoy {version}: not here, `cargo xtask setup envoy` fetches every version");
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}

fn envoy(
    binary: &EnvoyBinary,
    module: &Path,
    rows: &[Row],
) -> Result<Box<dyn Driver + Send>, String> {
    let driver = EnvoyDriver::start(binary, module, rows).map_err(|error| error.to_string())?;
    Ok(Box::new(driver))
}

fn trials_on(driver: Box<dyn Driver + Send>, rows: &[Row]) -> Vec<Trial> {
    let host = driver.name();
    let driver: Shared = Arc::new(Mutex::new(driver));
    let trial = |row: &Row| {
        let (driver, row) = (Arc::clone(&driver), row.clone());
        let name = format!("{host}: {}", row.name);
        Trial::test(name, move || check(&driver, &row))
    };
    rows.iter().map(trial).collect()
}

/// A row that a host is known to treat otherwise must differ there: once it
/// does not, the exception has to go.
fn check(driver: &Shared, row: &Row) -> Result<(), Failed> {
    let mut driver = driver.lock().unwrap_or_else(PoisonError::into_inner);
    let host = driver.name();
    let observed = driver.run(row)?;
    let found = differences(row, &observed);
    let otherwise = row
        .otherwise
        .iter()
        .find(|(name, _)| host.starts_with(name));
    match (found.is_empty(), otherwise) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some((_, what))) => Err(format!("{host} no longer does otherwise: {what}").into()),
        (false, None) => Err(format!("{}\n{}", row.why, found.join("\n")).into()),
    }
}
