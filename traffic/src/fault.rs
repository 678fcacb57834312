//! Faults of a route: what a request has to suffer, decided without doing it.
//!
//! As Envoy's fault filter decides under Istio's configuration, within guard rails that
//! neither of them has.

pub mod config;
mod configure;
mod decide;
mod header_faults;
mod program;
mod rails;
mod share;
mod timestamp;

use sluice_policy::Reply;

pub use configure::configure;
pub use decide::{Decision, Moment, Pending, Withheld};
pub use header_faults::HeaderFaults;
pub use program::{Program, RouteId};
pub use rails::{OptIn, Rails};
pub use share::Share;

/// `fault` of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// `delay`.
    pub delay: Option<Delay>,
    /// `abort`.
    pub abort: Option<Abort>,
}

/// `delay` of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// `fixedDelay`.
    pub for_ms: u32,
    /// Share of requests, in millionths.
    pub share: u32,
}

/// `abort` of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abort {
    /// What the client gets.
    pub status: AbortStatus,
    /// Share of requests, in millionths.
    pub share: u32,
}

/// What an aborted request is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortStatus {
    /// `httpStatus`. Envoy makes a gRPC status of it for a gRPC request.
    Http(u16),
    /// `grpcStatus`. A request that is not gRPC gets status 200 with a text.
    Grpc(u8),
}

/// Response-code detail of an abort, as that of Envoy's filter.
const DETAILS: &[u8] = b"fault_filter_abort";
/// Body of an abort, as that of Envoy's filter.
const BODY: &[u8] = b"fault filter abort";
/// Response header that says that the filter made the response: a local reply of a Wasm
/// filter cannot set the response flag `FI`.
const HEADER: &[u8] = b"x-sluice-fault";

impl AbortStatus {
    /// The answer.
    pub fn reply(self) -> Reply {
        let (status, grpc_status) = match self {
            Self::Http(status) => (status, None),
            Self::Grpc(status) => (200, Some(status)),
        };
        Reply {
            status,
            headers: vec![(HEADER.to_vec(), b"abort".to_vec())],
            body: BODY.to_vec(),
            details: DETAILS.to_vec(),
            grpc_status,
        }
    }
}
