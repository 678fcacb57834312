//! Lines of policies, a request and its verdict.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Map, Value, json};
use sluice_policy::{ProxyKind, Workload};

use super::jwt_authn::JwtAuthn;
use super::scenario::{Front, Header, Observation, Plugin, Protocol, Scenario, Tls, Traffic};
use super::verdict::Verdict;

/// Why a line of a TCP connection is not run.
pub const TCP: &str = "a TCP connection: an HTTP filter never sees it";

/// Kinds that the authorization filter takes.
const FILTER_KINDS: [&str; 2] = ["AuthorizationPolicy", "PeerAuthentication"];

/// Source port of every request; the lines name none.
const SOURCE_PORT: u16 = 40_000;

/// The workload of a line that names no address.
const ANY_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 10, 0, 2));

/// The client of a line that names no address.
const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 10, 0, 1));

/// Reads one line.
///
/// # Errors
/// Skipped with a reason, or failed if the line is not a case.
pub fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    let scenario = without_tokens(case)?;
    let jwt = jwt(case, &scenario.workload, root_namespace(case))?;
    Ok(Scenario { jwt, ..scenario })
}

/// Reads one line, its RequestAuthentications left aside.
///
/// # Errors
/// As [`scenario`].
pub fn without_tokens(case: &Value) -> Result<Scenario, Verdict> {
    let request = &case["request"];
    if request["protocol"] == "tcp" {
        return Err(Verdict::skipped(TCP));
    }
    let workload = workload(case)?;
    Ok(Scenario {
        plugin: plugin(case, root_namespace(case)),
        front: Front {
            path_normalization: case["path_normalization"].as_str().map(str::to_owned),
            trusted_proxies: trusted_proxies(case, &workload),
        },
        ..Scenario::new(&text(&case["name"]), workload, traffic(request)?)
    })
}

fn root_namespace(case: &Value) -> &str {
    case["root_namespace"].as_str().unwrap_or("istio-system")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn malformed(what: &str, found: &Value) -> Verdict {
    Verdict::failed(found.to_string(), format!("a case with {what}"))
}

fn resources(case: &Value) -> impl Iterator<Item = &Value> {
    let lists = [&case["policies"], &case["other_resources"]];
    lists.into_iter().filter_map(Value::as_array).flatten()
}

fn plugin(case: &Value, root_namespace: &str) -> Plugin {
    let taken = |resource: &&Value| FILTER_KINDS.iter().any(|kind| resource["kind"] == *kind);
    let mut mesh = Map::new();
    mesh.insert("rootNamespace".to_owned(), json!(root_namespace));
    mesh.insert("trustDomain".to_owned(), case["trust_domain"].clone());
    if !case["trust_domain_aliases"].is_null() {
        mesh.insert(
            "trustDomainAliases".to_owned(),
            case["trust_domain_aliases"].clone(),
        );
    }
    if !case["path_normalization"].is_null() {
        let normalization = json!({"normalization": case["path_normalization"]});
        mesh.insert("pathNormalization".to_owned(), normalization);
    }
    mesh.insert(
        "extensionProviders".to_owned(),
        super::provider::sample_providers(),
    );
    Plugin {
        resources: resources(case).filter(taken).cloned().collect(),
        mesh,
        options: options(case),
    }
}

/// Istio's tests of several providers on one workload run with
/// `PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS`.
fn options(case: &Value) -> Map<String, Value> {
    let providers =
        resources(case).filter_map(|policy| policy["spec"]["provider"]["name"].as_str());
    let several = providers.collect::<BTreeSet<_>>().len() > 1;
    let option = several.then(|| ("multipleCustomProviders".to_owned(), json!(true)));
    option.into_iter().collect()
}

fn workload(case: &Value) -> Result<Workload, Verdict> {
    let destination = &case["request"]["destination"];
    let labels = destination["labels"].as_object().into_iter().flatten();
    let mut workload = Workload {
        namespace: text(&destination["namespace"]),
        labels: labels
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        ..Workload::default()
    };
    if workload.namespace.is_empty() {
        return Err(malformed("`request.destination.namespace`", destination));
    }
    if is_gateway(case, &workload) {
        workload.kind = ProxyKind::Gateway;
    }
    Ok(workload)
}

/// A workload that a Gateway resource selects is a gateway.
fn is_gateway(case: &Value, workload: &Workload) -> bool {
    let gateways = resources(case).filter(|resource| resource["kind"] == "Gateway");
    let mut selectors = gateways.filter_map(|gateway| gateway["spec"]["selector"].as_object());
    selectors.any(|selector| {
        let has = |(key, value): (&String, &Value)| {
            workload.labels.get(key).map(String::as_str) == value.as_str()
        };
        !selector.is_empty() && selector.iter().all(has)
    })
}

fn trusted_proxies(case: &Value, workload: &Workload) -> Option<usize> {
    let configured = case["gateway_topology"]["numTrustedProxies"].as_u64();
    let configured = configured.and_then(|hops| usize::try_from(hops).ok());
    configured.or_else(|| (workload.kind == ProxyKind::Gateway).then_some(0))
}

fn jwt(
    case: &Value,
    workload: &Workload,
    root_namespace: &str,
) -> Result<Option<JwtAuthn>, Verdict> {
    let rules: Vec<&Value> = resources(case)
        .filter(|resource| resource["kind"] == "RequestAuthentication")
        .collect();
    let now = case["now"].as_i64().unwrap_or_default();
    JwtAuthn::new(&rules, &case["jwks"], workload, root_namespace, now).map_err(Verdict::skipped)
}

fn traffic(request: &Value) -> Result<Traffic, Verdict> {
    let protocol = match request["protocol"].as_str() {
        Some("http1" | "http") => Protocol::Http1,
        Some("http2") => Protocol::Http2,
        Some("grpc") => Protocol::Grpc,
        _ => {
            return Err(malformed(
                "a known `request.protocol`",
                &request["protocol"],
            ));
        }
    };
    Ok(Traffic {
        protocol,
        method: text(&request["method"]),
        path: text(&request["path"]),
        authority: text(&request["authority"]),
        headers: headers(&request["headers"])?,
        source: SocketAddr::new(
            ip(&request["source"]["ip"])?.unwrap_or(ANYBODY),
            SOURCE_PORT,
        ),
        destination: destination(&request["destination"])?,
        tls: tls(request),
        metadata: Map::new(),
    })
}

/// A header is a string, or a list of strings when it is repeated.
///
/// # Errors
/// It is neither.
pub fn headers(headers: &Value) -> Result<Vec<Header>, Verdict> {
    let mut lines = Vec::new();
    for (name, value) in headers.as_object().into_iter().flatten() {
        let values = match value {
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            other => return Err(malformed("header values that are strings", other)),
        };
        let name = name.to_ascii_lowercase();
        lines.extend(
            values
                .into_iter()
                .map(|value| (name.clone(), value.as_bytes().to_vec())),
        );
    }
    Ok(lines)
}

fn ip(value: &Value) -> Result<Option<IpAddr>, Verdict> {
    let Some(text) = value.as_str() else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| malformed("an IP address", value))
}

fn destination(destination: &Value) -> Result<SocketAddr, Verdict> {
    let port = destination["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or_else(|| malformed("`request.destination.port`", destination))?;
    let ip = ip(&destination["ip"])?;
    Ok(SocketAddr::new(ip.unwrap_or(ANY_SERVER), port))
}

fn tls(request: &Value) -> Tls {
    let connection = &request["connection"];
    let on = connection["mtls"] == json!(true);
    let principal = request["source"]["principal"].as_str().filter(|_| on);
    Tls {
        on,
        client: principal.map(|principal| format!("spiffe://{principal}")),
        sni: connection["sni"].as_str().map(str::to_owned),
    }
}

/// Compares what a driver saw with what the line pins.
pub fn judge(case: &Value, found: &Observation) -> Verdict {
    let expect = &case["expect"];
    let called = called(case, found);
    let body = expect["body_contains"].as_str().unwrap_or_default();
    let right = expect["allow"]
        .as_bool()
        .is_none_or(|allow| allow == found.forwarded)
        && expect["status"]
            .as_u64()
            .is_none_or(|status| status == u64::from(found.status))
        && expect["grpc_status"]
            .as_u64()
            .is_none_or(|s| found.grpc_status.map(u64::from) == Some(s))
        && String::from_utf8_lossy(&found.body).contains(body)
        && called;
    if right {
        return Verdict::Passed;
    }
    let asked = match &case["ext_authz"] {
        Value::Null => String::new(),
        ext_authz => format!(", ext_authz {ext_authz}"),
    };
    Verdict::failed(found.to_string(), format!("{expect}{asked}"))
}

fn called(case: &Value, found: &Observation) -> bool {
    let Some(called) = case["ext_authz"]["called"].as_bool() else {
        return true;
    };
    match case["ext_authz"]["provider"].as_str() {
        Some(provider) => found.asked.iter().any(|asked| asked == provider) == called,
        None => found.asked.is_empty() != called,
    }
}
