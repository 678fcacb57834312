//! The project's own cases: `tests/cases/**/*.yaml`, described in
//! `tests/cases/README.md`.

mod judge;
mod mint;
mod run;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_policy::Workload;

pub use judge::judge;
pub use run::{judge_documents, run};

use super::authentication::{Authentication, Served, Tier};
use super::jwt_authn::{JwtAuthn, Rule};
use super::scenario::{Client, Front, Header, Plugin, Protocol, Scenario, Tls, Traffic};
use super::yaml;

/// Namespace and workload of a case that names none.
const NAMESPACE: &str = "production";
const AUTHORITY: &str = "payment-service";
/// Seconds since 1970 at which tokens are judged: 2025-10-09.
const NOW: i64 = 1_760_000_000;
/// Stands for the token in the path or a header of a request.
const TOKEN: &str = "{token}";
const SOURCE: &str = "10.0.0.7:40412";
const DESTINATION: &str = "10.0.0.9:8080";

/// One document: a configuration and requests against it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// The behaviour, as a claim.
    pub name: String,
    /// Why it is so.
    pub why: String,
    /// Short for one AuthorizationPolicy called `case` with this `spec`.
    #[serde(default)]
    policy: Option<Value>,
    /// Short for one VirtualService called `case` of the host of the requests, with
    /// this `http`.
    #[serde(default)]
    routes: Vec<Value>,
    /// Resources, verbatim.
    #[serde(default)]
    resources: Vec<Value>,
    #[serde(default)]
    mesh: Map<String, Value>,
    #[serde(default)]
    options: Map<String, Value>,
    #[serde(default)]
    workload: OwnWorkload,
    /// Providers that do not answer.
    #[serde(default)]
    unreachable: Vec<String>,
    /// Requests, in order.
    pub requests: Vec<Row>,
    /// Driver name to the reason why the case cannot run there. A case that
    /// would pass all the same fails.
    #[serde(default)]
    pub excluded: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct OwnWorkload {
    namespace: String,
    labels: BTreeMap<String, String>,
    kind: OwnKind,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OwnKind {
    #[default]
    Sidecar,
    Gateway,
    Waypoint,
}

impl Default for OwnWorkload {
    fn default() -> Self {
        let labels = BTreeMap::from([("app".to_owned(), "payment-service".to_owned())]);
        Self {
            namespace: NAMESPACE.to_owned(),
            labels,
            kind: OwnKind::Sidecar,
        }
    }
}

/// One request and what becomes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Row {
    #[serde(default = "get")]
    method: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default = "authority")]
    authority: String,
    #[serde(default)]
    protocol: OwnProtocol,
    /// Pairs, so that a name can come twice.
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// SPIFFE identity without its scheme; implies TLS.
    #[serde(default)]
    principal: Option<String>,
    /// First URI SAN, whatever it is; implies TLS.
    #[serde(default)]
    uri_san: Option<String>,
    /// TLS without client certificate.
    #[serde(default)]
    tls: bool,
    #[serde(default)]
    sni: Option<String>,
    #[serde(default = "source")]
    source: SocketAddr,
    #[serde(default = "destination")]
    destination: SocketAddr,
    /// Payload of a valid token.
    #[serde(default)]
    claims: Option<Map<String, Value>>,
    /// Dynamic metadata that an earlier filter wrote.
    #[serde(default)]
    metadata: Map<String, Value>,
    /// What becomes of the request.
    pub expect: Expect,
    /// Header changes that the upstream sees; none if not given.
    #[serde(default)]
    pub upstream: HeaderChanges,
    /// Path that the upstream sees, where it matters.
    #[serde(default)]
    pub upstream_path: Option<String>,
    /// Authority that the upstream sees, where it matters.
    #[serde(default)]
    pub upstream_authority: Option<String>,
    /// Header lines for Envoy's router: null for none.
    #[serde(default)]
    pub for_router: BTreeMap<String, Option<String>>,
    /// Header lines of the response, joined: null for none, `*` for anything.
    #[serde(default)]
    pub response: BTreeMap<String, Option<String>>,
    /// How many times the request is sent.
    #[serde(default = "once")]
    times: usize,
    /// What becomes of so many requests.
    #[serde(default)]
    pub split: Option<Split>,
    /// Providers that are asked.
    #[serde(default)]
    pub asked: Vec<String>,
    /// Counters of the filter and by how much they move.
    #[serde(default)]
    pub metrics: BTreeMap<String, u64>,
}

/// How often the upstream sees which value of a header.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// The header.
    pub by: String,
    /// Percent of the requests for each value.
    pub shares: BTreeMap<String, f64>,
    /// By how many percent each may be off.
    pub within: f64,
}

fn once() -> usize {
    1
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

fn authority() -> String {
    AUTHORITY.to_owned()
}

fn source() -> SocketAddr {
    address(SOURCE)
}

fn destination() -> SocketAddr {
    address(DESTINATION)
}

fn address(text: &str) -> SocketAddr {
    text.parse()
        .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)))
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OwnProtocol {
    #[default]
    Http1,
    Http2,
    Grpc,
}

/// What becomes of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expect {
    /// The upstream answers it.
    Forwarded,
    /// Refused as Istio refuses: 403, or status 7 for gRPC. Names the rule:
    /// `rule[N]` of the case's own policy, a full id, or `none`.
    Refused(String),
    /// Any other reply.
    Reply(Reply),
}

/// A reply of the proxy's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Status of gRPC.
    #[serde(default)]
    pub grpc_status: Option<u32>,
    /// Response-code details.
    #[serde(default)]
    pub details: Option<String>,
    /// Whole body.
    #[serde(default)]
    pub body: Option<String>,
    /// Header lines among those that the client sees.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// How a header list differs from the one that came in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HeaderChanges {
    /// One line in place of any.
    pub set: BTreeMap<String, String>,
    /// A line more, or several.
    pub append: BTreeMap<String, OneOrMore>,
    /// No line any more.
    pub remove: Vec<String>,
}

/// A text, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// A text.
    One(String),
    /// A list.
    More(Vec<String>),
}

impl OneOrMore {
    /// As a list.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// A case and where it begins.
#[derive(Debug)]
pub struct Document {
    /// First line, from 1.
    pub line: usize,
    /// The case, or why the document is none.
    pub case: Result<Case, String>,
}

impl Document {
    /// What the case calls itself.
    pub fn name(&self) -> &str {
        self.case.as_ref().map_or("", |case| &case.name)
    }
}

/// Reads every document of a file.
///
/// # Errors
/// The file cannot be read or is not YAML.
pub fn read(path: &Path) -> Result<Vec<Document>, String> {
    let documents = yaml::read(path)?.into_iter();
    let documents = documents.map(|(line, value)| Document {
        line,
        case: serde_json::from_value(value).map_err(|error| error.to_string()),
    });
    Ok(documents.collect())
}

impl Case {
    /// One scenario for every request.
    ///
    /// # Errors
    /// The case cannot be staged as written.
    pub fn scenarios(&self) -> Result<Vec<Scenario>, String> {
        self.requests
            .iter()
            .enumerate()
            .map(|(index, row)| self.scenario(index, row))
            .collect()
    }

    fn scenario(&self, index: usize, row: &Row) -> Result<Scenario, String> {
        let token = row.claims.as_ref().map(mint::token).transpose()?;
        let authentication = self.authentication()?;
        let rule = token
            .as_ref()
            .filter(|_| authentication.is_none())
            .map(|_| mint::key_set().map(Rule::of_any_issuer))
            .transpose()?;
        let name = format!("{}, request {}", self.name, index + 1);
        Ok(Scenario {
            plugin: self.plugin(),
            front: self.front(),
            jwt: rule.map(|rule| JwtAuthn {
                rules: vec![rule],
                now: NOW,
            }),
            authentication,
            faults: self.faults(),
            routing: self.routing(),
            client: match row.times {
                1 => Client::Sends,
                times => Client::Repeats(times),
            },
            unreachable: self.unreachable.clone(),
            ..Scenario::new(&name, self.workload(), row.traffic(token.as_deref()))
        })
    }

    fn plugin(&self) -> Plugin {
        let short = self.policy.iter().map(|spec| {
            json!({
                "apiVersion": "security.istio.io/v1",
                "kind": "AuthorizationPolicy",
                "metadata": {"name": "case", "namespace": NAMESPACE},
                "spec": spec,
            })
        });
        let others = self
            .resources
            .iter()
            .filter(|resource| !is_of_tokens(resource) && !is_of_traffic(resource));
        Plugin {
            resources: short.chain(others.cloned()).collect(),
            mesh: self.mesh.clone(),
            options: match self.is_routed() {
                true => Map::new(),
                false => self.options.clone(),
            },
        }
    }

    /// What the routing filter takes.
    fn of_traffic(&self) -> Vec<Value> {
        let short = (!self.routes.is_empty()).then(|| {
            json!({
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": {"name": "case", "namespace": NAMESPACE},
                "spec": {"hosts": [AUTHORITY], "http": self.routes},
            })
        });
        let others = self
            .resources
            .iter()
            .filter(|resource| is_of_traffic(resource));
        short.into_iter().chain(others.cloned()).collect()
    }

    /// Whether the case is about the routing filter. Its options are then that
    /// filter's, and the fault filter's.
    fn is_routed(&self) -> bool {
        !self.of_traffic().is_empty()
    }

    fn routing(&self) -> Option<Plugin> {
        self.is_routed()
            .then(|| self.plugin_of(self.of_traffic(), OF_FAULTS))
    }

    /// The fault filter, if a route has faults or there is anything about them.
    fn faults(&self) -> Option<Plugin> {
        let mut services = self.of_traffic();
        services.retain(|resource| resource["kind"] == "VirtualService");
        let lists = services.iter().map(|service| &service["spec"]["http"]);
        let mut routes = lists.filter_map(Value::as_array).flatten();
        let has_any = routes.any(|route| !route["fault"].is_null());
        let has_any = has_any || self.options.contains_key(OF_FAULTS);
        has_any.then(|| self.plugin_of(services, OF_ROUTING))
    }

    /// A configuration of one of the two, without the option of the other one.
    fn plugin_of(&self, resources: Vec<Value>, others: &str) -> Plugin {
        let mut options = self.options.clone();
        options.remove(others);
        Plugin {
            resources,
            mesh: self.mesh.clone(),
            options,
        }
    }

    /// RequestAuthentications are the JWT filter's. Each `jwksUri` serves the keys
    /// that sign the tokens of the case, unless it is one of `unreachable`.
    fn authentication(&self) -> Result<Option<Authentication>, String> {
        let of_tokens = self
            .resources
            .iter()
            .filter(|resource| is_of_tokens(resource));
        let resources: Vec<Value> = of_tokens.cloned().collect();
        if resources.is_empty() {
            return Ok(None);
        }
        let keys = mint::key_set()?.to_string();
        let rules = resources
            .iter()
            .filter_map(|resource| resource["spec"]["jwtRules"].as_array());
        let urls = rules.flatten().filter_map(|rule| rule["jwksUri"].as_str());
        let served = urls.map(|url| {
            let is_up = !self.unreachable.iter().any(|down| down == url);
            let served = if is_up {
                Served::Document(keys.clone())
            } else {
                Served::Unreachable
            };
            (url.to_owned(), served)
        });
        Ok(Some(Authentication {
            served: served.collect(),
            plugin: Plugin {
                resources,
                mesh: self.mesh.clone(),
                options: Map::new(),
            },
            now_s: NOW.unsigned_abs(),
            tier: Tier::Host,
        }))
    }

    fn workload(&self) -> Workload {
        Workload {
            namespace: self.workload.namespace.clone(),
            labels: self.workload.labels.clone().into_iter().collect(),
            kind: match self.workload.kind {
                OwnKind::Sidecar => sluice_policy::ProxyKind::Sidecar,
                OwnKind::Gateway => sluice_policy::ProxyKind::Gateway,
                OwnKind::Waypoint => sluice_policy::ProxyKind::Waypoint,
            },
            ..Workload::default()
        }
    }

    fn front(&self) -> Front {
        let normalization = self
            .mesh
            .get("pathNormalization")
            .and_then(|n| n.get("normalization"));
        Front {
            path_normalization: normalization.and_then(Value::as_str).map(str::to_owned),
            trusted_proxies: None,
        }
    }
}

impl Row {
    /// The token stands wherever the request says `{token}`, else in the usual header.
    fn traffic(&self, token: Option<&str>) -> Traffic {
        let filled = |text: &str| text.replace(TOKEN, token.unwrap_or(TOKEN));
        let is_placed = self.path.contains(TOKEN)
            || self.headers.iter().any(|(_, value)| value.contains(TOKEN));
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| header(name, filled(value)));
        let token = token.filter(|_| !is_placed);
        let token = token.map(|token| header("authorization", format!("Bearer {token}")));
        Traffic {
            protocol: match self.protocol {
                OwnProtocol::Http1 => Protocol::Http1,
                OwnProtocol::Http2 => Protocol::Http2,
                OwnProtocol::Grpc => Protocol::Grpc,
            },
            method: self.method.clone(),
            path: filled(&self.path),
            authority: self.authority.clone(),
            headers: headers.chain(token).collect(),
            source: self.source,
            destination: self.destination,
            tls: self.tls(),
            metadata: self.metadata.clone(),
        }
    }

    fn tls(&self) -> Tls {
        let spiffe = self
            .principal
            .as_ref()
            .map(|principal| format!("spiffe://{principal}"));
        let client = self.uri_san.clone().or(spiffe);
        Tls {
            on: self.tls || client.is_some() || self.sni.is_some(),
            client,
            sni: self.sni.clone(),
        }
    }
}

fn header(name: &str, value: String) -> Header {
    (name.to_ascii_lowercase(), value.into_bytes())
}

/// The option of the fault filter that the routing filter does not know, and the other
/// way round.
const OF_FAULTS: &str = "faults";
const OF_ROUTING: &str = "hintHeaders";

/// Whether the routing filter takes the resource.
fn is_of_traffic(resource: &Value) -> bool {
    const KINDS: [&str; 4] = [
        "VirtualService",
        "DestinationRule",
        "StickySplit",
        "CanaryGuard",
    ];
    KINDS.iter().any(|kind| resource["kind"] == *kind)
}

/// Whether the JWT filter takes the resource.
fn is_of_tokens(resource: &Value) -> bool {
    resource["kind"] == "RequestAuthentication"
}
