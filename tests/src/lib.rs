//! Conformance cases, end-to-end tests and benches that span crates.

pub mod authentication;
pub mod cases;
pub mod conformance;
pub mod delays;
pub mod envoys;
pub mod equality;
pub mod guest;
pub mod identity_provider;
pub mod record;
pub mod tokens;
