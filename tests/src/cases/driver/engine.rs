//! The engine crate, natively.

mod authentication;
mod edits;
mod faults;
mod routing;

use sluice_authz::ext_authz::{self, Started, Step};
use sluice_authz::{Program, ProviderId, Resume, Scratch, Verdict, configure, decide, reply_for};
use sluice_policy::{
    Attribute, AttributeSet, Callout, CalloutEvent, Connection, Fact, HeaderLine, Reply, Request,
};

use faults::Faults;
use routing::Router;

use crate::cases::front::{self, Fronted};
use crate::cases::provider::{self, Provider};
use crate::cases::scenario::{
    Driver, FOR_ROUTER, Header, Observation, Obstacle, Protocol, Scenario,
};

/// Runs scenarios without wasm and without a host.
#[derive(Default)]
pub struct NativeEngine {
    scratch: Scratch,
}

impl Driver for NativeEngine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn run(&mut self, scenarios: &[Scenario]) -> Vec<Result<Observation, Obstacle>> {
        scenarios
            .iter()
            .map(|scenario| self.observe(scenario))
            .collect()
    }
}

impl NativeEngine {
    fn observe(&mut self, scenario: &Scenario) -> Result<Observation, Obstacle> {
        let program = program(scenario).map_err(Obstacle::Broken)?;
        let mut filters = Filters {
            program,
            faults: Faults::of(scenario).map_err(Obstacle::Broken)?,
            router: Router::of(scenario).map_err(Obstacle::Broken)?,
        };
        scenario
            .client
            .run(scenario, |scenario| self.send(scenario, &mut filters))
    }

    fn send(
        &mut self,
        scenario: &Scenario,
        filters: &mut Filters,
    ) -> Result<Observation, Obstacle> {
        let mut fronted = match front::enter(scenario) {
            Ok(fronted) => fronted,
            Err(answer) => return Ok(*answer),
        };
        let mut way = Way::default();
        match self.pass(scenario, filters, &mut fronted, &mut way) {
            Ok(()) => Ok(finish(scenario, fronted, None, way)),
            Err(Stopped::Replied(reply)) => Ok(finish(scenario, fronted, Some(reply), way)),
            Err(Stopped::Broken(error)) => Err(Obstacle::Broken(error)),
        }
    }

    /// Through all filters.
    fn pass(
        &mut self,
        scenario: &Scenario,
        filters: &mut Filters,
        fronted: &mut Fronted,
        way: &mut Way,
    ) -> Result<(), Stopped> {
        if let Some(rules) = &scenario.authentication {
            authentication::pass(scenario, rules, fronted)?;
        }
        if scenario.authorizes() {
            self.authorize(scenario, &filters.program, fronted, way)?;
        }
        if let Some(faults) = &mut filters.faults {
            faults.pass(scenario, fronted)?;
        }
        match &mut filters.router {
            Some(router) => router.pass(scenario, fronted, &mut way.response),
            None => Ok(()),
        }
    }

    fn authorize(
        &mut self,
        scenario: &Scenario,
        program: &Program,
        fronted: &mut Fronted,
        way: &mut Way,
    ) -> Result<(), Stopped> {
        let providers = reachability(scenario);
        let mut resume = Resume::default();
        loop {
            let lines = lines(scenario, fronted);
            let request = demanded(request(scenario, fronted, &lines), program.demand());
            let decision = decide(program, &mut self.scratch, &request, resume);
            let Verdict::Ask(id) = decision.verdict else {
                return reply_for(&decision).map_or(Ok(()), |reply| Err(Stopped::Replied(reply)));
            };
            match ask(program, id, &request, &providers, &mut way.asked) {
                Step::Allow(allowed) => {
                    edits::apply(&mut fronted.headers, &allowed.request);
                    edits::apply(&mut way.response, &allowed.response);
                    resume = decision.resume;
                }
                Step::Deny(reply) => return Err(Stopped::Replied(reply)),
                Step::Wait => return Err(Stopped::Broken("the check never ended".to_owned())),
            }
        }
    }
}

/// Filters that last longer than a request.
struct Filters {
    program: Program,
    faults: Option<Faults>,
    router: Option<Router>,
}

/// What filters have done besides changing the request.
#[derive(Default)]
struct Way {
    /// Lines that the response gets.
    response: Vec<Header>,
    /// Providers that were asked.
    asked: Vec<String>,
}

/// Why the request goes no further.
pub enum Stopped {
    /// A filter answers it.
    Replied(Reply),
    /// It should have been judged.
    Broken(String),
}

/// The program of the scenario's workload.
fn program(scenario: &Scenario) -> Result<Program, String> {
    let config = scenario.plugin.config().to_string();
    let (program, diagnostics) = configure(config.as_bytes(), Some(&scenario.workload));
    if diagnostics.has_errors() {
        return Err(format!("configuration refused: {diagnostics}"));
    }
    Ok(program)
}

fn lines<'a>(scenario: &'a Scenario, fronted: &'a Fronted) -> Vec<HeaderLine<'a>> {
    let traffic = &scenario.traffic;
    let pseudo: [HeaderLine<'a>; 4] = [
        (b":authority", traffic.authority.as_bytes()),
        (b":path", fronted.path.as_bytes()),
        (b":method", traffic.method.as_bytes()),
        (b":scheme", if traffic.tls.on { b"https" } else { b"http" }),
    ];
    let lines = fronted
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_slice()));
    pseudo.into_iter().chain(lines).collect()
}

fn request<'a>(
    scenario: &'a Scenario,
    fronted: &'a Fronted,
    lines: &'a [HeaderLine<'a>],
) -> Request<'a> {
    let traffic = &scenario.traffic;
    Request {
        method: Fact::Present(traffic.method.as_bytes()),
        path: Fact::Present(fronted.path.as_bytes()),
        authority: Fact::Present(traffic.authority.as_bytes()),
        headers: Fact::Present(lines),
        connection: connection(scenario, fronted),
        metadata: Fact::Present(&fronted.metadata),
    }
}

/// Leaves only what the program demands, as the adapter does: a program that
/// demands too little must not get more here than in a proxy.
fn demanded(request: Request<'_>, demand: AttributeSet) -> Request<'_> {
    fn only<T>(fact: Fact<T>, demand: AttributeSet, attribute: Attribute) -> Fact<T> {
        if demand.contains(attribute) {
            fact
        } else {
            Fact::Unavailable
        }
    }
    let connection = request.connection;
    Request {
        method: only(request.method, demand, Attribute::Method),
        path: only(request.path, demand, Attribute::Path),
        authority: only(request.authority, demand, Attribute::Authority),
        headers: only(request.headers, demand, Attribute::Headers),
        metadata: only(request.metadata, demand, Attribute::Metadata),
        connection: Connection {
            remote_address: only(connection.remote_address, demand, Attribute::SourceAddress),
            destination_address: only(
                connection.destination_address,
                demand,
                Attribute::DestinationAddress,
            ),
            mtls: only(connection.mtls, demand, Attribute::Mtls),
            peer_uri_san: only(connection.peer_uri_san, demand, Attribute::PeerUriSan),
            peer_dns_san: only(connection.peer_dns_san, demand, Attribute::PeerDnsSan),
            peer_subject: only(connection.peer_subject, demand, Attribute::PeerSubject),
            peer_principal: only(connection.peer_principal, demand, Attribute::PeerPrincipal),
            requested_server_name: only(
                connection.requested_server_name,
                demand,
                Attribute::RequestedServerName,
            ),
        },
    }
}

fn connection<'a>(scenario: &'a Scenario, fronted: &Fronted) -> Connection<'a> {
    let tls = &scenario.traffic.tls;
    let known = |text: &'a Option<String>| {
        text.as_ref()
            .map_or(Fact::Absent, |text| Fact::Present(text.as_bytes()))
    };
    Connection {
        remote_address: Fact::Present(fronted.remote),
        destination_address: Fact::Present(scenario.traffic.destination),
        mtls: Fact::Present(tls.client.is_some()),
        peer_uri_san: known(&tls.client),
        peer_dns_san: Fact::Absent,
        peer_subject: Fact::Absent,
        peer_principal: Fact::Absent,
        requested_server_name: known(&tls.sni),
    }
}

/// The mesh's providers, and whether each answers.
fn reachability(scenario: &Scenario) -> Vec<(Provider, bool)> {
    let providers = provider::providers(&scenario.plugin.mesh).into_iter();
    providers
        .map(|provider| {
            let reachable = !scenario.unreachable.contains(&provider.name);
            (provider, reachable)
        })
        .collect()
}

/// Asks a provider, if it can be asked, and takes in its answer.
fn ask(
    program: &Program,
    id: ProviderId,
    request: &Request<'_>,
    providers: &[(Provider, bool)],
    asked: &mut Vec<String>,
) -> Step {
    let (callout, mut check) = match ext_authz::start(program, id, request) {
        Started::Ask(callout, check) => (callout, check),
        Started::Over(step) => return step,
    };
    let provider = providers
        .iter()
        .find(|(provider, _)| provider.cluster == cluster(&callout));
    let Some((provider, reachable)) = provider else {
        return check.on(program, &CalloutEvent::Failed, request);
    };
    asked.push(provider.name.clone());
    if !reachable {
        return check.on(program, &CalloutEvent::Failed, request);
    }
    answer(&callout, |event| check.on(program, event, request))
}

fn cluster(callout: &Callout) -> &str {
    match callout {
        Callout::Http { cluster, .. } | Callout::Grpc { cluster, .. } => cluster,
    }
}

/// Hands the sample's answer to `take_in`.
fn answer(callout: &Callout, take_in: impl FnOnce(&CalloutEvent<'_>) -> Step) -> Step {
    match callout {
        Callout::Http { headers, .. } => {
            let lines: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice()))
                .collect();
            let answer = provider::http_check(&lines);
            let status = answer.status.to_string();
            let headers = answer
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_slice()));
            let headers: Vec<HeaderLine<'_>> =
                std::iter::once((&b":status"[..], status.as_bytes()))
                    .chain(headers)
                    .collect();
            take_in(&CalloutEvent::HttpResponse {
                headers: &headers,
                body: answer.body.as_bytes(),
            })
        }
        Callout::Grpc { message, .. } => match provider::grpc_check(message) {
            Ok(reply) => take_in(&CalloutEvent::GrpcMessage(&reply)),
            Err(_) => take_in(&CalloutEvent::Failed),
        },
    }
}

fn finish(scenario: &Scenario, fronted: Fronted, reply: Option<Reply>, way: Way) -> Observation {
    let grpc = scenario.traffic.protocol == Protocol::Grpc;
    let found = match reply {
        Some(reply) => refused(reply, grpc),
        None => {
            let upstream = upstream(scenario, fronted);
            let for_router = upstream
                .iter()
                .filter(|(name, _)| name.starts_with(FOR_ROUTER));
            Observation {
                forwarded: true,
                status: 200,
                grpc_status: grpc.then_some(0),
                for_router: Some(for_router.cloned().collect()),
                upstream,
                response: way.response,
                ..Observation::default()
            }
        }
    };
    Observation {
        asked: way.asked,
        ..found
    }
}

/// Header lines with the path and the authority that the upstream sees.
fn upstream(scenario: &Scenario, fronted: Fronted) -> Vec<Header> {
    let authority = scenario.traffic.authority.as_bytes();
    let pseudo = [
        (":path", fronted.path.into_bytes()),
        (":authority", authority.to_vec()),
    ];
    let mut lines = fronted.headers;
    for (name, value) in pseudo {
        if !lines.iter().any(|(line, _)| line == name) {
            lines.push((name.to_owned(), value));
        }
    }
    lines
}

/// What Envoy makes of a local reply: for gRPC the status of HTTP becomes 200
/// and the body a header.
fn refused(reply: Reply, grpc: bool) -> Observation {
    let status = if grpc { 200 } else { reply.status };
    let line =
        |(name, value): (Vec<u8>, Vec<u8>)| (String::from_utf8_lossy(&name).into_owned(), value);
    let mut response: Vec<Header> = reply.headers.into_iter().map(line).collect();
    let has_type = response.iter().any(|(name, _)| name == "content-type");
    if !reply.body.is_empty() && !has_type {
        response.push(("content-type".to_owned(), b"text/plain".to_vec()));
    }
    Observation {
        status,
        grpc_status: grpc.then(|| {
            reply
                .grpc_status
                .map_or_else(|| grpc_status(reply.status), u32::from)
        }),
        details: Some(String::from_utf8_lossy(&reply.details).into_owned()),
        body: if grpc { Vec::new() } else { reply.body },
        response,
        ..Observation::default()
    }
}

/// Envoy's gRPC status for a local reply that has only an HTTP one
/// (<https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>).
fn grpc_status(http: u16) -> u32 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}
