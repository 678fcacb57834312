//! The table.

mod bodies;
mod callouts;
mod failure;
mod foreign;
mod headers;
mod lifecycle;
mod metrics;
mod properties;
mod replies;
mod shared;
mod wasi;

use super::Row;

/// Every row.
#[must_use]
pub fn all() -> Vec<Row> {
    [
        headers::rows(),
        properties::rows(),
        bodies::rows(),
        replies::rows(),
        lifecycle::rows(),
        shared::rows(),
        metrics::rows(),
        callouts::rows(),
        foreign::rows(),
        wasi::rows(),
        failure::rows(),
    ]
    .concat()
}
