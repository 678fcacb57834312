//! External authorization: CUSTOM policies and their providers.
//!
//! A check is a state machine that does no input or output. [`start`] says what
//! to send, [`Check::on`] turns what came back into a [`Step`]:
//!
//! ```text
//! decide → Ask(provider) → start → Callout ⇢ provider ⇢ Event → on → Step
//!   ↑                                                              │
//!   └────────────── apply the edits, decide again ←── Allow ───────┘
//! ```
//!
//! What is sent and how answers are read is what Envoy's `ext_authz` filter
//! does with the configuration that Istio generates. Not possible in a wasm
//! filter, and therefore not done: dynamic metadata from a gRPC answer (no host
//! call writes any), and `timeout` in a DestinationRule.

mod check;
mod edit;
mod grpc;
mod http;
pub mod proto;
mod provider;
mod query;

pub use check::{Body, Callout, Check, Event, Header, Started, Step, start};
pub use edit::{Edits, HeaderEdit};
pub(crate) use provider::Provider;
pub use provider::BodyWanted;
