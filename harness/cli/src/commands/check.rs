//! Placeholder.
use crate::console::Console;
use crate::failure::{Exit, Failure};
use clap::Args;
/// Options.
#[derive(Debug, Args)]
pub struct CheckArgs {}
/// Runs.
///
/// # Errors
/// Never yet.
pub fn run(_: &CheckArgs, _: &mut Console) -> Result<Exit, Failure> {
    Ok(Exit::Ok)
}
