//! Listeners and their filter chains.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use super::{HttpConnectionManager, extension, socket_address};

/// One way to serve a connection: which connections, over what, by which filters.
#[derive(Debug, Clone)]
pub struct FilterChain {
    matches: Value,
    transport_socket: Option<Value>,
    filter: Value,
}

impl FilterChain {
    /// Serves every connection in plain text.
    #[must_use]
    pub fn new(manager: &HttpConnectionManager) -> Self {
        Self {
            matches: json!({}),
            transport_socket: None,
            filter: manager.to_json(),
        }
    }

    /// Serves TLS connections only; see [`super::transport_socket`].
    #[must_use]
    pub fn tls(mut self, transport_socket: Value) -> Self {
        self.transport_socket = Some(transport_socket);
        self.matches["transport_protocol"] = json!("tls");
        self
    }

    /// Serves plain-text connections only: the other half of PERMISSIVE.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.matches["transport_protocol"] = json!("raw_buffer");
        self
    }

    /// Serves connections to that port only: the one of the PROXY header where
    /// there is one.
    #[must_use]
    pub fn destination_port(mut self, port: u16) -> Self {
        self.matches["destination_port"] = json!(port);
        self
    }

    /// Sets any other field of `FilterChainMatch`, by its name.
    #[must_use]
    pub fn matching(mut self, field: &str, value: Value) -> Self {
        self.matches[field] = value;
        self
    }

    fn into_json(self) -> Value {
        let mut chain = json!({"filters": [self.filter]});
        if self
            .matches
            .as_object()
            .is_some_and(|fields| !fields.is_empty())
        {
            chain["filter_chain_match"] = self.matches;
        }
        if let Some(socket) = self.transport_socket {
            chain["transport_socket"] = socket;
        }
        chain
    }
}

/// A listener; on port 0 of the loopback interface unless told otherwise.
#[derive(Debug, Clone)]
pub struct Listener {
    name: String,
    address: SocketAddr,
    listener_filters: Vec<Value>,
    chains: Vec<Value>,
}

impl Listener {
    /// A listener without filter chains yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            listener_filters: Vec::new(),
            chains: Vec::new(),
        }
    }

    /// Listens elsewhere.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Every connection begins with a PROXY header, whose addresses become
    /// `source.address` and `destination.address`.
    #[must_use]
    pub fn proxy_protocol(mut self) -> Self {
        self.listener_filters.push(extension(
            "envoy.filters.listener.proxy_protocol",
            "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
            json!({}),
        ));
        self
    }

    /// Tells TLS from plain text, so that chains can match on it.
    /// After [`Listener::proxy_protocol`], if both.
    #[must_use]
    pub fn tls_inspector(mut self) -> Self {
        self.listener_filters.push(extension(
            "envoy.filters.listener.tls_inspector",
            "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
            json!({}),
        ));
        self
    }

    /// Adds a filter chain.
    #[must_use]
    pub fn chain(mut self, chain: FilterChain) -> Self {
        self.chains.push(chain.into_json());
        self
    }

    pub(super) fn into_json(self) -> Value {
        json!({
            "name": self.name,
            "address": socket_address(self.address),
            "traffic_direction": "INBOUND",
            "listener_filters": self.listener_filters,
            "filter_chains": self.chains,
        })
    }
}
