//! The extension providers of the cases: Istio's sample `ext-authz`, over HTTP
//! and gRPC, which allows what carries `x-ext-authz: allow`.

use serde_json::{Value, json};

/// Name of the HTTP provider.
pub const HTTP: &str = "ext-authz-http";
/// Name of the gRPC provider.
pub const GRPC: &str = "ext-authz-grpc";
/// Host of both.
pub const SERVICE: &str = "ext-authz.istio-system.svc.cluster.local";
/// Port of the HTTP provider.
pub const HTTP_PORT: u16 = 8000;
/// Port of the gRPC provider.
pub const GRPC_PORT: u16 = 9000;

/// `mesh.extensionProviders`, as Istio's integration tests configure them.
pub fn sample_providers() -> Value {
    json!([
        {
            "name": HTTP,
            "envoyExtAuthzHttp": {
                "service": SERVICE,
                "port": HTTP_PORT,
                "headersToUpstreamOnAllow": ["x-ext-authz-*"],
                "headersToDownstreamOnDeny": ["x-ext-authz-*"],
                "includeRequestHeadersInCheck": ["x-ext-authz"],
                "includeAdditionalHeadersInCheck": {
                    "x-ext-authz-additional-header-new": "additional-header-new-value",
                    "x-ext-authz-additional-header-override": "additional-header-override-value",
                },
            },
        },
        {
            "name": GRPC,
            "envoyExtAuthzGrpc": {"service": SERVICE, "port": GRPC_PORT},
        },
    ])
}
