//! What an Envoy does to a request before the filter sees it, for the drivers
//! that have no Envoy.

use std::net::{IpAddr, SocketAddr};

use super::jwt_authn::Refusal;
use super::scenario::{Header, Observation, Protocol, Scenario};
use serde_json::{Map, Value};

/// A request on its way into the filter.
#[derive(Debug)]
pub struct Fronted {
    /// `:path` after normalisation.
    pub path: String,
    /// Header lines without the pseudo ones, tokens stripped.
    pub headers: Vec<Header>,
    /// Effective client address.
    pub remote: SocketAddr,
    /// Dynamic metadata by filter namespace.
    pub metadata: Map<String, Value>,
}

/// Passes the request through the front of the proxy.
///
/// # Errors
/// The answer that the client gets if the request ends here.
pub fn enter(scenario: &Scenario) -> Result<Fronted, Box<Observation>> {
    let traffic = &scenario.traffic;
    let mode = scenario
        .front
        .path_normalization
        .as_deref()
        .unwrap_or("BASE");
    let path = super::path_normalization::normalize(mode, &traffic.path).map_err(|status| {
        Box::new(Observation {
            status,
            ..Observation::default()
        })
    })?;
    let mut fronted = Fronted {
        path,
        headers: headers(scenario),
        remote: effective_address(scenario),
        metadata: traffic.metadata.clone(),
    };
    if let Some(jwt) = &scenario.jwt {
        let payload = jwt.authenticate(&mut fronted.headers, &mut fronted.path);
        let payload = payload.map_err(|refusal| refused(traffic.protocol, &refusal))?;
        fronted.metadata.extend(payload);
    }
    Ok(fronted)
}

/// What the client sends, and the scheme that it came with.
fn headers(scenario: &Scenario) -> Vec<Header> {
    const PROTO: &str = "x-forwarded-proto";
    let traffic = &scenario.traffic;
    let mut headers = traffic.headers.clone();
    if traffic.header(PROTO).next().is_none() {
        let scheme = if traffic.tls.on { "https" } else { "http" };
        headers.push((PROTO.to_owned(), scheme.as_bytes().to_vec()));
    }
    headers
}

fn refused(protocol: Protocol, refusal: &Refusal) -> Box<Observation> {
    let grpc = protocol == Protocol::Grpc;
    // 16 is UNAUTHENTICATED, 7 PERMISSION_DENIED.
    let grpc_status = grpc.then_some(if refusal.status == 403 { 7 } else { 16 });
    Box::new(Observation {
        status: if grpc { 200 } else { refusal.status },
        grpc_status,
        details: Some(format!(
            "jwt_authn_access_denied{{{}}}",
            refusal.text.replace(' ', "_")
        )),
        body: if grpc {
            Vec::new()
        } else {
            refusal.text.as_bytes().to_vec()
        },
        ..Observation::default()
    })
}

/// Envoy's choice of the client address.
///
/// A sidecar of Istio does not use the remote address at all when there is an
/// `x-forwarded-for`: its last entry counts. A gateway with N trusted proxies
/// takes the Nth entry from the right; with none it takes the peer.
fn effective_address(scenario: &Scenario) -> SocketAddr {
    let peer = scenario.traffic.source;
    let steps = match scenario.front.trusted_proxies {
        None => 0,
        Some(0) => return peer,
        Some(hops) => hops - 1,
    };
    let forwarded: Vec<u8> = scenario
        .traffic
        .header("x-forwarded-for")
        .collect::<Vec<_>>()
        .join(&b',');
    let forwarded = String::from_utf8_lossy(&forwarded);
    let entry = forwarded.rsplit(',').nth(steps).map(str::trim);
    // An address from a header has no port: Envoy says 0.
    entry
        .and_then(|ip| ip.parse::<IpAddr>().ok())
        .map_or(peer, |ip| SocketAddr::new(ip, 0))
}
