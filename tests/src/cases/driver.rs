//! The three ways to run a scenario.

mod engine;
mod envoy;
mod harness;

use clap::ValueEnum;

use super::scenario::Driver;
pub use engine::NativeEngine;
pub use envoy::RealEnvoy;
pub use harness::Harness;

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
pub fn start(kind: DriverKind) -> Result<Box<dyn Driver + Send>, String> {
    Ok(match kind {
        DriverKind::Engine => Box::new(NativeEngine::default()),
        DriverKind::Harness => Box::new(Harness::new()?),
        DriverKind::Envoy => Box::new(RealEnvoy::new()?),
    })
}
