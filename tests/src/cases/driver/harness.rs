//! The built module in sluice's own host.

mod authentication;
mod plugins;

use std::fs;

use serde_json::Value;
use sluice_host::{
    Attributes, Callouts, Chain, ConnectionManager, Engine, EngineOptions, Exchange, GrpcCall,
    GrpcEvent, HttpAnswer, HttpCall, Message, MetricKind, Module, Outcome, OutcomeKind, Timed,
    Value as Attribute, World,
};

use crate::cases::authentication::{Authentication, Tier};
use crate::cases::front::{self, Fronted};
use crate::cases::provider::{self, Provider};
use crate::cases::scenario::{
    Driver, FOR_ROUTER, Header, Observation, Obstacle, Protocol, Scenario, Tls,
};

/// UNAVAILABLE.
const GRPC_UNAVAILABLE: u32 = 14;

/// In a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// Runs each scenario in a virtual machine of its own.
pub struct Harness {
    engine: Engine,
    module: Module,
    others: Others,
}

/// The other filters, or why they are not there.
struct Others {
    jwt: Result<Module, String>,
    fault: Result<Module, String>,
    routing: Result<Module, String>,
}

impl Harness {
    /// Compiles the module once.
    ///
    /// # Errors
    /// It has not been built, or it is none.
    pub fn new() -> Result<Self, String> {
        let engine = Engine::new(EngineOptions::default()).map_err(|error| error.to_string())?;
        Ok(Self {
            module: compile(&engine, "authz")?,
            others: Others {
                jwt: compile(&engine, "jwt"),
                fault: compile(&engine, "fault"),
                routing: compile(&engine, "routing"),
            },
            engine,
        })
    }

    /// Starts a worker with the scenario's configuration.
    ///
    /// # Errors
    /// The host could not start it.
    pub fn chain(&self, scenario: &Scenario) -> Result<Chain, String> {
        let world = World {
            proxy: node(scenario),
            callouts: Box::new(Providers::new(scenario)),
            connection_manager: ConnectionManager::NONE,
            ..world_of(scenario)
        };
        let plugins = plugins::of(scenario, &self.module, &self.others)?;
        Chain::new(&self.engine, plugins, world).map_err(|error| error.to_string())
    }

    fn observe(&self, scenario: &Scenario) -> Result<Observation, Obstacle> {
        if let Some(reason) = self.obstacle(scenario) {
            return Err(Obstacle::CannotStage(reason));
        }
        let mut chain = self.chain(scenario).map_err(Obstacle::Broken)?;
        scenario
            .client
            .run(scenario, |scenario| send(scenario, &mut chain))
    }

    fn obstacle(&self, scenario: &Scenario) -> Option<String> {
        let Others {
            jwt,
            fault,
            routing,
        } = &self.others;
        let wanted = [
            (scenario.authentication.is_some(), jwt),
            (scenario.faults.is_some(), fault),
            (scenario.routing.is_some(), routing),
        ];
        let missing = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted);
        let mut missing = missing.filter_map(|(_, module)| module.as_ref().err());
        let dealt = scenario.dealt.map(|_| plugins::OWN_DICE.to_owned());
        missing.next().cloned().or(dealt)
    }
}

/// One request, of which the tier of keys may want another one before.
fn send(scenario: &Scenario, chain: &mut Chain) -> Result<Observation, Obstacle> {
    let fronted = match front::enter(scenario) {
        Ok(fronted) => fronted,
        Err(answer) => return Ok(*answer),
    };
    let exchange = exchange(scenario, &fronted);
    for _ in 1..authentication::requests(scenario) {
        chain.run(&exchange);
    }
    let outcome = chain.run(&exchange);
    if let Some(trap) = outcome.traps.first() {
        return Err(Obstacle::Broken(format!(
            "{}: {}",
            trap.callback, trap.reason
        )));
    }
    if outcome.plugin.is_none() && outcome.kind != OutcomeKind::Forwarded {
        let logs = chain.logs().iter().map(|line| line.message.as_str());
        let logs: Vec<&str> = logs.collect();
        return Err(Obstacle::Broken(format!(
            "{:?}: {}",
            outcome.kind,
            logs.join("; ")
        )));
    }
    Ok(observation(scenario, &outcome))
}

fn compile(engine: &Engine, name: &str) -> Result<Module, String> {
    let path = sluice_envoy::binary::find_module(name).map_err(|error| error.to_string())?;
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Module::compile(engine, name, &bytes).map_err(|error| error.to_string())
}

/// A world at the time of the case, with as much cryptography as its tier wants.
fn world_of(scenario: &Scenario) -> World {
    let world = World::default();
    match &scenario.authentication {
        Some(rules) => World {
            now_ns: rules.now_s.saturating_mul(NANOSECONDS),
            foreign_functions: rules.tier != Tier::InVm,
            ..world
        },
        None => world,
    }
}

impl Driver for Harness {
    fn name(&self) -> &'static str {
        "harness"
    }

    fn run(&mut self, scenarios: &[Scenario]) -> Vec<Result<Observation, Obstacle>> {
        scenarios
            .iter()
            .map(|scenario| self.observe(scenario))
            .collect()
    }
}

/// Node id and metadata as Istio's injector writes them.
fn node(scenario: &Scenario) -> Attributes {
    let workload = &scenario.workload;
    let labels = workload.labels.iter();
    let labels = labels
        .map(|(key, value)| (key.clone(), Attribute::from(value.as_str())))
        .collect();
    let metadata = Attribute::Map(vec![
        ("NAMESPACE".to_owned(), workload.namespace.as_str().into()),
        ("LABELS".to_owned(), Attribute::Map(labels)),
    ]);
    Attributes::new()
        .with("xds.node.id", scenario.node_id())
        .with("xds.node.metadata", metadata)
}

fn exchange(scenario: &Scenario, fronted: &Fronted) -> Exchange {
    let traffic = &scenario.traffic;
    let pseudo: [(&[u8], &[u8]); 4] = [
        (b":authority", traffic.authority.as_bytes()),
        (b":path", fronted.path.as_bytes()),
        (b":method", traffic.method.as_bytes()),
        (b":scheme", if traffic.tls.on { b"https" } else { b"http" }),
    ];
    let lines = fronted
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_slice()));
    Exchange {
        attributes: attributes(scenario, fronted),
        request: Message::of_headers(pseudo.into_iter().chain(lines)),
        response: Some(response(traffic.protocol)),
        upstream_latency_ns: 0,
    }
}

fn attributes(scenario: &Scenario, fronted: &Fronted) -> Attributes {
    let destination = scenario.traffic.destination;
    let metadata = fronted
        .metadata
        .iter()
        .map(|(name, value)| (name.clone(), attribute(value)));
    let mut attributes = Attributes::new()
        .with("source.address", fronted.remote.to_string())
        .with("source.port", i64::from(fronted.remote.port()))
        .with("destination.address", destination.to_string())
        .with("destination.port", i64::from(destination.port()))
        .with(
            "metadata.filter_metadata",
            Attribute::Map(metadata.collect()),
        )
        .with("filter_state.io.istio.peer_principal", Attribute::Absent);
    secure(&mut attributes, &scenario.traffic.tls);
    attributes
}

fn secure(attributes: &mut Attributes, tls: &Tls) {
    let present =
        |text: &Option<String>| text.as_deref().map_or(Attribute::Absent, Attribute::from);
    attributes.set("connection.mtls", tls.client.is_some());
    attributes.set("connection.uri_san_peer_certificate", present(&tls.client));
    attributes.set("connection.dns_san_peer_certificate", Attribute::Absent);
    attributes.set("connection.subject_peer_certificate", Attribute::Absent);
    attributes.set("connection.requested_server_name", present(&tls.sni));
}

/// JSON as Envoy holds it in metadata, where every number is a double.
fn attribute(value: &Value) -> Attribute {
    match value {
        Value::Null => Attribute::Absent,
        Value::Bool(flag) => Attribute::Bool(*flag),
        Value::Number(number) => Attribute::Double(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Attribute::List(items.iter().map(attribute).collect()),
        Value::Object(members) => Attribute::Map(
            members
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)))
                .collect(),
        ),
    }
}

fn response(protocol: Protocol) -> Message {
    if protocol != Protocol::Grpc {
        return Message::of_headers([(":status", "200")]);
    }
    let mut response =
        Message::of_headers([(":status", "200"), ("content-type", "application/grpc")]);
    response.trailers = Some([("grpc-status", "0")].into_iter().collect());
    response
}

fn observation(scenario: &Scenario, outcome: &Outcome) -> Observation {
    let response = outcome.response.clone().unwrap_or_default();
    let trailers = response.trailers.clone().unwrap_or_default();
    let grpc_status = response
        .headers
        .get("grpc-status")
        .or_else(|| trailers.get("grpc-status"));
    let providers = provider::providers(&scenario.plugin.mesh);
    let asked = outcome
        .callouts
        .iter()
        .filter(|call| !authentication::is_of_keys(scenario, &call.cluster))
        .map(|call| name_of(&providers, &call.cluster))
        .collect();
    let counters = outcome
        .metrics
        .iter()
        .filter(|delta| delta.kind == MetricKind::Counter);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let forwarded = outcome.kind == OutcomeKind::Forwarded;
    let upstream = match forwarded {
        true => lines(&outcome.request.headers),
        false => Vec::new(),
    };
    Observation {
        forwarded,
        status: outcome.status.unwrap_or_default(),
        grpc_status: grpc_status.and_then(|status| text(status).parse().ok()),
        details: outcome.details.as_deref().map(text),
        body: response.body_bytes(),
        response: lines(&response.headers),
        for_router: Some(for_router(&upstream)),
        upstream,
        before: Vec::new(),
        asked,
        metrics: Some(
            counters
                .map(|delta| {
                    (
                        delta.name.to_string(),
                        u64::try_from(delta.change).unwrap_or(0),
                    )
                })
                .collect(),
        ),
    }
}

fn lines(headers: &sluice_host::Headers) -> Vec<Header> {
    let line = |(name, value): (&[u8], &[u8])| {
        (String::from_utf8_lossy(name).into_owned(), value.to_vec())
    };
    headers.iter().map(line).collect()
}

/// There is no router here that would take them away.
fn for_router(upstream: &[Header]) -> Vec<Header> {
    let lines = upstream.iter();
    lines
        .filter(|(name, _)| name.starts_with(FOR_ROUTER))
        .cloned()
        .collect()
}

fn name_of(providers: &[Provider], cluster: &str) -> String {
    let provider = providers
        .iter()
        .find(|provider| provider.cluster == cluster);
    provider.map_or_else(|| cluster.to_owned(), |provider| provider.name.clone())
}

/// The sample providers, without a network.
struct Providers {
    known: Vec<Provider>,
    unreachable: Vec<String>,
    keys: Option<Authentication>,
}

impl Providers {
    fn new(scenario: &Scenario) -> Self {
        Self {
            known: provider::providers(&scenario.plugin.mesh),
            unreachable: scenario.unreachable.clone(),
            keys: scenario.authentication.clone(),
        }
    }

    fn answers(&self, cluster: &str, protocol: provider::Protocol) -> bool {
        self.known.iter().any(|provider| {
            provider.cluster == cluster
                && provider.protocol == protocol
                && !self.unreachable.contains(&provider.name)
        })
    }
}

impl Callouts for Providers {
    fn has_cluster(&self, cluster: &str) -> bool {
        let mut providers = self.known.iter().map(|provider| provider.cluster.as_str());
        let keys = self.keys.iter().flat_map(Authentication::addresses);
        let mut keys = keys.map(|(address, _)| address.cluster);
        providers.any(|known| known == cluster) || keys.any(|known| known == cluster)
    }

    fn http(&mut self, call: &HttpCall) -> Timed<HttpAnswer> {
        let keys = self.keys.as_ref();
        let what = if let Some(answer) = keys.and_then(|keys| authentication::answer(keys, call)) {
            answer
        } else if self.answers(&call.cluster, provider::Protocol::Http) {
            HttpAnswer::Response(answer(&call.message))
        } else {
            HttpAnswer::Reset
        };
        Timed {
            after_ns: 1_000_000,
            what,
        }
    }

    fn grpc(&mut self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        let reachable = self.answers(&call.cluster, provider::Protocol::Grpc);
        let close = |code, text: String| vec![GrpcEvent::Close(code, text)];
        let events = match reachable.then(|| provider::grpc_check(&call.message)) {
            Some(Ok(reply)) => vec![
                GrpcEvent::Message(reply),
                GrpcEvent::Close(0, String::new()),
            ],
            Some(Err(error)) => close(3, error),
            None => close(GRPC_UNAVAILABLE, "no upstream".to_owned()),
        };
        events
            .into_iter()
            .map(|what| Timed {
                after_ns: 1_000_000,
                what,
            })
            .collect()
    }
}

fn answer(check: &Message) -> Message {
    let lines: Vec<_> = check.headers.iter().collect();
    let answer = provider::http_check(&lines);
    let status = answer.status.to_string().into_bytes();
    let lines = [(":status", status)].into_iter().chain(answer.headers);
    let mut message = Message::of_headers(lines);
    message.body = vec![answer.body.as_bytes().to_vec()];
    message
}
