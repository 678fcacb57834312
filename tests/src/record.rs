//! Makes the recordings in the repository: real clients, a real Envoy with the
//! tap filter and mutual TLS, a real service, and a real OpenID provider.

pub mod accounts;
pub mod caller;
pub mod calls;
mod driver;
pub mod key_set;
mod publish;
pub mod raw;
pub mod scene;
pub mod stage;

pub use driver::drive;
pub use publish::publish;
