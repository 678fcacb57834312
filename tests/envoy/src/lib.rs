//! A laboratory around real Envoys: start one from a bootstrap, stage requests
//! with any identity and address in front of it, and see what the service
//! behind it received.
//!
//! The interface is synchronous. What needs an event loop (clients and
//! services) keeps one of its own on background threads.

#![expect(
    clippy::indexing_slicing,
    reason = "every index here is into a serde_json value, which reads as null or is made an object"
)]

pub mod admin;
pub mod binary;
pub mod bootstrap;
pub mod client;
pub mod error;
pub mod identity;
pub mod process;
pub mod service;

mod frames;
mod runtime;
mod server;

pub use binary::EnvoyBinary;
pub use error::LabError;
pub use process::{Envoy, RunningEnvoy};
