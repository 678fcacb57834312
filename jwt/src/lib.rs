//! Engine of `RequestAuthentication`: which tokens a request carries, whether they
//! are to be believed, and what the request becomes then.
//!
//! Layer 1: pure. The clock, the host's cryptography, data shared between VMs and
//! fetched key sets come in as arguments.

mod algorithm;
mod audience;
mod base64url;
mod cache;
mod claims;
mod compile;
pub mod config;
mod configure;
mod cookie;
mod decimal;
mod der;
mod discovery;
mod draft;
mod engine;
mod extract;
mod grant;
mod host_crypto;
mod in_vm;
mod jwks;
mod jws;
mod key;
mod key_source;
mod key_store;
mod outcome;
mod program;
mod query;
mod reply;
mod requirement;
mod skew;
mod sorted;
mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod verify;
mod world;

pub use algorithm::{Algorithm, KeyType};
pub use cache::{CacheLimits, CachedToken, KeyVerdict, PartLimits, TokenCache, Verdicts};
pub use compile::compile;
pub use config::Config;
pub use configure::configure;
pub use engine::{MOST_TOKEN_BYTES, authenticate};
pub use grant::Memo;
pub use host_crypto::{HostCrypto, NoHostCrypto};
pub use jwks::{KeySet, MAX_JWKS_BYTES, MAX_KEYS, SkippedKey};
pub use key::Key;
pub use key_source::{BadUri, ClusterMapping, KeySource, Remote, SourceId};
pub use key_store::{Fetch, FetchFailure, FetchId, KeyReport, KeyStore};
pub use outcome::{Identity, Outcome, Progress, Verdict};
pub use program::Program;
pub use reply::refusal;
pub use status::Status;
pub use token::Token;
pub use verify::{Tier, verify};
pub use world::{Keys, Recalled, World};
