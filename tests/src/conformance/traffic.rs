//! The world of every row, and what was observed in it.

use sluice_envoy::client::HeaderLines;

/// What every request asks for.
pub const AUTHORITY: &str = "payment-service.production.svc.cluster.local:8080";
/// Answered by 200, `text/plain`, `ok\n`.
pub const HEALTH_PATH: &str = "/healthz";
/// Answered with a trailer.
pub const EXPORT_PATH: &str = "/v1/payments/export";
/// Where clients seem to come from.
pub const SOURCE: &str = "10.0.0.7:40412";
/// Where clients believe the service to be.
pub const DESTINATION: &str = "10.0.0.9:8080";
/// Who clients are.
pub const CLIENT_IDENTITY: &str = "spiffe://cluster.local/ns/production/sa/order-service-sa";
/// Who the proxy is.
pub const SERVER_IDENTITY: &str = "spiffe://cluster.local/ns/production/sa/payment-service-sa";
/// What clients send as server name.
pub const SERVER_NAME: &str = "payment-service.production.svc.cluster.local";
/// Namespace of the proxy.
pub const NAMESPACE: &str = "production";
/// Label `app` of the proxy.
pub const APP: &str = "payment-service";
/// Cluster of the service.
pub const SERVICE_CLUSTER: &str = "service";
/// HTTP/1.1 cluster for callouts: the service again.
pub const CALLOUT_CLUSTER: &str = "callout";
/// HTTP/2 cluster for callouts: the service again.
pub const GRPC_CLUSTER: &str = "callout-grpc";
/// A cluster where nobody listens.
pub const DEAD_CLUSTER: &str = "dead";

/// A request as the upstream got it.
#[derive(Debug, Clone, Default)]
pub struct SeenRequest {
    /// Path and query.
    pub path: String,
    /// Header lines without pseudo-headers.
    pub headers: HeaderLines,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: HeaderLines,
}

/// A response as the client got it.
#[derive(Debug, Clone, Default)]
pub struct SeenResponse {
    /// Status code.
    pub status: u16,
    /// Header lines without pseudo-headers.
    pub headers: HeaderLines,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: HeaderLines,
}

/// What a host did with one row.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Lines the guest logged, without the tag.
    pub lines: Vec<String>,
    /// Responses in order.
    pub responses: Vec<SeenResponse>,
    /// Requests that went upstream.
    pub upstream: Vec<SeenRequest>,
}
