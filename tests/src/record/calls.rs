//! What is called: one table for each kind of peculiarity.

mod bodies;
mod grpc;
mod headers;
mod paths;
mod rest;
pub mod tokens;

use sluice_envoy::client::{Protocol, Request};

use super::caller::Caller;
pub use grpc::GrpcCall;

/// The authority that well-behaved callers ask for.
pub const AUTHORITY: &str = "payment-service.production.svc.cluster.local:8080";

/// One exchange to record.
#[derive(Debug, Clone)]
pub struct Planned {
    /// By whom.
    pub caller: Caller,
    /// How.
    pub protocol: Protocol,
    /// What.
    pub call: Call,
}

/// A request, or a call that a gRPC client turns into one.
#[derive(Debug, Clone)]
pub enum Call {
    /// Sent as it is.
    Http(Request),
    /// Sent by tonic, with this `authorization`.
    Grpc(GrpcCall, Option<String>),
}

/// Every call without tokens, in the order in which it is recorded.
#[must_use]
pub fn plan() -> Vec<Planned> {
    [
        rest::calls(),
        grpc::calls(),
        paths::calls(),
        headers::calls(),
        bodies::calls(),
    ]
    .concat()
}

fn http(caller: Caller, protocol: Protocol, request: Request) -> Planned {
    Planned {
        caller,
        protocol,
        call: Call::Http(request),
    }
}

fn request(method: &str, path: impl AsRef<[u8]>) -> Request {
    Request::new(method, AUTHORITY, path)
}

/// An order that the service accepts.
fn order(path: impl AsRef<[u8]>) -> Request {
    request("POST", path)
        .header("content-type", "application/json")
        .body(br#"{"order":"1041"}"#)
}
