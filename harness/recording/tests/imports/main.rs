//! Imports of captures that real tools made, and of what is wrong with captures.
//!
//! The taps and access logs in `samples/` are Envoy 1.40's own, the archives are
//! written after Chrome's and Firefox's exports.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod access_log;
mod archive;
mod capture;
mod format;
mod impossible;
mod join;
mod tap;
