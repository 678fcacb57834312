//! A call to another service, as data: an engine asks for it, the adapter makes it
//! and hands back what came.

use crate::request::HeaderLine;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callout {
    /// An HTTP request.
    Http {
        /// Envoy cluster to send it to.
        cluster: String,
        /// Header lines, pseudo-headers first.
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        /// Limit of the whole call.
        timeout_ms: u32,
    },
    /// A unary gRPC call.
    Grpc {
        /// Envoy cluster, for people and tests: `target` names it too.
        cluster: String,
        /// Serialised `envoy.config.core.v3.GrpcService`, as `proxy_grpc_call`
        /// takes it: the cluster, and an authority without the `|` that gRPC
        /// servers refuse.
        target: Vec<u8>,
        /// Full name of the service.
        service: &'static str,
        /// Name of the method.
        method: &'static str,
        /// Serialised request message.
        message: Vec<u8>,
        /// Limit of the whole call.
        timeout_ms: u32,
    },
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalloutEvent<'e> {
    /// The whole HTTP response.
    HttpResponse {
        /// Header lines, `:status` among them.
        headers: &'e [HeaderLine<'e>],
        /// Whole body.
        body: &'e [u8],
    },
    /// The message of a gRPC response.
    GrpcMessage(&'e [u8]),
    /// The end of a gRPC call with its status.
    GrpcClosed(u32),
    /// The call could not be made, broke off or took too long.
    Failed,
}
