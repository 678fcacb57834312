//! Placeholder.
use crate::console::Console;
use crate::failure::{Exit, Failure};
use clap::Args;
/// Options.
#[derive(Debug, Args)]
pub struct ImportArgs {}
/// Runs.
///
/// # Errors
/// Never yet.
pub fn run(_: &ImportArgs, _: &mut Console) -> Result<Exit, Failure> {
    Ok(Exit::Ok)
}
