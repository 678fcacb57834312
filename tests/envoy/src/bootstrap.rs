//! Bootstraps as Istio would write them for an inbound sidecar, built from
//! small parts that each become one piece of JSON.

pub mod access_log;
pub mod cluster;
pub mod http_connection_manager;
pub mod http_filter;
pub mod jwt_authn;
pub mod listener;
pub mod node;
pub mod transport_socket;

use serde_json::{Value, json};

pub use cluster::Cluster;
pub use http_connection_manager::{HttpConnectionManager, PathNormalization};
pub use http_filter::WasmFilter;
pub use jwt_authn::JwtAuthn;
pub use listener::{FilterChain, Listener};
pub use node::Node;

/// A static bootstrap without its admin part, which [`crate::Envoy::start`] adds.
#[derive(Debug, Clone, Default)]
pub struct Bootstrap {
    node: Node,
    listeners: Vec<Value>,
    clusters: Vec<Value>,
}

impl Bootstrap {
    /// For the workload described by `node`.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self {
            node,
            ..Self::default()
        }
    }

    /// Adds a listener.
    #[must_use]
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener.into_json());
        self
    }

    /// Adds a cluster.
    #[must_use]
    pub fn cluster(mut self, cluster: &Cluster) -> Self {
        self.clusters.push(cluster.to_json());
        self
    }

    /// The document for [`crate::Envoy::start`].
    #[must_use]
    pub fn into_json(self) -> Value {
        json!({
            "node": self.node.to_json(),
            "static_resources": {"listeners": self.listeners, "clusters": self.clusters},
            "layered_runtime": {"layers": [{"name": "istio", "static_layer": istio_runtime()}]},
        })
    }
}

/// Istio's bootstrap lets `#fragment` pass (Envoy itself answers 400) and strips it.
fn istio_runtime() -> Value {
    json!({
        "envoy.reloadable_features.http_reject_path_with_fragment": false,
        "overload.global_downstream_max_connections": 100_000,
    })
}

/// `{"name": …, "typed_config": {"@type": "type.googleapis.com/…", …}}`.
#[must_use]
pub fn extension(name: &str, message: &str, mut fields: Value) -> Value {
    fields["@type"] = json!(format!("type.googleapis.com/{message}"));
    json!({"name": name, "typed_config": fields})
}

/// An IP address and port in Envoy's JSON.
#[must_use]
pub fn socket_address(address: std::net::SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
