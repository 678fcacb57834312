//! Our own filters, run as Rust: where a finding stands in the manifest, and
//! why a request was judged as it was, are things that a module cannot say.

mod authz;
mod fault;
mod jwt;
mod keys;
mod routing;

use std::net::SocketAddr;

use serde_json::{Map, Value};
use sluice_host::{Headers, World};
use sluice_policy::{Connection, Diagnostics, Fact, HeaderLine, Request, Workload};
use sluice_recording::{AttributeValue, Exchange, Recorded};

use crate::callouts::Script;
use crate::plugins::WasmFilter;
use crate::plugins::image;

/// The program of a filter that is ours.
pub enum Native {
    /// AuthorizationPolicy.
    Authz(Box<sluice_authz::Program>),
    /// RequestAuthentication.
    Jwt(sluice_jwt::Program),
    /// Faults of VirtualServices.
    Fault(Box<sluice_traffic::fault::Program>),
    /// VirtualService.
    Routing(Box<sluice_traffic::routing::Program>),
}

impl Native {
    /// How many rules are in force.
    pub fn rule_count(&self) -> usize {
        match self {
            Self::Authz(program) => program.rule_count(),
            Self::Jwt(program) => program.rule_count(),
            Self::Fault(program) => program.rule_count(),
            Self::Routing(program) => program.rule_count(),
        }
    }

    /// Whether every request passes untouched, since nothing is in force.
    pub fn is_idle(&self) -> bool {
        match self {
            Self::Authz(program) => authz::is_idle(program),
            Self::Jwt(program) => program.rule_count() == 0,
            Self::Fault(program) => program.is_idle(),
            Self::Routing(program) => program.rule_count() == 0,
        }
    }
}

type Configure = fn(&[u8], &Workload) -> (Native, Diagnostics);

/// Our filters by the names of their images and modules.
const FILTERS: [([&str; 2], Configure); 4] = [
    (["sluice-authz", "authz"], |configuration, workload| {
        let (program, findings) = sluice_authz::configure(configuration, Some(workload));
        (Native::Authz(Box::new(program)), findings)
    }),
    (["sluice-jwt", "jwt"], |configuration, workload| {
        let (program, findings) = sluice_jwt::configure(configuration, Some(workload));
        (Native::Jwt(program), findings)
    }),
    (["sluice-fault", "fault"], |configuration, workload| {
        let now_s = Some(crate::token::time::system_now());
        let (program, findings) =
            sluice_traffic::fault::configure(configuration, Some(workload), now_s);
        (Native::Fault(Box::new(program)), findings)
    }),
    (["sluice-routing", "routing"], |configuration, workload| {
        let (program, findings) = sluice_traffic::routing::configure(configuration, Some(workload));
        (Native::Routing(Box::new(program)), findings)
    }),
];

/// Reads the configuration of a filter that is ours: its program and every
/// finding. `None` for other people's filters.
pub fn read(filter: &WasmFilter, workload: &Workload) -> Option<(Native, Diagnostics)> {
    let name = image::base_name(&filter.url);
    let ours = FILTERS.iter().find(|(names, _)| names.contains(&name));
    ours.map(|(_, configure)| configure(&filter.configuration, workload))
}

/// Which way a filter decides here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The request goes on.
    Passes,
    /// It does not.
    Refuses,
    /// It does not, but might if more were known.
    RefusesForWantOfFacts,
    /// That hangs on what is not known here.
    NotKnown,
}

/// Why a filter judges as it does.
#[derive(Debug, Clone)]
pub struct Reasons {
    /// Which way.
    pub said: Said,
    /// One line each.
    pub lines: Vec<String>,
}

/// A recorded request on its way through our filters.
pub struct Traveller<'e> {
    exchange: &'e Exchange<'e>,
    /// What services say.
    script: &'e Script,
    /// Its header lines as the next filter sees them.
    headers: Headers,
    /// What the JWT filter found out about the client.
    claims: Fact<Map<String, Value>>,
    /// Whether a module answered it, so that no other filter sees it.
    is_over: bool,
}

impl<'e> Traveller<'e> {
    /// The request as the first filter sees it.
    pub fn new(exchange: &'e Exchange<'e>, script: &'e Script, headers: Headers) -> Self {
        Self {
            exchange,
            script,
            headers,
            claims: Fact::Absent,
            is_over: false,
        }
    }

    /// Why a filter judges it as it does; and on to the next filter.
    pub fn why(&mut self, program: &Native) -> Reasons {
        match program {
            _ if self.is_over => Reasons {
                said: Said::NotKnown,
                lines: vec!["It never sees the request".to_owned()],
            },
            Native::Authz(program) => self.judged(|request| authz::why(program, request)),
            Native::Jwt(program) => self.authenticated(program),
            Native::Fault(program) => {
                let now_ms = seconds(self.exchange).saturating_mul(1_000);
                self.judged(|request| fault::why(program, request, now_ms))
            }
            Native::Routing(program) => {
                let (reasons, edits) = self.judged(|request| routing::why(program, request));
                routing::edit(&edits, &mut self.headers);
                reasons
            }
        }
    }

    /// A module answered it: the filters to come never see it.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    fn authenticated(&mut self, program: &sluice_jwt::Program) -> Reasons {
        let (script, now) = (self.script, seconds(self.exchange));
        let answer = self.judged(|request| jwt::judge(program, request, script, now));
        jwt::edit(&answer, &mut self.headers);
        match jwt::claims(&answer) {
            Fact::Absent => {}
            learnt => self.claims = learnt,
        }
        Reasons {
            said: jwt::said(&answer),
            lines: jwt::describe(&answer),
        }
    }

    fn judged<T>(&self, judge: impl FnOnce(&Request<'_>) -> T) -> T {
        let lines: Vec<HeaderLine<'_>> = self.headers.iter().collect();
        let metadata = self.metadata();
        judge(&Request {
            method: known(self.headers.get(":method")),
            path: known(self.headers.get(":path")),
            authority: known(self.headers.get(":authority")),
            headers: Fact::Present(&lines),
            connection: connection(self.exchange),
            metadata: metadata.as_ref(),
        })
    }

    /// The recorded metadata, with the claims where Envoy's JWT filter would put them.
    fn metadata(&self) -> Fact<Map<String, Value>> {
        let recorded = metadata(self.exchange);
        let claims = match &self.claims {
            Fact::Absent => return recorded,
            Fact::Unavailable => return Fact::Unavailable,
            Fact::Present(claims) => claims,
        };
        let mut metadata = recorded.present().unwrap_or_default();
        metadata.insert(JWT_AUTHN.to_owned(), Value::Object(claims.clone()));
        Fact::Present(metadata)
    }
}

/// Envoy's name of its JWT filter.
const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";

/// When the exchange was recorded, in seconds since 1970; if nobody knows, the time
/// at which its replay begins.
fn seconds(exchange: &Exchange<'_>) -> u64 {
    const NANOSECONDS: u64 = 1_000_000_000;
    let recorded = exchange.time.map(|time| u64::try_from(time.as_nanos()));
    let nanos = match recorded {
        Some(Ok(nanos)) => nanos,
        Some(Err(_)) | None => World::default().now_ns,
    };
    nanos / NANOSECONDS
}

fn known<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Absent, Fact::Present)
}

fn connection<'e>(exchange: &'e Exchange<'_>) -> Connection<'e> {
    let bytes = |name: &str| fact(exchange, name, AttributeValue::as_bytes);
    Connection {
        remote_address: fact(exchange, "source.address", address),
        destination_address: fact(exchange, "destination.address", address),
        mtls: fact(exchange, "connection.mtls", AttributeValue::as_bool),
        peer_uri_san: bytes("connection.uri_san_peer_certificate"),
        peer_dns_san: bytes("connection.dns_san_peer_certificate"),
        peer_subject: bytes("connection.subject_peer_certificate"),
        peer_principal: bytes("filter_state.io.istio.peer_principal"),
        requested_server_name: bytes("connection.requested_server_name"),
    }
}

/// A recorded fact; one of a type that does not fit is as good as unknown.
fn fact<'e, T>(
    exchange: &'e Exchange<'_>,
    name: &str,
    read: impl FnOnce(&'e AttributeValue<'e>) -> Option<T>,
) -> Fact<T> {
    match exchange.attributes.get(name) {
        Recorded::Known(value) => read(value).map_or(Fact::Unavailable, Fact::Present),
        Recorded::Absent => Fact::Absent,
        Recorded::Unknown => Fact::Unavailable,
    }
}

fn address(value: &AttributeValue<'_>) -> Option<SocketAddr> {
    let Ok(address) = value.as_text()?.parse() else {
        return None;
    };
    Some(address)
}

fn metadata(exchange: &Exchange<'_>) -> Fact<Map<String, Value>> {
    fact(
        exchange,
        "metadata.filter_metadata",
        |value| match serde_json::to_value(value) {
            Ok(Value::Object(map)) => Some(map),
            Ok(_) | Err(_) => None,
        },
    )
}
