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

/// A heading and the rows under it.
type Topic = (&'static str, fn() -> Vec<Row>);

/// Every row, by topic.
pub const TOPICS: &[Topic] = &[
    ("Header maps", headers::rows),
    ("Properties", properties::rows),
    ("Bodies", bodies::rows),
    ("Local replies", replies::rows),
    ("Lifecycle", lifecycle::rows),
    ("Shared data and queues", shared::rows),
    ("Metrics", metrics::rows),
    ("Callouts", callouts::rows),
    ("Foreign functions", foreign::rows),
    ("WASI", wasi::rows),
    ("Traps", failure::rows),
];

/// Every row.
#[must_use]
pub fn all() -> Vec<Row> {
    TOPICS.iter().flat_map(|(_, rows)| rows()).collect()
}
