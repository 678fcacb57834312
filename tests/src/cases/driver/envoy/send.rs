//! One request to a real Envoy, and what came of it.

use std::net::SocketAddr;

use sluice_envoy::client::{ClientTls, HeaderLines, Protocol as Spoken, Request, Response, Target};
use sluice_envoy::identity::{Authority, Identity};
use sluice_envoy::service::Received;

use super::stage::DETAILS_HEADER;
use crate::cases::scenario::{Header, Observation, Protocol, Scenario};

/// An empty gRPC message: not compressed, no bytes.
const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// TLS as some client, to be used if the scenario wants TLS.
pub struct Secured(ClientTls);

impl Secured {
    /// Without certificate.
    pub fn anonymous(authority: &Authority) -> Self {
        Self(ClientTls::anonymous(authority))
    }

    /// As `identity`, if there is one.
    pub fn new(authority: &Authority, identity: Option<&Identity>) -> Self {
        Self(identity.map_or_else(
            || ClientTls::anonymous(authority),
            |identity| ClientTls::mutual(authority, identity),
        ))
    }
}

/// Where and how to connect.
pub fn target(address: SocketAddr, scenario: &Scenario, secured: &Secured) -> Target {
    let traffic = &scenario.traffic;
    let spoken = match traffic.protocol {
        // Byte for byte, because cases hold paths that no client library sends.
        Protocol::Http1 => Spoken::Wire,
        Protocol::Http2 | Protocol::Grpc => Spoken::Http2,
    };
    let target = Target::new(address, spoken).proxied(traffic.source, traffic.destination);
    if !traffic.tls.on {
        return target;
    }
    let Secured(tls) = secured;
    match &traffic.tls.sni {
        Some(name) => target.tls(tls.clone().server_name_indication(name)),
        None => target.tls(tls.clone()),
    }
}

/// The request as a client sends it.
pub fn request(scenario: &Scenario) -> Request {
    let traffic = &scenario.traffic;
    let mut request = Request::new(&traffic.method, &traffic.authority, &traffic.path);
    for (name, value) in &traffic.headers {
        request = request.header(name, value);
    }
    if traffic.tls.on {
        request.scheme = "https".to_owned();
    }
    if traffic.protocol == Protocol::Grpc {
        request = request.body(EMPTY_MESSAGE);
    }
    request
}

/// What the client and the upstream saw.
pub fn observation(response: Response, received: Vec<Received>) -> Observation {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let grpc_status = response
        .grpc_status()
        .and_then(|status| text(status).parse().ok());
    let details = response.header(DETAILS_HEADER).map(text);
    let upstream = received.into_iter().next();
    Observation {
        forwarded: upstream.is_some(),
        status: response.status,
        grpc_status,
        details,
        response: lines(&response.headers),
        body: response.body,
        upstream: upstream.map(upstream_lines).unwrap_or_default(),
        for_router: None,
        before: Vec::new(),
        asked: Vec::new(),
        metrics: None,
    }
}

fn upstream_lines(received: Received) -> Vec<Header> {
    let mut headers = vec![
        (":path".to_owned(), received.path.into_bytes()),
        (":authority".to_owned(), received.authority.into_bytes()),
    ];
    headers.extend(lines(&received.headers));
    headers
}

fn lines(headers: &HeaderLines) -> Vec<Header> {
    let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
        (
            String::from_utf8_lossy(name).to_ascii_lowercase(),
            value.clone(),
        )
    };
    headers.iter().map(line).collect()
}
