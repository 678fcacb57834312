//! The `sluice` command as a library: what the binary, the case runner and
//! other tools call.

pub mod args;
pub mod callouts;
pub mod commands;
pub mod console;
pub mod failure;
pub mod native;
pub mod output;
pub mod plugins;
pub mod progress;
pub mod replay;
pub mod report;
pub mod token;
pub mod workload;
pub mod yaml;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};
use console::Console;
use failure::{Exit, Failure};

/// Runs the command with these arguments, the program's name first, and
/// returns the process exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // clap's own code for usage errors is 2, as ours; help and version give 0.
        Err(error) => {
            let code = if error.use_stderr() {
                Exit::Failed
            } else {
                Exit::Ok
            };
            // The reader of the help going away is no error.
            let _ = error.print();
            return code.code();
        }
    };
    let mut console = Console::new(cli.color.into());
    match execute(cli.command, &mut console) {
        Ok(exit) => exit.code(),
        Err(failure) if failure.is_broken_pipe() => Exit::Ok.code(),
        Err(failure) => {
            console.failure(&failure);
            failure.exit().code()
        }
    }
}

fn execute(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Replay(args) => commands::replay::run(&args, console),
        Command::Import(args) => commands::import::run(&args, console),
        Command::Check(args) => commands::check::run(&args, console),
        Command::Explain(args) => commands::explain::run(&args, console),
        Command::Inspect(args) => commands::inspect::run(&args, console),
        Command::Token(args) => commands::token::run(&args, console),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}
