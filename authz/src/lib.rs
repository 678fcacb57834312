//! Istio's AuthorizationPolicy and PeerAuthentication as a pure engine.
//!
//! [`Config`] is what the resources say, [`compile`] turns it into the
//! [`Program`] of one workload, [`decide`] judges requests by it and
//! [`explain`] says why. External authorization ([`ext_authz`]) spans
//! callbacks and is a state machine that does no input or output.
//!
//! HTTP semantics only: a wasm HTTP filter never sees a TCP chain.

mod compile;
pub mod config;
mod configure;
mod decision;
mod engine;
mod explain;
pub mod ext_authz;
mod index;
mod layer;
mod peer_authentication;
mod predicate;
mod program;
mod reply;
mod rules;
mod scratch;
mod seedless;
mod sorted;
mod spans;
mod subject;
#[cfg(all(any(test, feature = "testing"), not(target_arch = "wasm32")))]
pub mod testing;
mod truth;

pub use compile::compile;
pub use config::Config;
pub use configure::configure;
pub use decision::{Decision, DryRun, ProviderId, Resume, Stage, Verdict};
pub use engine::decide;
pub use explain::{Explanation, FailedTest, NearMiss, explain};
pub use program::Program;
pub use reply::{refusal, reply_for};
pub use scratch::Scratch;
pub use subject::IdentitySource;
pub use truth::Truth;
