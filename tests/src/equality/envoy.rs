//! The recording through a real Envoy.

use std::{collections::HashMap, net::SocketAddr};

use serde_json::json;
use sluice_envoy::{
    Envoy, EnvoyBinary, LabError, RunningEnvoy,
    bootstrap::{
        Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
        transport_socket::{ClientCertificate, downstream_tls},
    },
    client::{Client, ClientTls, HeaderLines, Protocol, Request, Response, Target},
    identity::{Authority, Identity},
    service::{
        Received, Upstream,
        scripted::{Answer, Scripted},
    },
};
use sluice_recording::{Exchange, Fields};

use super::{Seen, scene::Scene};

const LISTENER: &str = "virtualInbound";
const CLUSTER: &str = "inbound|8080||";
const SERVER: &str = "spiffe://cluster.local/ns/production/sa/payment-service-sa";

/// A real Envoy with the plugins in front of the payment service.
pub struct Proxy {
    authority: Authority,
    identities: HashMap<String, Identity>,
    service: Upstream,
    _callouts: Vec<Scripted>,
    envoy: RunningEnvoy,
    client: Client,
}

impl Proxy {
    /// Starts it, at the time of the first exchange.
    ///
    /// # Errors
    /// When Envoy or a service does not start.
    pub fn start(binary: &EnvoyBinary, scene: &Scene) -> Result<Self, LabError> {
        let authority = Authority::new()?;
        let server = authority.issue(SERVER)?;
        let service = Upstream::payments()?;
        let mut bootstrap = Bootstrap::new(Node::new("production", [("app", "payment-service")]))
            .cluster(&Cluster::as_downstream(CLUSTER, service.address()))
            .listener(listener(&authority, &server, scene));
        let mut callouts = Vec::new();
        for (cluster, body) in scene.served() {
            let service = Scripted::start(Answer::ok(body))?;
            bootstrap = bootstrap.cluster(&Cluster::http1(cluster, service.address()));
            callouts.push(service);
        }
        let envoy = Envoy::new(binary.clone()).clock(scene.start());
        Ok(Self {
            authority,
            identities: HashMap::new(),
            service,
            _callouts: callouts,
            envoy: envoy.start(bootstrap.into_json())?,
            client: Client::new()?,
        })
    }

    /// Sends one exchange as it was recorded.
    ///
    /// # Errors
    /// When it cannot be staged, or no response comes.
    pub fn run(&mut self, recorded: &Exchange<'_>) -> Result<Seen, LabError> {
        let target = self.target(recorded)?;
        drop(self.service.take_received());
        let response = self.client.send(&target, &request(recorded)?)?;
        Ok(seen(response, self.service.take_received().pop()))
    }

    fn target(&mut self, recorded: &Exchange<'_>) -> Result<Target, LabError> {
        let (source, destination) = (
            address(recorded, "source.address")?,
            address(recorded, "destination.address")?,
        );
        let target = Target::new(self.envoy.listener(LISTENER)?, protocol(recorded));
        let target = target.proxied(source, destination);
        let Some(identity) = text(recorded, "connection.uri_san_peer_certificate") else {
            return Ok(target);
        };
        if !self.identities.contains_key(identity) {
            let issued = self.authority.issue(identity)?;
            self.identities.insert(identity.to_owned(), issued);
        }
        let Some(identity) = self.identities.get(identity) else {
            return Ok(target);
        };
        let mut tls = ClientTls::mutual(&self.authority, identity);
        if let Some(name) = text(recorded, "connection.requested_server_name") {
            tls = tls.server_name_indication(name);
        }
        Ok(target.tls(tls))
    }
}

/// Nothing may be added to what the recording has: it was made behind a
/// connection manager that has already added it.
fn listener(authority: &Authority, server: &Identity, scene: &Scene) -> Listener {
    let mut manager = HttpConnectionManager::to_cluster(CLUSTER)
        .field("forward_client_cert_details", json!("ALWAYS_FORWARD_ONLY"));
    for plugin in &scene.plugins {
        let filter = WasmFilter::new(&plugin.name, &plugin.module, &plugin.configuration);
        manager = manager.filter(filter.to_json());
    }
    let tls = downstream_tls(authority, server, ClientCertificate::Required);
    Listener::new(LISTENER)
        .proxy_protocol()
        .tls_inspector()
        .chain(FilterChain::new(&manager).tls(tls))
        .chain(FilterChain::new(&manager).raw())
}

fn protocol(recorded: &Exchange<'_>) -> Protocol {
    match text(recorded, "request.protocol") {
        Some("HTTP/2") => Protocol::Http2,
        _ => Protocol::Wire,
    }
}

fn text<'a>(recorded: &'a Exchange<'_>, name: &str) -> Option<&'a str> {
    recorded.attributes.get(name).known()?.as_text()
}

fn address(recorded: &Exchange<'_>, name: &str) -> Result<SocketAddr, LabError> {
    let text = text(recorded, name).unwrap_or_default();
    text.parse()
        .map_err(|error| LabError::new(format!("read {name} `{text}`"), error))
}

fn request(recorded: &Exchange<'_>) -> Result<Request, LabError> {
    let message = &recorded.request;
    let pseudo = |name: &str| {
        message
            .headers
            .first(name)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| LabError::new("read a recorded request", format!("found no {name}")))
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let body = message
        .body
        .as_ref()
        .known()
        .map(|body| body.bytes.to_vec());
    let body = body.unwrap_or_default();
    let trailers = message
        .trailers
        .as_ref()
        .known()
        .map(lines)
        .unwrap_or_default();
    let framed = !body.is_empty() || !trailers.is_empty();
    Ok(Request {
        method: text(pseudo(":method")?),
        scheme: text(pseudo(":scheme")?),
        authority: Some(text(pseudo(":authority")?)),
        path: pseudo(":path")?,
        headers: lines(&message.headers)
            .into_iter()
            .filter(|(name, _)| is_sent(name, framed))
            .collect(),
        body,
        trailers,
    })
}

/// The client writes pseudo-headers and framing by itself.
fn is_sent(name: &[u8], framed: bool) -> bool {
    let framing: &[&[u8]] = &[b"content-length", b"transfer-encoding"];
    let rewritten = framed && framing.contains(&name);
    !name.starts_with(b":") && !rewritten
}

fn lines(fields: &Fields<'_>) -> HeaderLines {
    fields
        .iter()
        .map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()))
        .collect()
}

fn seen(response: Response, received: Option<Received>) -> Seen {
    let forwarded = received.is_some();
    Seen {
        status: response.status,
        upstream: received.map(|received| received.headers),
        reply: (!forwarded).then_some(response.headers),
        reply_body: (!forwarded).then_some(response.body),
    }
}
