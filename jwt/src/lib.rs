//! Engine of `RequestAuthentication`: which tokens a request carries, whether they
//! are to be believed, and what the request becomes then.
//!
//! Layer 1: pure. The clock, the host's cryptography, data shared between VMs and
//! fetched key sets come in as arguments.

mod algorithm;
mod base64url;
mod der;
mod host_crypto;
mod in_vm;
mod jwks;
mod jws;
mod key;
mod key_source;
mod status;
mod token;
mod verify;

pub use algorithm::{Algorithm, KeyType};
pub use host_crypto::{HostCrypto, NoHostCrypto};
pub use jwks::{KeySet, MAX_JWKS_BYTES, MAX_KEYS, SkippedKey};
pub use key::Key;
pub use key_source::{BadUri, ClusterMapping, KeySource, Remote, SourceId};
pub use status::Status;
pub use token::Token;
pub use verify::{Tier, verify};
