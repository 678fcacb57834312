//! `sluice completions SHELL`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Exit, Failure};

/// Prints the script.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(shell: Shell) -> Result<Exit, Failure> {
    // Into memory first: clap_complete panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sluice", &mut script);
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(&script)
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::writing("standard output", &error))?;
    Ok(Exit::Ok)
}
