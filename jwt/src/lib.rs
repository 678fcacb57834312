//! Engine of `RequestAuthentication`: which tokens a request carries, whether they
//! are to be believed, and what the request becomes then.
//!
//! Layer 1: pure. The clock, the host's cryptography, data shared between VMs and
//! fetched key sets come in as arguments.

mod algorithm;
mod key_source;
mod status;

pub use algorithm::{Algorithm, KeyType};
pub use key_source::{BadUri, ClusterMapping, KeySource, Remote, SourceId};
pub use status::Status;
