//! The proxy in front of the payment service, recording everything and refusing nothing.
//!
//! No authorization runs here: an exchange that was refused would have no
//! response, and a replay could never let it through.

use std::path::Path;

use sluice_envoy::{
    Envoy, EnvoyBinary, LabError, RunningEnvoy,
    bootstrap::{
        Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, access_log,
        http_filter,
        transport_socket::{ClientCertificate, downstream_tls},
    },
    client::{ClientTls, Protocol, Target},
    identity::{Authority, Identity},
    service::Upstream,
};

use super::caller::Caller;

const LISTENER: &str = "virtualInbound";
const CLUSTER: &str = "inbound|8080||";
const SERVER: &str = "spiffe://cluster.local/ns/production/sa/payment-service-sa";
/// What a sidecar of the mesh sends as server name.
const SERVER_NAME: &str = "outbound_.8080_._.payment-service.production.svc.cluster.local";

/// A running proxy and service.
pub struct Stage {
    authority: Authority,
    envoy: RunningEnvoy,
    _service: Upstream,
}

impl Stage {
    /// Starts both; taps and the access log go into `directory`.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn start(binary: EnvoyBinary, directory: &Path) -> Result<Self, LabError> {
        let authority = Authority::new()?;
        let service = Upstream::payments()?;
        let server = authority.issue(SERVER)?;
        let bootstrap = Bootstrap::new(Node::new("production", [("app", "payment-service")]))
            .cluster(&Cluster::as_downstream(CLUSTER, service.address()))
            .listener(listener(&authority, &server, directory));
        let envoy = Envoy::new(binary).start(bootstrap.into_json())?;
        Ok(Self {
            authority,
            envoy,
            _service: service,
        })
    }

    /// How `caller` reaches the proxy; each connection has a port of its own.
    ///
    /// # Errors
    /// When the caller's certificate or addresses cannot be used.
    pub fn target(
        &self,
        caller: Caller,
        protocol: Protocol,
        source_port: u16,
    ) -> Result<Target, LabError> {
        let (source, destination) = caller.addresses(source_port).ok_or_else(|| {
            LabError::new("read a caller's addresses", format!("found {caller:?}"))
        })?;
        let target = Target::new(self.envoy.listener(LISTENER)?, protocol);
        let target = target.proxied(source, destination);
        let Some(identity) = caller.identity else {
            return Ok(target);
        };
        let identity = self.authority.issue(identity)?;
        let tls = ClientTls::mutual(&self.authority, &identity);
        Ok(target.tls(tls.server_name_indication(SERVER_NAME)))
    }

    /// Ends the proxy, so that every tap and log line is on disk.
    ///
    /// # Errors
    /// When it does not end.
    pub fn finish(self) -> Result<(), LabError> {
        self.envoy.stop()
    }
}

/// PERMISSIVE: mutual TLS and plain text on one port.
fn listener(authority: &Authority, server: &Identity, directory: &Path) -> Listener {
    let log = directory.join(super::raw::ACCESS_LOG);
    let manager = HttpConnectionManager::to_cluster(CLUSTER)
        .filter(http_filter::tap(&directory.join(super::raw::TAP_PREFIX)))
        .access_log(access_log::json_file(&log, access_log::ISTIO_JSON));
    let tls = downstream_tls(authority, server, ClientCertificate::Required);
    Listener::new(LISTENER)
        .proxy_protocol()
        .tls_inspector()
        .chain(FilterChain::new(&manager).tls(tls))
        .chain(FilterChain::new(&manager).raw())
}
