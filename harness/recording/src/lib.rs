//! Recorded HTTP exchanges.
//!
//! The native format `sluice/v1` is JSON Lines: a [`RecordingHeader`], then one
//! [`Exchange`] a line. Read it with [`Reader`], on all cores with
//! [`process_in_order`], write it with [`RecordingFile`] or [`Writer`].
//! [`import`] turns Envoy taps, HAR files and access logs into exchanges.
//!
//! Every fact is known, known to be absent (`null`) or unknown (missing), and
//! [`Recorded`] keeps the three apart: a replay must be able to say that a
//! decision rested on something that nobody recorded.

mod attribute;
mod body;
mod diagnostic;
mod exchange;
mod expectation;
mod fields;
mod import;
mod line_source;
mod object;
mod parallel;
mod reader;
mod recorded;
mod recording_header;
mod schema;
mod section;
mod text;
mod timestamp;
mod writer;

pub use attribute::{AttributeKind, AttributeValue, Attributes};
pub use body::Body;
pub use diagnostic::{Code, Details, Diagnostic, Place};
pub use exchange::{Exchange, Partial, Request, Response};
pub use expectation::{Expectation, HeaderExpectation, Outcome};
pub use fields::{Field, Fields};
pub use import::{
    AccessLogIndex, DEFAULT_REDACTED, Format, ImportOptions, ImportReport, JoinOutcome, JoinReport,
    Redaction, Sink, check_log_operator, detect, import, import_joined, is_header_name,
};
pub use line_source::DEFAULT_MAX_LINE_BYTES;
pub use parallel::process_in_order;
pub use reader::{Batch, BatchLimits, Reader, ReaderOptions};
pub use recorded::Recorded;
pub use recording_header::{Paths, RecordingHeader, Source, Version};
pub use timestamp::Timestamp;
pub use writer::{RecordingFile, Writer};
