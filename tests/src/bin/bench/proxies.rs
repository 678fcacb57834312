//! Envoys with one configuration each, and what a request costs in them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use sluice_envoy::bootstrap::{
    Bootstrap, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter, http_filter,
};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy};

use crate::policies::{NAMESPACE, Policies};
use crate::wrk;

const LISTENER: &str = "inbound";

/// A running Envoy and the request that it is measured with.
pub struct Proxy {
    envoy: RunningEnvoy,
    path: String,
    /// Microseconds of processor time per request, one figure a round.
    pub rounds: Vec<f64>,
}

impl Proxy {
    /// Without any filter but the router.
    pub fn bare(path: &str) -> Result<Self> {
        Self::start(None, path)
    }

    /// With the native filter.
    pub fn native(policies: &Policies) -> Result<Self> {
        Self::start(
            Some(http_filter::rbac(policies.rbac())),
            &policies.allowed_path(),
        )
    }

    /// With `authz.wasm`.
    pub fn wasm(policies: &Policies, module: &Path) -> Result<Self> {
        let filter = WasmFilter::new("bench.authz", module, &policies.plugin_config());
        Self::start(Some(filter.to_json()), &policies.allowed_path())
    }

    fn start(filter: Option<Value>, path: &str) -> Result<Self> {
        let mut manager = HttpConnectionManager::direct_response(200, "ok");
        if let Some(filter) = filter {
            manager = manager.filter(filter);
        }
        let node = Node::new(NAMESPACE, [("app", "bench")]);
        let listener = Listener::new(LISTENER).chain(FilterChain::new(&manager));
        let bootstrap = Bootstrap::new(node).listener(listener).into_json();
        let envoy = Envoy::new(EnvoyBinary::find_default()?).start(bootstrap)?;
        Ok(Self {
            envoy,
            path: path.to_owned(),
            rounds: Vec::new(),
        })
    }

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
        wrk::load(self.envoy.listener(LISTENER)?, &self.path, time)
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
