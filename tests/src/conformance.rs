//! What Envoy does for a guest, as a table that every host is held to.
//!
//! Each [`Row`] is one behaviour with its reason. A script makes the host calls
//! in `tests/guests/conformance`; a [`Driver`] runs it on some host and tells
//! what was observed.

mod compare;
pub mod envoy;
pub mod guest;
pub mod harness;
mod page;
mod row;
mod rows;
mod traffic;

pub use compare::differences;
pub use page::page;
pub use row::{Failure, Row, Step, Wanted};
pub use rows::all as rows;
pub use traffic::{Observed, SeenRequest, SeenResponse};

/// A host that can run rows.
pub trait Driver {
    /// Its name, for reports.
    fn name(&self) -> String;

    /// Runs one row.
    ///
    /// # Errors
    /// When the host could not be observed at all.
    fn run(&mut self, row: &Row) -> Result<Observed, String>;
}
