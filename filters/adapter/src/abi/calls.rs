//! What host calls with many arguments are given.

/// An HTTP request to another cluster, made by the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCall<'a> {
    /// Name of an Envoy cluster.
    pub cluster: &'a str,
    /// Header lines, pseudo-headers first.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// Body; empty for none.
    pub body: &'a [u8],
    /// Time until the host gives up.
    pub timeout_ms: u32,
}

/// A unary gRPC call, made by the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcCall<'a> {
    /// Name of an Envoy cluster, or a serialised `GrpcService`.
    pub service: &'a [u8],
    /// Full name of the gRPC service.
    pub service_name: &'a str,
    /// Name of the method.
    pub method: &'a str,
    /// Initial metadata.
    pub metadata: &'a [(&'a [u8], &'a [u8])],
    /// Serialised request message.
    pub message: &'a [u8],
    /// Time until the host gives up.
    pub timeout_ms: u32,
}

/// A reply that the proxy gives instead of the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply<'a> {
    /// HTTP status; for a gRPC request Envoy turns it into 200 with `grpc_status`.
    pub status: u32,
    /// `%RESPONSE_CODE_DETAILS%`; Envoy turns white space into `_`.
    pub details: &'a [u8],
    /// Body, and `grpc-message` for a gRPC request.
    pub body: &'a [u8],
    /// Further header lines.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// Status for gRPC requests; `None` lets Envoy derive it from the HTTP status.
    pub grpc_status: Option<u8>,
}
