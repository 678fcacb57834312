//! Envoys with one configuration each, and what a request costs in them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use sluice_envoy::bootstrap::{
    Bootstrap, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter, http_filter,
};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy};

use crate::mesh::{Front, Mesh};
use crate::policies::{NAMESPACE, Policies};
use crate::wrk;

const LISTENER: &str = "inbound";

/// A running Envoy and the request that it is measured with.
pub struct Proxy {
    envoy: RunningEnvoy,
    /// None in plain text.
    front: Option<Front>,
    path: String,
    /// Microseconds of processor time per request, one figure a round.
    pub rounds: Vec<f64>,
}

/// What the proxies of one comparison have in common.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// Plain text if there is none.
    pub mesh: Option<&'a Mesh>,
}

impl Stage<'_> {
    /// Without any filter but the router.
    pub fn bare(self, policies: &Policies) -> Result<Proxy> {
        self.start(None, policies)
    }

    /// With the native filter.
    pub fn native(self, policies: &Policies) -> Result<Proxy> {
        self.start(Some(http_filter::rbac(policies.rbac())), policies)
    }

    /// With `authz.wasm`.
    pub fn wasm(self, policies: &Policies, module: &Path) -> Result<Proxy> {
        let filter = WasmFilter::new("bench.authz", module, &policies.plugin_config());
        self.start(Some(filter.to_json()), policies)
    }

    fn start(self, filter: Option<Value>, policies: &Policies) -> Result<Proxy> {
        let mut manager = HttpConnectionManager::direct_response(200, "ok");
        if let Some(filter) = filter {
            manager = manager.filter(filter);
        }
        let node = Node::new(NAMESPACE, [("app", "bench")]);
        let bootstrap = Bootstrap::new(node).listener(self.listener(&manager));
        let envoy = Envoy::new(EnvoyBinary::find_default()?).start(bootstrap.into_json())?;
        let front = self
            .mesh
            .map(|mesh| mesh.front(&policies.allowed_caller(), envoy.listener(LISTENER)?))
            .transpose()?;
        Ok(Proxy {
            envoy,
            front,
            path: policies.allowed_path(),
            rounds: Vec::new(),
        })
    }

    fn listener(self, manager: &HttpConnectionManager) -> Listener {
        let listener = Listener::new(LISTENER);
        let chain = FilterChain::new(manager);
        match self.mesh {
            Some(mesh) => listener
                .tls_inspector()
                .chain(chain.tls(mesh.transport_socket())),
            None => listener.chain(chain),
        }
    }
}

impl Proxy {
    /// Sends load that is not counted, so that caches and V8's optimiser settle.
    pub fn warm_up(&self, time: Duration) -> Result<()> {
        self.load(time).map(drop)
    }

    /// Sends load and notes the processor time per request.
    pub fn measure(&mut self, time: Duration) -> Result<()> {
        let before = self.envoy.cpu_time()?;
        let requests = self.load(time)?;
        let used = self.envoy.cpu_time()?.saturating_sub(before);
        self.rounds.push(used.as_secs_f64() * 1e6 / count(requests));
        Ok(())
    }

    fn load(&self, time: Duration) -> Result<u64> {
        let address = match &self.front {
            Some(front) => front.address()?,
            None => self.envoy.listener(LISTENER)?,
        };
        wrk::load(address, &self.path, time)
    }
}

/// Counts here stay far below 2^53, where a float is exact.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^53"
)]
fn count(requests: u64) -> f64 {
    requests.max(1) as f64
}
