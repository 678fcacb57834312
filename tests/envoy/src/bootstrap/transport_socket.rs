//! Mutual TLS as a sidecar terminates it.

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
    let mut common = json!({
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [{
            "certificate_chain": {"inline_string": identity.certificate_pem()},
            "private_key": {"inline_string": identity.key_pem()},
        }],
    });
    if required {
        common["validation_context"] =
            json!({"trusted_ca": {"inline_string": authority.certificate_pem()}});
    }
    extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({"common_tls_context": common, "require_client_certificate": required}),
    )
}
