//! What a replay found: the model, which no renderer may go behind.
//!
//! [`ExchangeReport`] is about one exchange and is handed on at once;
//! [`Summary`] is about all of them and has a bounded size, however long the
//! recording.

pub mod cost;
pub mod exchange;
pub mod human;
pub mod json;
pub mod junit;
pub mod summary;
pub mod unknown;
pub mod visible;

pub use exchange::{ExchangeReport, ExpectationFailure, UnscriptedCall};
pub use summary::{EntryUse, Summary};
