//! Requests with tokens through a real Envoy, in front of which stands native `jwt_authn`
//! as Istio configures it, or `jwt.wasm` with the same rules.
//!
//! One table says what Envoy makes of each request. Native Envoys must bear it out, which
//! keeps the table true, and then the module must.

mod keys;
mod row;
mod rows;
mod seen;
mod setups;
mod stage;
mod words;

pub use keys::Keys;
pub use row::{Expected, Row};
pub use rows::every_row;
pub use seen::Seen;
pub use stage::{Filter, Stage};
pub use words::Words;
