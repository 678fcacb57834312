//! A request as an engine sees it: facts read by somebody else, borrowed.

use std::net::SocketAddr;

use serde_json::{Map, Value};

use crate::fact::Fact;

/// One header line, name first. Names are lower-case, as Envoy keeps them.
pub type HeaderLine<'a> = (&'a [u8], &'a [u8]);

/// Everything an engine may look at when it decides on one request.
///
/// Only the attributes that a program demands need to be filled; the rest stay
/// [`Fact::Unavailable`]. Bytes, not strings: a client may send anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// `:method`.
    pub method: Fact<&'a [u8]>,
    /// `:path` with query, as it stands after Envoy's normalisation.
    pub path: Fact<&'a [u8]>,
    /// `:authority` with its port, if the client sent one.
    pub authority: Fact<&'a [u8]>,
    /// Every header line in wire order, repeated names repeated.
    /// Pseudo-headers may or may not be among them.
    pub headers: Fact<&'a [HeaderLine<'a>]>,
    /// Facts that do not change while the connection lives.
    pub connection: Connection<'a>,
    /// Dynamic metadata by filter namespace (`envoy.filters.http.jwt_authn`, …).
    pub metadata: Fact<&'a Map<String, Value>>,
}

/// The downstream connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection<'a> {
    /// Effective client address, after `x-forwarded-for` or PROXY protocol
    /// (Envoy's `source.address`).
    pub remote_address: Fact<SocketAddr>,
    /// Local address and port (Envoy's `destination.address`).
    pub destination_address: Fact<SocketAddr>,
    /// Whether the client presented a certificate (`connection.mtls`).
    pub mtls: Fact<bool>,
    /// First URI SAN of the peer certificate.
    pub peer_uri_san: Fact<&'a [u8]>,
    /// First DNS SAN of the peer certificate.
    pub peer_dns_san: Fact<&'a [u8]>,
    /// Subject of the peer certificate.
    pub peer_subject: Fact<&'a [u8]>,
    /// Filter state `io.istio.peer_principal`: waypoints and HBONE only.
    pub peer_principal: Fact<&'a [u8]>,
    /// Server name of the TLS handshake.
    pub requested_server_name: Fact<&'a [u8]>,
}
