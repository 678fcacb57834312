//! A process that believes it to be another time, as the tokens of a recording need it.
//!
//! Envoy asks the C library for the time, so a library that is loaded before that one can
//! answer. `libfaketime` does the same and much more, but Envoy does not get to its first
//! listener with version 0.9.10.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{LabError, error::Doing};

const SOURCE: &str = include_str!("clock.c");
/// Read by the library.
const AHEAD: &str = "SLUICE_CLOCK_AHEAD_S";

/// Makes `command` believe that it is `start` when it starts. The library is compiled into
/// `directory`.
pub(super) fn set(
    command: &mut Command,
    start: SystemTime,
    directory: &Path,
) -> Result<(), LabError> {
    let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
    fs::write(&source, SOURCE).doing("write the clock")?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]);
    let output = compiler.arg(&library).arg(&source).output();
    let output = output.doing("start `cc`, which compiles the clock")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(LabError::new("compile the clock", said));
    }
    let ahead = seconds(start)? - seconds(SystemTime::now())?;
    command
        .env("LD_PRELOAD", library)
        .env(AHEAD, ahead.to_string());
    Ok(())
}

fn seconds(time: SystemTime) -> Result<i64, LabError> {
    let since = time.duration_since(UNIX_EPOCH).doing("read a clock")?;
    i64::try_from(since.as_secs()).doing("read a clock")
}
