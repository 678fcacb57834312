//! What attributes say of the peer must agree.

/// Whether the peer showed a certificate: Envoy's own definition.
pub(crate) const MTLS: &str = "connection.mtls";

/// What is read from the peer's certificate. Envoy has nothing, or an empty text, where
/// there was none.
const FROM_CERTIFICATE: [&str; 4] = [
    "connection.dns_san_peer_certificate",
    "connection.sha256_peer_certificate_digest",
    "connection.subject_peer_certificate",
    "connection.uri_san_peer_certificate",
];

/// The first attribute that tells of a certificate though there was no mutual TLS.
/// `says` is whether an attribute has a value with something in it.
pub(crate) fn peer_without_mtls(
    mtls: Option<bool>,
    says: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    if mtls != Some(false) {
        return None;
    }
    FROM_CERTIFICATE.into_iter().find(|name| says(name))
}
