//! A real Envoy with one listener per setup.

use std::path::PathBuf;

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, JwtAuthn, Listener, Node, WasmFilter,
};
use sluice_envoy::client::{Client, Protocol, Request, Target};
use sluice_envoy::service::Upstream;
use sluice_envoy::{Envoy, EnvoyBinary, LabError, RunningEnvoy};

use super::keys::Keys;
use super::row::Row;
use super::seen::Seen;
use super::setups::{self, Setup};
use super::words::Words;

pub(super) const AUTHORITY: &str = "payments.test";
/// Header that tells the upstream which claims the filters behind could see.
pub(super) const IDENTITY: &str = "x-lab-identity";

/// Header that tells the client what access logs would tell.
pub(super) const DETAILS: &str = "x-lab-details";

const NAMESPACE: &str = "production";
const CLUSTER: &str = "inbound|8080||";
/// Where native Envoy has the claims.
const METADATA: &str = "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload)%";
/// Where the module has them.
const FILTER_STATE: &str = "%FILTER_STATE(wasm.sluice.jwt:PLAIN)%";

/// What stands before the upstream.
#[derive(Debug, Clone)]
pub enum Filter {
    /// `jwt_authn`.
    Native,
    /// The module in that file.
    Module(PathBuf),
}

/// A running Envoy, its upstream and a client.
pub struct Stage {
    envoy: RunningEnvoy,
    upstream: Upstream,
    client: Client,
    /// JSON pointer to the claims in what was handed over.
    claims_at: &'static str,
}

impl Stage {
    /// Starts an Envoy with every setup.
    ///
    /// # Errors
    /// When it does not start; a rule that it does not take is such a case.
    pub fn start(binary: &EnvoyBinary, filter: &Filter, keys: &Keys) -> Result<Self, LabError> {
        let upstream = Upstream::echo()?;
        let mut bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
            .cluster(&Cluster::as_downstream(CLUSTER, upstream.address()));
        for setup in setups::all(keys) {
            bootstrap = bootstrap.listener(listener(&setup, filter));
        }
        Ok(Self {
            envoy: Envoy::new(binary.clone()).start(bootstrap.into_json())?,
            upstream,
            client: Client::new()?,
            claims_at: match filter {
                Filter::Native => "",
                Filter::Module(_) => "/payload",
            },
        })
    }

    /// Sends the request of one row.
    ///
    /// # Errors
    /// When the laboratory fails, whatever the filter decides.
    pub fn run(&self, row: &Row, words: &Words) -> Result<Seen, LabError> {
        // As it is: some rows hold what no well-behaved client would send.
        let target = Target::new(self.envoy.listener(row.setup)?, Protocol::Wire);
        let mut request = Request::new(row.method, AUTHORITY, words.expand(row.target));
        for (name, value) in row.headers {
            request = request.header(name, words.expand(value));
        }
        drop(self.upstream.take_received());
        let response = self.client.send(&target, &request)?;
        let received = self.upstream.take_received().pop();
        Ok(Seen::new(response, received, self.claims_at))
    }
}

fn listener((name, rules): &Setup, filter: &Filter) -> Listener {
    let manager = HttpConnectionManager::to_cluster(CLUSTER);
    let manager = match filter {
        Filter::Native => manager
            .filter(JwtAuthn::new(rules.iter().cloned()).to_json())
            .upstream_header(IDENTITY, METADATA),
        Filter::Module(module) => manager
            .filter(WasmFilter::new(name, module, &plugin_config(name, rules)).to_json())
            .upstream_header(IDENTITY, FILTER_STATE),
    };
    let manager = manager.field("local_reply_config", telling_details());
    Listener::new(name).chain(FilterChain::new(&manager))
}

/// Replies of filters say why in one header more.
fn telling_details() -> Value {
    let any = json!({"op": "GE", "value": {"default_value": 200, "runtime_key": "lab"}});
    json!({"mappers": [{
        "filter": {"status_code_filter": {"comparison": any}},
        "headers_to_add": [{"header": {"key": DETAILS, "value": "%RESPONSE_CODE_DETAILS%"}}],
    }]})
}

fn plugin_config(name: &str, rules: &[Value]) -> String {
    json!({"resources": [{
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"jwtRules": rules},
    }]})
    .to_string()
}
