//! Rows in the harness.

use std::{fs, path::Path};

use sluice_envoy::client::{HeaderLines, Protocol};
use sluice_host::{
    Attributes, Callouts, Chain, Engine, EngineOptions, Exchange, FailStrategy, GrpcCall,
    GrpcEvent, Headers, HttpAnswer, HttpCall, Message, Module, Outcome, OutcomeKind, PluginConfig,
    Timed, Value, World,
};

use super::{
    Driver,
    row::{Failure, Row},
    traffic::{
        APP, CALLOUT_CLUSTER, CLIENT_IDENTITY, DEAD_CLUSTER, DESTINATION, EXPORT_PATH,
        GRPC_CLUSTER, HEALTH_PATH, NAMESPACE, Observed, SERVER_IDENTITY, SERVER_NAME,
        SERVICE_CLUSTER, SOURCE, SeenRequest, SeenResponse,
    },
};

const TAG: &str = "@row";
/// Long enough for every tick and queue event of a row.
const AFTERMATH_NS: u64 = 1_000_000_000;
/// `grpc.health.v1.HealthCheckResponse` that says `SERVING`.
const SERVING: &[u8] = &[8, 1];
const UNIMPLEMENTED: u32 = 12;

/// Runs each row in a chain of its own.
pub struct HarnessDriver {
    engine: Engine,
    module: Module,
}

impl HarnessDriver {
    /// Compiles the guest.
    ///
    /// # Errors
    /// When it cannot be read or compiled.
    pub fn new(module: &Path) -> Result<Self, String> {
        let wasm = fs::read(module).map_err(|error| error.to_string())?;
        let engine = Engine::new(EngineOptions::default()).map_err(|error| error.to_string())?;
        let module = Module::compile(&engine, "probe", &wasm).map_err(|error| error.to_string())?;
        Ok(Self { engine, module })
    }

    fn chain(&self, row: &Row) -> Result<Chain, String> {
        let plugin = PluginConfig {
            root_id: TAG.to_owned(),
            vm_id: if row.own_vm { TAG } else { "shared" }.to_owned(),
            environment: vec![("MESH".to_owned(), "east".to_owned())],
            fail_strategy: match row.failure {
                Failure::Closed => FailStrategy::FailClosed,
                Failure::Open => FailStrategy::FailOpen,
            },
            allow_on_headers_stop_iteration: row.stop_iteration,
            ..PluginConfig::new("probe", row.script(TAG))
        };
        let world = World {
            proxy: proxy(),
            callouts: Box::new(Services),
            ..World::default()
        };
        Chain::new(&self.engine, vec![(self.module.clone(), plugin)], world)
            .map_err(|error| error.to_string())
    }
}

impl Driver for HarnessDriver {
    fn name(&self) -> String {
        "harness".to_owned()
    }

    fn run(&mut self, row: &Row) -> Result<Observed, String> {
        let mut chain = self.chain(row)?;
        let exchange = exchange(row);
        let mut observed = Observed::default();
        let mut streams = Vec::new();
        for _ in &row.wanted.statuses {
            let outcome = chain.run(&exchange);
            streams.extend(outcome.logs.iter().map(|line| line.message.clone()));
            note(outcome, &mut observed);
        }
        chain.advance_to(chain.now_ns() + AFTERMATH_NS);
        let root: Vec<_> = chain
            .take_logs()
            .into_iter()
            .map(|line| line.message)
            .collect();
        observed.lines = root.iter().chain(&streams).filter_map(untagged).collect();
        Ok(observed)
    }
}

fn untagged(line: impl AsRef<str>) -> Option<String> {
    let text = line.as_ref().strip_prefix(TAG)?.strip_prefix(' ')?;
    Some(text.to_owned())
}

fn note(outcome: Outcome, observed: &mut Observed) {
    if outcome.kind == OutcomeKind::Forwarded {
        observed.upstream.push(seen_request(&outcome.request));
    }
    observed.responses.push(seen_response(outcome));
}

fn seen_request(request: &Message) -> SeenRequest {
    let path = request.headers.get(":path").unwrap_or_default();
    SeenRequest {
        path: String::from_utf8_lossy(path).into_owned(),
        headers: regular(&request.headers),
        body: request.body_bytes(),
        trailers: request.trailers.as_ref().map(regular).unwrap_or_default(),
    }
}

fn seen_response(outcome: Outcome) -> SeenResponse {
    let response = outcome.response.unwrap_or_default();
    SeenResponse {
        status: outcome.status.unwrap_or_default(),
        headers: regular(&response.headers),
        body: response.body_bytes(),
        trailers: response.trailers.as_ref().map(regular).unwrap_or_default(),
    }
}

/// Lines that are no pseudo-headers.
fn regular(headers: &Headers) -> HeaderLines {
    let lines = headers.iter().filter(|(name, _)| !name.starts_with(b":"));
    lines
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

fn proxy() -> Attributes {
    let labels = Value::Map(vec![("app".to_owned(), APP.into())]);
    let metadata = vec![
        ("NAMESPACE".to_owned(), NAMESPACE.into()),
        ("LABELS".to_owned(), labels),
    ];
    let node = vec![
        ("id".to_owned(), "sidecar~127.0.0.1".into()),
        ("metadata".to_owned(), Value::Map(metadata)),
    ];
    Attributes::new()
        .with("xds.node", Value::Map(node))
        .with("xds.cluster_name", SERVICE_CLUSTER)
        .with("xds.route_name", "default")
        .with("xds.listener_direction", Value::Int(1))
}

fn exchange(row: &Row) -> Exchange {
    Exchange {
        attributes: connection(row.protocol),
        request: request(row),
        response: Some(response(row)),
        upstream_latency_ns: 0,
    }
}

fn connection(protocol: Protocol) -> Attributes {
    let version = if protocol == Protocol::Http2 {
        "HTTP/2"
    } else {
        "HTTP/1.1"
    };
    Attributes::new()
        .with("source.address", SOURCE)
        .with("destination.address", DESTINATION)
        .with("destination.port", Value::Int(8080))
        .with("connection.mtls", true)
        .with("connection.tls_version", "TLSv1.3")
        .with("connection.requested_server_name", SERVER_NAME)
        .with("connection.uri_san_peer_certificate", CLIENT_IDENTITY)
        .with("connection.uri_san_local_certificate", SERVER_IDENTITY)
        .with("request.protocol", version)
        .with("metadata.filter_metadata", Value::Map(Vec::new()))
}

fn request(row: &Row) -> Message {
    let sent = &row.request;
    let authority = sent.authority.clone().unwrap_or_default().into_bytes();
    let mut headers: HeaderLines = vec![
        (b":authority".to_vec(), authority),
        (b":path".to_vec(), sent.path.clone()),
        (b":method".to_vec(), sent.method.clone().into_bytes()),
        (b":scheme".to_vec(), b"https".to_vec()),
    ];
    headers.extend(sent.headers.iter().cloned());
    let mut message = Message::of_headers(headers);
    if !sent.body.is_empty() {
        message
            .headers
            .push("content-length", sent.body.len().to_string());
        message.body.push(sent.body.clone());
    }
    if !sent.trailers.is_empty() {
        message.trailers = Some(sent.trailers.iter().cloned().collect());
    }
    message
}

/// What the payment service answers, in the pieces in which Envoy hears it.
fn response(row: &Row) -> Message {
    let path = row
        .request
        .path
        .split(|byte| matches!(byte, b'?' | b'#'))
        .next();
    match path.map(String::from_utf8_lossy).as_deref() {
        Some(HEALTH_PATH) => whole("200", "text/plain", b"ok\n", row.protocol),
        Some(EXPORT_PATH) => export(),
        _ => whole("400", "application/json", b"{}", row.protocol),
    }
}

fn whole(status: &str, content_type: &str, body: &[u8], protocol: Protocol) -> Message {
    let length = body.len().to_string();
    let mut message = Message::of_headers([
        (":status", status),
        ("content-type", content_type),
        ("content-length", &length),
    ]);
    message.body.push(body.to_vec());
    // Envoy's HTTP/1.1 codec tells of the end after the last byte.
    if protocol != Protocol::Http2 {
        message.body.push(Vec::new());
    }
    message
}

fn export() -> Message {
    let mut message = Message::of_headers([
        (":status", "200"),
        ("content-type", "text/csv"),
        ("set-cookie", "export=1; Path=/"),
        ("set-cookie", "region=eu; Path=/"),
    ]);
    message.body.push(b"id,amount_cents\n".to_vec());
    message.trailers = Some([("x-export-lines", "3")].into_iter().collect());
    message
}

/// The clusters that the Envoy of [`super::envoy`] has.
struct Services;

impl Callouts for Services {
    fn has_cluster(&self, cluster: &str) -> bool {
        [SERVICE_CLUSTER, CALLOUT_CLUSTER, GRPC_CLUSTER, DEAD_CLUSTER].contains(&cluster)
    }

    fn http(&mut self, call: &HttpCall) -> Timed<HttpAnswer> {
        // Envoy answers by itself where it cannot connect.
        let answer = if call.cluster == DEAD_CLUSTER {
            whole(
                "503",
                "text/plain",
                b"upstream connect error",
                Protocol::Http2,
            )
        } else {
            whole("200", "text/plain", b"ok\n", Protocol::Http2)
        };
        soon(HttpAnswer::Response(answer))
    }

    fn grpc(&mut self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        if call.method != "Check" {
            let message = "no%20such%20method{via_upstream}".to_owned();
            return vec![soon(GrpcEvent::Close(UNIMPLEMENTED, message))];
        }
        vec![
            soon(GrpcEvent::InitialMetadata(Headers::new())),
            soon(GrpcEvent::Message(SERVING.to_vec())),
            soon(GrpcEvent::TrailingMetadata(Headers::new())),
            soon(GrpcEvent::Close(0, String::new())),
        ]
    }
}

fn soon<T>(what: T) -> Timed<T> {
    Timed {
        after_ns: 1_000_000,
        what,
    }
}
