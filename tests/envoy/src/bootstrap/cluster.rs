//! Where requests go.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// How Envoy speaks to the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpstreamProtocol {
    Http1,
    Http2,
    AsDownstream,
}

/// A cluster of one address.
#[derive(Debug, Clone)]
pub struct Cluster {
    name: String,
    address: SocketAddr,
    protocol: UpstreamProtocol,
    transport_socket: Option<Value>,
}

impl Cluster {
    /// HTTP/1.1 to `address`.
    #[must_use]
    pub fn http1(name: &str, address: SocketAddr) -> Self {
        Self::new(name, address, UpstreamProtocol::Http1)
    }

    /// HTTP/2 in plain text to `address`.
    #[must_use]
    pub fn http2(name: &str, address: SocketAddr) -> Self {
        Self::new(name, address, UpstreamProtocol::Http2)
    }

    /// The protocol the client used, as Istio's inbound clusters do.
    #[must_use]
    pub fn as_downstream(name: &str, address: SocketAddr) -> Self {
        Self::new(name, address, UpstreamProtocol::AsDownstream)
    }

    fn new(name: &str, address: SocketAddr, protocol: UpstreamProtocol) -> Self {
        Self {
            name: name.to_owned(),
            address,
            protocol,
            transport_socket: None,
        }
    }

    /// Over TLS; see [`super::transport_socket`].
    #[must_use]
    pub fn tls(mut self, transport_socket: Value) -> Self {
        self.transport_socket = Some(transport_socket);
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let endpoint = json!({"endpoint": {"address": super::socket_address(self.address)}});
        let mut cluster = json!({
            "name": self.name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "circuit_breakers": {"thresholds": [unlimited()]},
            "load_assignment": {
                "cluster_name": self.name,
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": self.http_options(),
            },
        });
        if let Some(socket) = &self.transport_socket {
            cluster["transport_socket"] = socket.clone();
        }
        cluster
    }

    fn http_options(&self) -> Value {
        let choice = match self.protocol {
            UpstreamProtocol::Http1 => {
                json!({"explicit_http_config": {"http_protocol_options": {}}})
            }
            UpstreamProtocol::Http2 => {
                json!({"explicit_http_config": {"http2_protocol_options": {}}})
            }
            UpstreamProtocol::AsDownstream => json!({"use_downstream_protocol_config": {
                // Trailers are dropped by default on HTTP/1.1.
                "http_protocol_options": {"enable_trailers": true},
                "http2_protocol_options": {},
            }}),
        };
        typed(
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            choice,
        )
    }
}

/// Istio's thresholds of a cluster without a DestinationRule; Envoy's own would let three
/// requests at a time be tried again.
fn unlimited() -> Value {
    json!({
        "max_connections": u32::MAX,
        "max_pending_requests": u32::MAX,
        "max_requests": u32::MAX,
        "max_retries": u32::MAX,
        "track_remaining": true,
    })
}

fn typed(message: &str, mut fields: Value) -> Value {
    fields["@type"] = json!(format!("type.googleapis.com/{message}"));
    fields
}
