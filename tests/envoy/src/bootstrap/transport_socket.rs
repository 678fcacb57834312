//! Mutual TLS as a sidecar terminates and begins it.

use serde_json::{Value, json};

use super::extension;
use crate::identity::{Authority, Identity};

/// Whether a client without a certificate gets through the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// Istio's mutual TLS.
    Required,
    /// A gateway's simple TLS.
    NotAsked,
}

/// The downstream TLS context of a workload with `identity` in the mesh of `authority`.
#[must_use]
pub fn downstream_tls(
    authority: &Authority,
    identity: &Identity,
    client: ClientCertificate,
) -> Value {
    let required = client == ClientCertificate::Required;
    let mut common = certificate(identity);
    common["alpn_protocols"] = json!(["h2", "http/1.1"]);
    if required {
        common["validation_context"] = trust(authority);
    }
    extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({"common_tls_context": common, "require_client_certificate": required}),
    )
}

/// The upstream TLS context of a workload with `identity` that calls one in the
/// mesh of `authority`.
#[must_use]
pub fn upstream_tls(authority: &Authority, identity: &Identity) -> Value {
    let mut common = certificate(identity);
    common["validation_context"] = trust(authority);
    extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        json!({"common_tls_context": common}),
    )
}

fn certificate(identity: &Identity) -> Value {
    json!({"tls_certificates": [{
        "certificate_chain": {"inline_string": identity.certificate_pem()},
        "private_key": {"inline_string": identity.key_pem()},
    }]})
}

fn trust(authority: &Authority) -> Value {
    json!({"trusted_ca": {"inline_string": authority.certificate_pem()}})
}
