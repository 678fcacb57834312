//! One request against one configuration, free of any driver.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use sluice_policy::{ProxyKind, Workload};

use super::authentication::Authentication;
use super::jwt_authn::JwtAuthn;
use super::verdict::Verdict;

/// A header line, name in lower case.
pub type Header = (String, Vec<u8>);

/// What a driver stages: a proxy with its configuration, and one request.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Shown with failures.
    pub name: String,
    /// What the filter is configured with.
    pub plugin: Plugin,
    /// Whose proxy it is.
    pub workload: Workload,
    /// How the proxy treats a request before any filter sees it.
    pub front: Front,
    /// Envoy's own JWT filter, which runs before ours.
    pub jwt: Option<JwtAuthn>,
    /// Our own JWT filter, in place of Envoy's.
    pub authentication: Option<Authentication>,
    /// The fault filter, behind those that decide who may pass.
    pub faults: Option<Plugin>,
    /// The routing filter, which comes last: it rewrites paths.
    pub routing: Option<Plugin>,
    /// The number that stands for chance in the routing filter.
    pub dealt: Option<u64>,
    /// What the client does.
    pub client: Client,
    /// The request and the connection it comes on.
    pub traffic: Traffic,
    /// Extension providers that do not answer at all; the others behave as
    /// Istio's sample provider.
    pub unreachable: Vec<String>,
}

/// The parts of a pluginConfig.
#[derive(Debug, Clone, Default)]
pub struct Plugin {
    /// `resources`, verbatim.
    pub resources: Vec<Value>,
    /// `mesh`.
    pub mesh: Map<String, Value>,
    /// Options of the filter itself.
    pub options: Map<String, Value>,
}

impl Plugin {
    /// The JSON text that Istio would hand to the filter.
    pub fn config(&self) -> Value {
        let mut config = self.options.clone();
        config.insert("resources".to_owned(), json!(self.resources));
        if !self.mesh.is_empty() {
            config.insert("mesh".to_owned(), Value::Object(self.mesh.clone()));
        }
        Value::Object(config)
    }
}

/// What a client does with its request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Client {
    /// Sends it.
    #[default]
    Sends,
    /// Sends it so many times.
    Repeats(usize),
    /// Sends it, and another one to where a redirect points.
    Follows,
}

/// What the HTTP connection manager does first.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// `meshConfig.pathNormalization.normalization`; none means Istio's default.
    pub path_normalization: Option<String>,
    /// `numTrustedProxies` of a gateway; none for a sidecar, which takes the
    /// client address from `x-forwarded-for` alone.
    pub trusted_proxies: Option<usize>,
}

/// Protocol of the downstream request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
}

/// A request and its connection.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// How it is sent.
    pub protocol: Protocol,
    /// `:method`.
    pub method: String,
    /// `:path` as the client sends it.
    pub path: String,
    /// `:authority` or `Host`.
    pub authority: String,
    /// Other header lines, in order.
    pub headers: Vec<Header>,
    /// Physical peer.
    pub source: SocketAddr,
    /// Local address.
    pub destination: SocketAddr,
    /// The connection's security.
    pub tls: Tls,
    /// Filter metadata by namespace, as if earlier filters had written it.
    pub metadata: Map<String, Value>,
}

/// How the connection is secured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whether TLS is used at all.
    pub on: bool,
    /// First URI SAN of the client certificate, `spiffe://…`.
    pub client: Option<String>,
    /// Server name of the handshake.
    pub sni: Option<String>,
}

/// What became of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Whether the upstream got it.
    pub forwarded: bool,
    /// Status that the client saw.
    pub status: u16,
    /// `grpc-status` that the client saw, for a gRPC request.
    pub grpc_status: Option<u32>,
    /// Response-code details, when the proxy itself answered.
    pub details: Option<String>,
    /// Body that the client saw.
    pub body: Vec<u8>,
    /// Response header lines that the client saw.
    pub response: Vec<Header>,
    /// Request header lines that the upstream saw.
    pub upstream: Vec<Header>,
    /// Extension providers that were asked, in order.
    pub asked: Vec<String>,
    /// Request header lines for Envoy's router; none when it has taken them away.
    pub for_router: Option<Vec<Header>>,
    /// What became of the requests before this one.
    pub before: Vec<Self>,
    /// Counters that moved, by name; none when the driver cannot tell.
    pub metrics: Option<std::collections::BTreeMap<String, u64>>,
}

/// Why a scenario has no observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// This driver cannot stage it; the reason is counted.
    CannotStage(String),
    /// It should have worked.
    Broken(String),
}

/// Something that runs scenarios.
pub trait Driver {
    /// `engine`, `harness` or `envoy`.
    fn name(&self) -> &'static str;

    /// Runs them all; the answers come in the order of the scenarios.
    fn run(&mut self, scenarios: &[Scenario]) -> Vec<Result<Observation, Obstacle>>;
}

impl Traffic {
    /// A plain `GET` of `path`.
    pub fn get(path: &str) -> Self {
        Self {
            protocol: Protocol::Http1,
            method: "GET".to_owned(),
            path: path.to_owned(),
            authority: "case".to_owned(),
            headers: Vec::new(),
            source: ([10, 0, 0, 7], 40_412).into(),
            destination: ([10, 0, 0, 9], 8080).into(),
            tls: Tls::default(),
            metadata: Map::new(),
        }
    }

    /// Values of the header lines called `name`.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_slice())
    }
}

impl std::fmt::Display for Observation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.forwarded {
            "forwarded"
        } else {
            "refused"
        })?;
        write!(f, ", status {}", self.status)?;
        if let Some(grpc_status) = self.grpc_status {
            write!(f, ", grpc-status {grpc_status}")?;
        }
        if let Some(details) = &self.details {
            write!(f, ", details {details}")?;
        }
        if !self.asked.is_empty() {
            write!(f, ", asked {}", self.asked.join(", "))?;
        }
        Ok(())
    }
}

impl Client {
    /// Does it, `send` sending one request of a scenario: what became of the last
    /// one, with those before.
    ///
    /// # Errors
    /// The first one of `send`.
    pub fn run<E>(
        self,
        scenario: &Scenario,
        mut send: impl FnMut(&Scenario) -> Result<Observation, E>,
    ) -> Result<Observation, E> {
        let mut last = send(scenario)?;
        let mut before = Vec::new();
        match self {
            Self::Sends => {}
            Self::Repeats(times) => {
                for _ in 1..times {
                    before.push(std::mem::replace(&mut last, send(scenario)?));
                }
            }
            Self::Follows => {
                if let Some(next) = scenario.redirected(&last) {
                    before.push(std::mem::replace(&mut last, send(&next)?));
                }
            }
        }
        Ok(Observation { before, ..last })
    }
}

impl Observation {
    /// The lines of a header, in order.
    pub fn values<'a>(lines: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = lines.iter().filter(move |(line, _)| line == name);
        lines.map(|(_, value)| value.as_slice())
    }

    /// The lines of a response header, joined.
    pub fn response_value(&self, name: &str) -> Option<String> {
        joined(&self.response, name)
    }

    /// The lines of a header as the upstream got them, joined.
    pub fn upstream_value(&self, name: &str) -> Option<String> {
        joined(&self.upstream, name)
    }
}

fn joined(lines: &[Header], name: &str) -> Option<String> {
    let values: Vec<&[u8]> = Observation::values(lines, name).collect();
    let joined = values.join(&b","[..]);
    (!values.is_empty()).then(|| String::from_utf8_lossy(&joined).into_owned())
}

/// What the headers for Envoy's router begin with.
pub const FOR_ROUTER: &str = "x-envoy-";

impl Scenario {
    /// One request to a proxy that has nothing but an authorization filter without
    /// policies.
    pub fn new(name: &str, workload: Workload, traffic: Traffic) -> Self {
        Self {
            name: name.to_owned(),
            plugin: Plugin::default(),
            workload,
            front: Front::default(),
            jwt: None,
            authentication: None,
            faults: None,
            routing: None,
            dealt: None,
            client: Client::default(),
            traffic,
            unreachable: Vec::new(),
        }
    }

    /// Whether the authorization filter runs: where other filters are tested, one
    /// without policies is left out.
    pub fn authorizes(&self) -> bool {
        let has_others =
            self.authentication.is_some() || self.faults.is_some() || self.routing.is_some();
        !has_others || !self.plugin.resources.is_empty()
    }

    /// The request that follows a redirect, if the answer is one.
    fn redirected(&self, answer: &Observation) -> Option<Self> {
        let location = answer.response_value("location")?;
        let (_, target) = location.split_once("://")?;
        let (authority, _) = target.split_once('/')?;
        let mut next = self.clone();
        next.traffic.authority = authority.to_owned();
        next.traffic.path = target.strip_prefix(authority)?.to_owned();
        Some(next)
    }

    /// Node id of the proxy. Istio's begin with the kind of proxy.
    pub fn node_id(&self) -> String {
        let kind = match self.workload.kind {
            ProxyKind::Sidecar => "sidecar",
            ProxyKind::Gateway => "router",
            ProxyKind::Waypoint => "waypoint",
        };
        let namespace = &self.workload.namespace;
        format!(
            "{kind}~{}~workload.{namespace}~{namespace}.svc.cluster.local",
            self.traffic.destination.ip()
        )
    }
}

impl From<Obstacle> for Verdict {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::CannotStage(reason) => Self::Skipped(reason),
            Obstacle::Broken(error) => Self::failed(error, "an answer"),
        }
    }
}
