//! Shared words of the sluice filters.
//!
//! Layer 0: no filter, no host, no clock, no randomness, no printing.

pub mod attribute;
pub mod fact;
pub mod request;
pub mod workload;

pub use attribute::{Attribute, AttributeSet};
pub use fact::Fact;
pub use request::{Connection, HeaderLine, Request};
pub use workload::{ProxyKind, Workload};
