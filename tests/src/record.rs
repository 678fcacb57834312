//! Makes the recording in the repository: real clients, a real Envoy with the
//! tap filter and mutual TLS, a real service.

pub mod caller;
pub mod calls;
mod driver;
mod publish;
pub mod raw;
pub mod stage;

pub use driver::drive;
pub use publish::publish;
