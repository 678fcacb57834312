//! Rows on a real Envoy: one listener and one plugin for each, in one process.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use sluice_envoy::{
    Envoy, EnvoyBinary, LabError, RunningEnvoy,
    bootstrap::{
        Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
        http_filter::FailurePolicy,
        transport_socket::{ClientCertificate, downstream_tls},
    },
    client::{Client, ClientTls, Response, Target},
    identity::{Authority, Identity},
    service::{Received, Upstream},
};

use super::{
    Driver,
    row::{Failure, Row},
    traffic::{
        APP, CALLOUT_CLUSTER, CLIENT_IDENTITY, DEAD_CLUSTER, DESTINATION, GRPC_CLUSTER, NAMESPACE,
        Observed, SERVER_IDENTITY, SERVER_NAME, SERVICE_CLUSTER, SOURCE, SeenRequest, SeenResponse,
    },
};

/// Longest wait for what follows a response: log, done, delete, ticks.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);
/// A guest that trapped says nothing more.
const SILENCE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(5);

/// A real Envoy with every row configured.
pub struct EnvoyDriver {
    version: String,
    authority: Authority,
    client_identity: Identity,
    service: Upstream,
    _callee: Upstream,
    envoy: RunningEnvoy,
    client: Client,
    tags: HashMap<&'static str, String>,
}

impl EnvoyDriver {
    /// Starts Envoy with one listener for each row.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(binary: &EnvoyBinary, module: &Path, rows: &[Row]) -> Result<Self, LabError> {
        let authority = Authority::new()?;
        let server = authority.issue(SERVER_IDENTITY)?;
        let service = Upstream::payments()?;
        let callee = Upstream::payments()?;
        let mut bootstrap = Bootstrap::new(Node::new(NAMESPACE, [("app", APP)]));
        for cluster in clusters(service.address(), callee.address()) {
            bootstrap = bootstrap.cluster(&cluster);
        }
        let mut tags = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            let tag = format!("@row{index}");
            bootstrap = bootstrap.listener(listener(row, &tag, module, &authority, &server));
            tags.insert(row.name, tag);
        }
        let envoy = Envoy::new(binary.clone())
            .component_log_level("wasm:info")
            .start(bootstrap.into_json())?;
        Ok(Self {
            version: binary.version().to_owned(),
            client_identity: authority.issue(CLIENT_IDENTITY)?,
            authority,
            service,
            _callee: callee,
            envoy,
            client: Client::new()?,
            tags,
        })
    }

    fn observe(&self, row: &Row) -> Result<Observed, LabError> {
        let tag = self.tags.get(row.name).map_or("", String::as_str);
        drop(self.service.take_received());
        let target = self.target(row, tag)?;
        let mut observed = Observed::default();
        for _ in &row.wanted.statuses {
            let response = self.client.send(&target, &row.request)?;
            observed.responses.push(seen_response(response));
        }
        observed.lines = self.settled_lines(row, tag);
        observed.upstream = self
            .service
            .take_received()
            .into_iter()
            .map(seen_request)
            .collect();
        Ok(observed)
    }

    fn target(&self, row: &Row, tag: &str) -> Result<Target, LabError> {
        let address = |text: &str| -> Result<SocketAddr, LabError> {
            text.parse()
                .map_err(|error| LabError::new("read an address", error))
        };
        let tls = ClientTls::mutual(&self.authority, &self.client_identity)
            .server_name_indication(SERVER_NAME);
        let target = Target::new(self.envoy.listener(tag)?, row.protocol).tls(tls);
        Ok(target.proxied(address(SOURCE)?, address(DESTINATION)?))
    }

    /// Lines with `tag`, once every stream of the row has been deleted and
    /// every tick it expects has come.
    fn settled_lines(&self, row: &Row, tag: &str) -> Vec<String> {
        let until = Instant::now() + if row.traps() { SILENCE } else { SETTLES_WITHIN };
        loop {
            let lines = tagged_lines(&self.envoy.log(), tag);
            if Instant::now() > until || (!row.traps() && has_settled(row, &lines)) {
                return lines;
            }
            thread::sleep(POLL);
        }
    }
}

impl Driver for EnvoyDriver {
    fn name(&self) -> String {
        format!("envoy {}", self.version)
    }

    fn run(&mut self, row: &Row) -> Result<Observed, String> {
        self.observe(row).map_err(|error| error.to_string())
    }
}

fn has_settled(row: &Row, lines: &[String]) -> bool {
    let count = |beginning: &str| {
        lines
            .iter()
            .filter(|line| line.starts_with(beginning))
            .count()
    };
    let late = ["tick", "queue_ready"];
    let all_came = late.iter().all(|callback| {
        let wanted = row
            .steps
            .iter()
            .filter(|step| step.callback == *callback)
            .count();
        count(&format!("{callback} ")) >= wanted
    });
    all_came && count("call delete stream") >= row.wanted.statuses.len()
}

/// `[…] wasm log NAME ROOT VM: TAG LINE`.
fn tagged_lines(log: &str, tag: &str) -> Vec<String> {
    let marker = format!(": {tag} ");
    let text = |line: &str| line.split_once(&marker).map(|(_, text)| text.to_owned());
    log.lines().filter_map(text).collect()
}

fn clusters(service: SocketAddr, callee: SocketAddr) -> [Cluster; 4] {
    // Port 1 of the loopback interface refuses.
    let dead = SocketAddr::from(([127, 0, 0, 1], 1));
    [
        Cluster::as_downstream(SERVICE_CLUSTER, service),
        Cluster::http1(CALLOUT_CLUSTER, callee),
        Cluster::http2(GRPC_CLUSTER, callee),
        Cluster::http1(DEAD_CLUSTER, dead),
    ]
}

fn listener(
    row: &Row,
    tag: &str,
    module: &Path,
    authority: &Authority,
    server: &Identity,
) -> Listener {
    let manager = HttpConnectionManager::to_cluster(SERVICE_CLUSTER)
        .filter(plugin(row, tag, module).to_json());
    let tls = downstream_tls(authority, server, ClientCertificate::Required);
    Listener::new(tag)
        .proxy_protocol()
        .tls_inspector()
        .chain(FilterChain::new(&manager).tls(tls))
}

fn plugin(row: &Row, tag: &str, module: &Path) -> WasmFilter {
    let policy = match row.failure {
        Failure::Closed => FailurePolicy::FailClosed,
        Failure::Open => FailurePolicy::FailOpen,
    };
    let filter = WasmFilter::new("probe", module, &row.script(tag))
        .root_id(tag)
        .vm_id(if row.own_vm { tag } else { "shared" })
        .environment("MESH", "east")
        .failure_policy(policy);
    if row.stop_iteration {
        filter.allow_on_headers_stop_iteration()
    } else {
        filter
    }
}

fn seen_request(received: Received) -> SeenRequest {
    SeenRequest {
        path: received.path,
        headers: received.headers,
        body: received.body,
        trailers: received.trailers,
    }
}

fn seen_response(response: Response) -> SeenResponse {
    SeenResponse {
        status: response.status,
        headers: response.headers,
        body: response.body,
        trailers: response.trailers,
    }
}
