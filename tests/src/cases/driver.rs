//! The three ways to run a scenario.

use clap::ValueEnum;

use super::scenario::Driver;

/// Which driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriverKind {
    /// The engine crate, natively.
    Engine,
    /// The built module in sluice's own host.
    Harness,
    /// The built module in a real Envoy.
    Envoy,
}

/// Makes a driver ready.
///
/// # Errors
/// What is missing, and the command that provides it.
pub fn start(kind: DriverKind) -> Result<Box<dyn Driver>, String> {
    let _ = kind;
    Err("not wired".to_owned())
}
