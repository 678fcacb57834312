//! The extension providers of the cases: Istio's sample `ext-authz`, over HTTP
//! and gRPC, which allows what carries `x-ext-authz: allow`.

use serde_json::{Map, Value, json};
use sluice_envoy::service::ext_authz::{self, Rule};

/// Host of both sample providers.
const SERVICE: &str = "ext-authz.istio-system.svc.cluster.local";

const DECIDING_HEADER: &[u8] = b"x-ext-authz";
const OVERRIDE_HEADER: &[u8] = b"x-ext-authz-additional-header-override";
const DENIED_BODY: &str =
    "denied by ext_authz for not found header `x-ext-authz: allow` in the request";

/// `mesh.extensionProviders`, as Istio's integration tests configure them.
pub fn sample_providers() -> Value {
    json!([
        {
            "name": "ext-authz-http",
            "envoyExtAuthzHttp": {
                "service": SERVICE,
                "port": 8000,
                "headersToUpstreamOnAllow": ["x-ext-authz-*"],
                "headersToDownstreamOnDeny": ["x-ext-authz-*"],
                "includeRequestHeadersInCheck": ["x-ext-authz"],
                "includeAdditionalHeadersInCheck": {
                    "x-ext-authz-additional-header-new": "additional-header-new-value",
                    "x-ext-authz-additional-header-override": "additional-header-override-value",
                },
            },
        },
        {
            "name": "ext-authz-grpc",
            "envoyExtAuthzGrpc": {"service": SERVICE, "port": 9000},
        },
    ])
}

/// How a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A copy of the request's head.
    Http,
    /// `envoy.service.auth.v3`.
    Grpc,
}

/// One extension provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name in the mesh.
    pub name: String,
    /// Envoy cluster, as Istio names outbound ones.
    pub cluster: String,
    /// How it is asked.
    pub protocol: Protocol,
}

/// The providers of a mesh that can be asked at all.
pub fn providers(mesh: &Map<String, Value>) -> Vec<Provider> {
    let list = mesh.get("extensionProviders").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(provider).collect()
}

fn provider(entry: &Value) -> Option<Provider> {
    let kinds = [
        ("envoyExtAuthzHttp", Protocol::Http),
        ("envoyExtAuthzGrpc", Protocol::Grpc),
    ];
    let (settings, protocol) = kinds
        .iter()
        .find_map(|(key, protocol)| Some((entry.get(key)?, *protocol)))?;
    let service = settings["service"].as_str()?;
    // `namespace/host` is allowed.
    let host = service.rsplit('/').next().unwrap_or(service);
    Some(Provider {
        name: entry["name"].as_str()?.to_owned(),
        cluster: format!("outbound|{}||{host}", settings["port"]),
        protocol,
    })
}

/// An answer of the sample over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Body.
    pub body: &'static str,
}

/// What the sample answers to a check over HTTP with these header lines.
pub fn http_check(headers: &[(&[u8], &[u8])]) -> HttpAnswer {
    let value = |name: &[u8]| {
        headers
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
    };
    let allowed = value(DECIDING_HEADER) == Some(b"allow");
    let result: &[u8] = if allowed { b"allowed" } else { b"denied" };
    HttpAnswer {
        status: if allowed { 200 } else { 403 },
        headers: vec![
            ("x-ext-authz-check-result", result.to_vec()),
            ("x-ext-authz-check-received", b"the check".to_vec()),
            (
                "x-ext-authz-additional-header-override",
                value(OVERRIDE_HEADER).unwrap_or_default().to_vec(),
            ),
        ],
        body: if allowed { "" } else { DENIED_BODY },
    }
}

/// What the sample answers to a serialised `CheckRequest`.
///
/// # Errors
/// It is none.
pub fn grpc_check(message: &[u8]) -> Result<Vec<u8>, String> {
    ext_authz::check(Rule::Header, message).map_err(|error| error.to_string())
}
