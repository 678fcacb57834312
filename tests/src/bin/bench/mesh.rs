//! Mutual TLS for load that cannot speak it: neither wrk nor h2load can show a
//! certificate, so a second Envoy calls the measured one for them, as a sidecar does
//! for its workload. Its own processor time is not counted.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::Value;
use sluice_envoy::bootstrap::transport_socket::{ClientCertificate, downstream_tls, upstream_tls};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node,
};
use sluice_envoy::identity::{Authority, Identity};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy};

use crate::policies::{self, NAMESPACE};

const OUTBOUND: &str = "outbound";

/// A certificate authority, and the workload that is protected.
pub struct Mesh {
    authority: Authority,
    server: Identity,
}

/// The caller's Envoy.
pub struct Front(RunningEnvoy);

impl Mesh {
    /// Makes keys and certificates.
    pub fn new() -> Result<Self> {
        let authority = Authority::new()?;
        let server = authority.issue(&policies::spiffe("bench"))?;
        Ok(Self { authority, server })
    }

    /// For the listener of the workload.
    pub fn transport_socket(&self) -> Value {
        downstream_tls(&self.authority, &self.server, ClientCertificate::Required)
    }

    /// Starts the Envoy of the caller with that SPIFFE identity, which sends on to `address`.
    pub fn front(&self, caller: &str, address: SocketAddr) -> Result<Front> {
        let tls = upstream_tls(&self.authority, &self.authority.issue(caller)?);
        let manager = HttpConnectionManager::to_cluster(OUTBOUND);
        let bootstrap = Bootstrap::new(Node::new(NAMESPACE, [("app", "caller")]))
            .cluster(&Cluster::http1(OUTBOUND, address).tls(tls))
            .listener(Listener::new(OUTBOUND).chain(FilterChain::new(&manager)));
        let envoy = Envoy::new(EnvoyBinary::find_default()?).start(bootstrap.into_json())?;
        Ok(Front(envoy))
    }
}

impl Front {
    /// Where it takes requests in plain text.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.0.listener(OUTBOUND)?)
    }
}
