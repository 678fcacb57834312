//! Lines of VirtualServices, perhaps with a RequestAuthentication, a request, and what
//! becomes of it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Map, Value, json};
use sluice_policy::{ProxyKind, Workload};

use super::authentication::{Authentication, Tier};
use super::authz_integration::headers;
use super::scenario::{Client, Observation, Plugin, Protocol, Scenario, Traffic};
use super::verdict::{Checks, Verdict};

/// The namespace of resources that name none, and of their clients.
const NAMESPACE: &str = "default";

/// The client and the server of every line.
const SOURCE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 10, 0, 1)), 40_000);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 2);

/// Upstream header that says which host was chosen.
const CHOSEN: &str = "x-sluice-destination";

/// Reads one line.
///
/// # Errors
/// The line is not a case.
pub fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    let resources = resources(case)?;
    let services = of_kind(&resources, "VirtualService");
    let gateways = gateways(&services);
    let workload = workload(&services, &gateways);
    let mut options = Map::new();
    if !gateways.is_empty() {
        options.insert("gateways".to_owned(), json!(gateways));
    }
    let plugin = Plugin {
        resources: services.clone(),
        mesh: Map::new(),
        options,
    };
    let has_faults = routes(&services).any(|route| !route["fault"].is_null());
    let rules = of_kind(&resources, "RequestAuthentication");
    let name = case["name"].as_str().unwrap_or_default();
    Ok(Scenario {
        authentication: (!rules.is_empty()).then(|| authentication(case, rules)),
        faults: has_faults.then(|| plugin.clone()),
        routing: Some(plugin),
        client: client(case),
        ..Scenario::new(name, workload, traffic(&case["request"])?)
    })
}

/// The resources, each in a namespace: the API server would fill it in.
fn resources(case: &Value) -> Result<Vec<Value>, Verdict> {
    let Some(resources) = case["config"].as_array() else {
        return Err(malformed("a list `config`", &case["config"]));
    };
    let mut resources = resources.clone();
    for resource in &mut resources {
        let Some(metadata) = resource["metadata"].as_object_mut() else {
            return Err(malformed("resources with `metadata`", resource));
        };
        metadata
            .entry("namespace")
            .or_insert_with(|| json!(NAMESPACE));
    }
    Ok(resources)
}

fn malformed(what: &str, found: &Value) -> Verdict {
    Verdict::failed(found.to_string(), format!("a case with {what}"))
}

fn of_kind(resources: &[Value], kind: &str) -> Vec<Value> {
    let resources = resources.iter().filter(|resource| resource["kind"] == kind);
    resources.cloned().collect()
}

fn routes(services: &[Value]) -> impl Iterator<Item = &Value> {
    let lists = services.iter().map(|service| &service["spec"]["http"]);
    lists.filter_map(Value::as_array).flatten()
}

/// The gateways that services name, each with its namespace: the proxy is all of them.
fn gateways(services: &[Value]) -> Vec<String> {
    let mut gateways = Vec::new();
    for service in services {
        let namespace = service["metadata"]["namespace"].as_str();
        let namespace = namespace.unwrap_or_default();
        let names = service["spec"]["gateways"].as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            gateways.push(match name {
                "mesh" => name.to_owned(),
                name if name.contains('/') => name.to_owned(),
                name => format!("{namespace}/{name}"),
            });
        }
    }
    gateways
}

fn workload(services: &[Value], gateways: &[String]) -> Workload {
    let mut services = services.iter();
    let namespace = services.find_map(|service| service["metadata"]["namespace"].as_str());
    Workload {
        namespace: namespace.unwrap_or(NAMESPACE).to_owned(),
        kind: match gateways.is_empty() {
            true => ProxyKind::Sidecar,
            false => ProxyKind::Gateway,
        },
        ..Workload::default()
    }
}

fn authentication(case: &Value, rules: Vec<Value>) -> Authentication {
    Authentication {
        plugin: Plugin {
            resources: rules,
            ..Plugin::default()
        },
        served: BTreeMap::new(),
        now_s: case["now"].as_u64().unwrap_or_default(),
        tier: Tier::Host,
    }
}

/// `count` requests; or, where the line speaks of the second one, a redirect is followed.
fn client(case: &Value) -> Client {
    let follows = case["note"]
        .as_str()
        .is_some_and(|note| note.contains("follows the redirect"));
    let count = case["request"]["count"].as_u64();
    match count.map(usize::try_from) {
        Some(Ok(count)) => Client::Repeats(count),
        _ if follows => Client::Follows,
        _ => Client::Sends,
    }
}

fn traffic(request: &Value) -> Result<Traffic, Verdict> {
    let text = |key: &str| {
        let text = request[key].as_str().map(str::to_owned);
        text.ok_or_else(|| malformed(&format!("`request.{key}`"), &request[key]))
    };
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
    let Some(Ok(port)) = request["port"].as_u64().map(u16::try_from) else {
        return Err(malformed("`request.port`", &request["port"]));
    };
    let mut headers = headers(&request["headers"])?;
    if protocol == Protocol::Grpc && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), b"application/grpc".to_vec()));
    }
    Ok(Traffic {
        protocol,
        // gRPC is POST, whatever the line says of other protocols.
        method: match protocol {
            Protocol::Grpc => "POST".to_owned(),
            _ => text("method")?,
        },
        authority: text("authority")?,
        headers,
        source: SOURCE,
        destination: SocketAddr::new(DESTINATION.into(), port),
        ..Traffic::get(&text("path")?)
    })
}

/// What a line may pin.
const PINNED: [&str; 8] = [
    "status",
    "grpc_status",
    "upstream_authority",
    "upstream_path",
    "upstream_headers",
    "response_headers",
    "split",
    "tolerance",
];

/// Compares what a driver saw with what the line pins.
pub fn judge(case: &Value, found: &Observation) -> Verdict {
    let expect = &case["expect"];
    let keys = expect.as_object().into_iter().flatten();
    let mut unknown = keys.filter(|(key, _)| !PINNED.contains(&key.as_str()));
    if let Some((key, _)) = unknown.next() {
        return Verdict::failed(key.clone(), "a known key of `expect`");
    }
    let mut checks = Checks::default();
    if client(case) != Client::Follows {
        // Who repeats a request wants the same each time.
        for found in &found.before {
            pinned(
                &mut checks,
                "status",
                &json!(found.status),
                &expect["status"],
            );
        }
    }
    let values = [
        ("status", json!(found.status)),
        ("grpc_status", json!(found.grpc_status)),
        (
            "upstream_authority",
            json!(found.upstream_value(":authority")),
        ),
        ("upstream_path", json!(found.upstream_value(":path"))),
    ];
    for (key, value) in values {
        pinned(&mut checks, key, &value, &expect[key]);
    }
    for (name, value) in expect["upstream_headers"].as_object().into_iter().flatten() {
        pinned(&mut checks, name, &json!(found.upstream_value(name)), value);
    }
    for (name, value) in expect["response_headers"].as_object().into_iter().flatten() {
        pinned(&mut checks, name, &json!(found.response_value(name)), value);
    }
    let tolerance = expect["tolerance"].as_f64().unwrap_or_default();
    let shares = shares(found);
    for (host, percent) in expect["split"].as_object().into_iter().flatten() {
        let share = shares.get(host).copied().unwrap_or_default();
        let percent = percent.as_f64().unwrap_or(f64::NAN);
        let is_near = (share - percent).abs() <= tolerance;
        // Nothing is near what is no number.
        if !is_near {
            checks.equal(host, &share, &percent);
        }
    }
    checks.verdict()
}

/// Compares what is pinned at all.
fn pinned(checks: &mut Checks, what: &str, found: &Value, expected: &Value) {
    if !expected.is_null() {
        checks.equal(what, found, expected);
    }
}

/// Percent of the requests that each host got, by its first name.
fn shares(found: &Observation) -> BTreeMap<String, f64> {
    let all: Vec<&Observation> = found.before.iter().chain([found]).collect();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for host in all.iter().filter_map(|found| found.upstream_value(CHOSEN)) {
        let name = host.split('.').next().unwrap_or_default();
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    let total = f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX));
    let share = |(host, count): (String, u32)| (host, 100.0 * f64::from(count) / total);
    counts.into_iter().map(share).collect()
}
