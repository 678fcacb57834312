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
use crate::wrk::Load;

const LISTENER: &str = "inbound";

/// A running Envoy and the request that it is measured with.
pub struct Proxy {
    envoy: RunningEnvoy,
    /// None in plain text.
    front: Option<Front>,
    load: Load,
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
        let envoy = start(self.listener(&manager(filter)))?;
        let front = self
            .mesh
            .map(|mesh| mesh.front(&policies.allowed_caller(), envoy.listener(LISTENER)?))
            .transpose()?;
        Ok(Proxy {
            envoy,
            front,
            load: Load::path(&policies.allowed_path()),
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

/// Answers every request itself, after the filter.
fn manager(filter: Option<Value>) -> HttpConnectionManager {
    let manager = HttpConnectionManager::direct_response(200, "ok");
    match filter {
        Some(filter) => manager.filter(filter),
        None => manager,
    }
}

fn start(listener: Listener) -> Result<RunningEnvoy> {
    let node = Node::new(NAMESPACE, [("app", "bench")]);
    let bootstrap = Bootstrap::new(node).listener(listener);
    Ok(Envoy::new(EnvoyBinary::find_default()?).start(bootstrap.into_json())?)
}

impl Proxy {
    /// In plain text, with that filter if any.
    pub fn plain(filter: Option<Value>, load: Load) -> Result<Self> {
        let chain = FilterChain::new(&manager(filter));
        Ok(Self {
            envoy: start(Listener::new(LISTENER).chain(chain))?,
            front: None,
            load,
            rounds: Vec::new(),
        })
    }

    /// Sends load that is not counted, so that caches and V8's optimiser settle.
    pub fn warm_up(&self, time: Duration) -> Result<()> {
        self.send(time).map(drop)
    }

    /// Sends load and notes the processor time per request.
    pub fn measure(&mut self, time: Duration) -> Result<()> {
        let before = self.envoy.cpu_time()?;
        let requests = self.send(time)?;
        let used = self.envoy.cpu_time()?.saturating_sub(before);
        self.rounds.push(used.as_secs_f64() * 1e6 / count(requests));
        Ok(())
    }

    fn send(&self, time: Duration) -> Result<u64> {
        let address = match &self.front {
            Some(front) => front.address()?,
            None => self.envoy.listener(LISTENER)?,
        };
        self.load.send(address, time)
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
