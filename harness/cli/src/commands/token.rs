//! `sluice token`.

pub mod inspect;
pub mod jwks;
pub mod mint;

use clap::{Args, Subcommand, ValueEnum};

use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::token::time;

/// Options of `sluice token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a token, and a key for it if there is none
    Mint(Box<mint::MintArgs>),
    /// Show what a token says, and what a proxy would say of it
    Inspect(Box<inspect::InspectArgs>),
    /// Print the public halves of keys as a key set
    Jwks(jwks::JwksArgs),
}

/// Formats of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}

/// Which time it is.
#[derive(Debug, Args)]
pub struct Clock {
    /// What the time is: seconds since 1970 or RFC 3339 [default: the system's clock]
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub now: Option<u64>,
}

impl Clock {
    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        self.now.unwrap_or_else(time::system_now)
    }
}

/// Runs the command.
///
/// # Errors
/// When a file or an option cannot be used.
pub fn run(args: &TokenArgs, console: &mut Console) -> Result<Exit, Failure> {
    match &args.action {
        Action::Mint(args) => mint::run(args, console),
        Action::Inspect(args) => inspect::run(args, console),
        Action::Jwks(args) => jwks::run(args, console),
    }
}
