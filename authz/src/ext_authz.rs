//! External authorization: CUSTOM policies and their providers.
//!
//! A check is a state machine that does no input or output. [`start`] says what
//! to send, [`Check::on`] turns what came back into a [`Step`]:
//!
//! ```text
//! decide → Ask(provider) → start → Callout ⇢ provider ⇢ CalloutEvent → on → Step
//!   ↑                                                              │
//!   └────────────── apply the edits, decide again ←── Allow ───────┘
//! ```
//!
//! What is sent and how answers are read is what Envoy's `ext_authz` filter
//! does with the configuration that Istio generates. Not possible in a wasm
//! filter, and therefore not done: the request's body in the check (refused as
//! configuration), and dynamic metadata from a gRPC answer (no host call writes
//! any).

mod check;
mod edit;
mod grpc;
mod http;
mod proto;
mod provider;
mod query;

pub use check::{Check, Header, Started, Step, start};
pub use edit::Edits;
pub(crate) use provider::Provider;
