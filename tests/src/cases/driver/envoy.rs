//! The built module in a real Envoy.

mod send;
mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use sluice_envoy::binary::find_module;
use sluice_envoy::bootstrap::{Bootstrap, Cluster, Node};
use sluice_envoy::client::Client;
use sluice_envoy::identity::{Authority, Identity};
use sluice_envoy::service::Upstream;
use sluice_envoy::service::documents::Library;
use sluice_envoy::service::ext_authz::{Authorizer, Rule};
use sluice_envoy::{Envoy, EnvoyBinary, LabError, RunningEnvoy};

use crate::cases::provider::{self, Protocol, Provider};
use crate::cases::scenario::{Driver, Observation, Obstacle, Scenario};

/// Listeners in one process. A process starts in half a second, a listener
/// with its plugin in a few milliseconds.
const LISTENERS_PER_PROCESS: usize = 64;

/// Nothing listens on the discard port.
const NOWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 9);

/// Everything that outlives one Envoy.
pub struct RealEnvoy {
    binary: EnvoyBinary,
    modules: Modules,
    /// Every server of keys.
    library: Library,
    authority: Authority,
    server: Identity,
    clients: BTreeMap<String, Identity>,
    client: Client,
    upstream: Upstream,
    http_provider: Authorizer,
    grpc_provider: Authorizer,
}

/// The built filters.
pub struct Modules {
    /// Always there.
    pub authz: PathBuf,
    /// The JWT filter, or why it is not there.
    pub jwt: Result<PathBuf, String>,
    /// The fault filter, or why it is not there.
    pub fault: Result<PathBuf, String>,
    /// The routing filter, or why it is not there.
    pub routing: Result<PathBuf, String>,
}

type Answers = Vec<Option<Result<Observation, Obstacle>>>;

impl RealEnvoy {
    /// Starts the services around Envoy.
    ///
    /// # Errors
    /// The binary or the module is not there; the message names the command.
    pub fn new() -> Result<Self, String> {
        Self::start().map_err(|error| error.to_string())
    }

    fn start() -> Result<Self, LabError> {
        let authority = Authority::new()?;
        Ok(Self {
            binary: EnvoyBinary::find_default()?,
            modules: Modules {
                authz: find_module("authz")?,
                jwt: find_module("jwt").map_err(|error| error.to_string()),
                fault: find_module("fault").map_err(|error| error.to_string()),
                routing: find_module("routing").map_err(|error| error.to_string()),
            },
            library: Library::start()?,
            server: authority.issue("spiffe://cluster.local/ns/case/sa/server")?,
            authority,
            clients: BTreeMap::new(),
            client: Client::new()?,
            upstream: Upstream::echo()?,
            http_provider: Authorizer::start(Rule::Header)?,
            grpc_provider: Authorizer::start(Rule::Header)?,
        })
    }

    /// Runs the scenarios at `members` in one process, or in several if that
    /// one does not start: a single refused configuration keeps it from it.
    fn run_group(&mut self, scenarios: &[Scenario], members: &[usize], answers: &mut Answers) {
        let Some(first) = members.first().and_then(|&index| scenarios.get(index)) else {
            return;
        };
        let stages = stage::Stages::of(scenarios, members);
        let bootstrap = self.bootstrap(first, &stages);
        match Envoy::new(self.binary.clone()).start(bootstrap) {
            Ok(envoy) => self.send_all(&envoy, scenarios, members, &stages, answers),
            Err(_) if stages.len() > 1 => {
                let (left, right) = stages.halves(members);
                self.run_group(scenarios, &left, answers);
                self.run_group(scenarios, &right, answers);
            }
            Err(error) => {
                for &member in members {
                    set(answers, member, Err(Obstacle::Broken(error.to_string())));
                }
            }
        }
    }

    fn bootstrap(&self, first: &Scenario, stages: &stage::Stages) -> serde_json::Value {
        let workload = &first.workload;
        let labels = workload
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let mut bootstrap = Bootstrap::new(Node::new(&workload.namespace, labels))
            .cluster(&Cluster::as_downstream("upstream", self.upstream.address()));
        for provider in stages.providers() {
            bootstrap = bootstrap.cluster(&self.provider_cluster(&provider, first));
        }
        for (cluster, reachable) in stages.keep_keys(&self.library) {
            let address = if reachable {
                self.library.address()
            } else {
                NOWHERE.into()
            };
            bootstrap = bootstrap.cluster(&Cluster::http1(&cluster, address));
        }
        let tls = stage::optional_mutual_tls(&self.authority, &self.server);
        for listener in stages.listeners(&self.modules, &tls) {
            bootstrap = bootstrap.listener(listener);
        }
        let mut bootstrap = bootstrap.into_json();
        if let Some(id) = bootstrap.pointer_mut("/node/id") {
            *id = first.node_id().into();
        }
        bootstrap
    }

    fn provider_cluster(&self, provider: &Provider, first: &Scenario) -> Cluster {
        let reachable = !first.unreachable.contains(&provider.name);
        let address = |service: &Authorizer| {
            if reachable {
                service.address()
            } else {
                NOWHERE.into()
            }
        };
        match provider.protocol {
            Protocol::Http => Cluster::http1(&provider.cluster, address(&self.http_provider)),
            Protocol::Grpc => Cluster::http2(&provider.cluster, address(&self.grpc_provider)),
        }
    }

    fn send_all(
        &mut self,
        envoy: &RunningEnvoy,
        scenarios: &[Scenario],
        members: &[usize],
        stages: &stage::Stages,
        answers: &mut Answers,
    ) {
        for &member in members {
            let Some(scenario) = scenarios.get(member) else {
                continue;
            };
            let listener = stages.name_of(member);
            let client = scenario.client;
            let answer = client.run(scenario, |scenario| self.send(envoy, &listener, scenario));
            let answer = answer.map_err(|error| Obstacle::Broken(error.to_string()));
            set(answers, member, answer);
        }
    }

    fn send(
        &mut self,
        envoy: &RunningEnvoy,
        listener: &str,
        scenario: &Scenario,
    ) -> Result<Observation, LabError> {
        let before = failed_connections(envoy, scenario)?;
        let target = send::target(envoy.listener(listener)?, scenario, &self.tls(scenario)?);
        let request = send::request(scenario);
        for _ in 1..requests(scenario) {
            self.client.send(&target, &request)?;
            drop(self.upstream.take_received());
        }
        let response = self.client.send(&target, &request)?;
        let mut found = send::observation(response, self.upstream.take_received());
        found.asked = self.asked(scenario);
        for (provider, after) in failed_connections(envoy, scenario)? {
            if after > before.get(&provider).copied().unwrap_or_default() {
                found.asked.push(provider);
            }
        }
        Ok(found)
    }

    fn tls(&mut self, scenario: &Scenario) -> Result<send::Secured, LabError> {
        let Some(uri) = &scenario.traffic.tls.client else {
            return Ok(send::Secured::anonymous(&self.authority));
        };
        if !self.clients.contains_key(uri) {
            self.clients.insert(uri.clone(), self.authority.issue(uri)?);
        }
        Ok(send::Secured::new(&self.authority, self.clients.get(uri)))
    }

    /// Providers that got a check since the last call.
    fn asked(&self, scenario: &Scenario) -> Vec<String> {
        let checks = [
            (Protocol::Http, self.http_provider.take_received().len()),
            (Protocol::Grpc, self.grpc_provider.take_received().len()),
        ];
        let providers = provider::providers(&scenario.plugin.mesh);
        let name = |protocol| {
            providers
                .iter()
                .find(|provider| provider.protocol == protocol)
        };
        let asked = checks
            .iter()
            .flat_map(|(protocol, count)| vec![name(*protocol); *count]);
        asked
            .flatten()
            .map(|provider| provider.name.clone())
            .collect()
    }
}

/// Requests until the one that is observed.
fn requests(scenario: &Scenario) -> usize {
    let rules = scenario.authentication.as_ref();
    rules.map_or(1, |rules| rules.tier.requests())
}

/// Connections to providers that answer nobody, by provider: the only trace
/// that such a check leaves.
fn failed_connections(
    envoy: &RunningEnvoy,
    scenario: &Scenario,
) -> Result<BTreeMap<String, u64>, LabError> {
    if scenario.unreachable.is_empty() {
        return Ok(BTreeMap::new());
    }
    let stats = envoy.stats()?;
    let providers = provider::providers(&scenario.plugin.mesh).into_iter();
    let count = |provider: Provider| {
        let stat = format!("cluster.{}.upstream_cx_connect_fail", provider.cluster);
        (provider.name, stats.get(&stat).copied().unwrap_or_default())
    };
    Ok(providers
        .map(count)
        .filter(|(name, _)| scenario.unreachable.contains(name))
        .collect())
}

fn set(answers: &mut Answers, index: usize, answer: Result<Observation, Obstacle>) {
    if let Some(slot) = answers.get_mut(index) {
        *slot = Some(answer);
    }
}

impl Driver for RealEnvoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn run(&mut self, scenarios: &[Scenario]) -> Vec<Result<Observation, Obstacle>> {
        let mut answers: Answers = vec![None; scenarios.len()];
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            match stage::obstacle(scenario, &self.modules) {
                Some(reason) => set(&mut answers, index, Err(Obstacle::CannotStage(reason))),
                None => groups
                    .entry(stage::process_key(scenario))
                    .or_default()
                    .push(index),
            }
        }
        for members in groups.values() {
            for part in stage::parts(scenarios, members, LISTENERS_PER_PROCESS) {
                self.run_group(scenarios, &part, &mut answers);
            }
        }
        let missing = || Err(Obstacle::Broken("not run".to_owned()));
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(missing))
            .collect()
    }
}
