//! Lines of Envoy's own router: a route configuration, a request and where it goes.
//! What a VirtualService can say of it is said by one, and judged.

mod matches;
mod route;

use serde_json::{Map, Value, json};
use sluice_policy::{ProxyKind, Workload};

use super::scenario::{Header, Observation, Plugin, Scenario, Tls, Traffic};
use super::verdict::{Checks, Verdict};

const NAMESPACE: &str = "default";
const GATEWAY: &str = "gateway";

/// The client of Envoy's tool.
const SOURCE: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);

/// Upstream headers by which the routing filter says what it chose.
const SUBSET: &str = "x-sluice-subset";
const ROUTE: &str = "x-sluice-route";

/// A part of a configuration, or why no VirtualService says the same.
type Converted<T> = Result<T, String>;

/// Reads one line.
///
/// # Errors
/// Skipped with the reason, or failed if the line is not a case.
pub fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    let input = &case["input"];
    let text = |key: &str| {
        let malformed = || Verdict::failed(input.to_string(), format!("a case with `input.{key}`"));
        input[key].as_str().ok_or_else(malformed)
    };
    let authority = text("authority")?;
    let traffic = Traffic {
        method: text("method")?.to_owned(),
        authority: authority.to_owned(),
        headers: headers(&input["additional_request_headers"])?,
        source: SOURCE.into(),
        tls: Tls {
            on: input["ssl"] == true,
            ..Tls::default()
        },
        ..Traffic::get(text("path")?)
    };
    if let Some(reason) = nothing_to_judge(&case["validate"]) {
        return Err(Verdict::skipped(reason));
    }
    let services = services(&case["route_config"], &traffic).map_err(Verdict::skipped)?;
    let mut options = Map::new();
    options.insert(
        "gateways".to_owned(),
        json!([format!("{NAMESPACE}/{GATEWAY}")]),
    );
    let workload = Workload {
        namespace: NAMESPACE.to_owned(),
        kind: ProxyKind::Gateway,
        ..Workload::default()
    };
    Ok(Scenario {
        routing: Some(Plugin {
            resources: services,
            mesh: Map::new(),
            options,
        }),
        dealt: input["random_value"].as_u64(),
        ..Scenario::new(case["name"].as_str().unwrap_or_default(), workload, traffic)
    })
}

fn headers(list: &Value) -> Result<Vec<Header>, Verdict> {
    let mut headers = Vec::new();
    for item in list.as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (item["key"].as_str(), item["value"].as_str()) else {
            return Err(Verdict::failed(item.to_string(), "a header"));
        };
        headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
    }
    Ok(headers)
}

/// Why a line is not run that pins nothing which a filter could show.
fn nothing_to_judge(validate: &Value) -> Option<String> {
    let keys = validate.as_object().into_iter().flatten();
    let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
    let is_judged = |key: &&str| {
        let mut names = COMPARED.iter().map(|(name, _)| *name).chain(FIELDS);
        names.any(|name| name == *key)
    };
    if keys.iter().any(is_judged) {
        return None;
    }
    Some(match keys.as_slice() {
        ["virtual_cluster_name"] => {
            "virtual_cluster: a name in Envoy's statistics, no field of VirtualService".to_owned()
        }
        keys => format!("{}: not seen from outside", keys.join(", ")),
    })
}

/// A service for each virtual host. One that cannot be said counts if it is asked for.
fn services(config: &Value, traffic: &Traffic) -> Converted<Vec<Value>> {
    const GLOBAL: [&str; 4] = [
        "virtual_hosts",
        "response_headers_to_add",
        "response_headers_to_remove",
        "request_headers_to_add",
    ];
    for (key, value) in config.as_object().into_iter().flatten() {
        let is_without_effect = match key.as_str() {
            "name" => true,
            // They are taken from requests of strangers.
            "internal_only_headers" => !has_any(traffic, value),
            key => GLOBAL.contains(&key),
        };
        if !is_without_effect {
            return Err(format!("{key}: no field of VirtualService"));
        }
    }
    let hosts = config["virtual_hosts"].as_array();
    let hosts = || hosts.into_iter().flatten();
    let asked = asked(hosts(), &traffic.authority);
    let mut services = Vec::new();
    for (number, host) in hosts().enumerate() {
        match service(host, config, traffic) {
            Ok(service) => services.push(service),
            Err(reason) if Some(number) == asked => return Err(reason),
            Err(_) => {}
        }
    }
    Ok(services)
}

fn has_any(traffic: &Traffic, names: &Value) -> bool {
    let mut names = names
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    names.any(|name| traffic.header(name).next().is_some())
}

/// The virtual host that Envoy takes: by name, by the longest suffix, or the one of all.
fn asked<'v>(hosts: impl Iterator<Item = &'v Value>, authority: &str) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (number, host) in hosts.enumerate() {
        let domains = host["domains"].as_array().into_iter().flatten();
        for domain in domains.filter_map(Value::as_str) {
            let rank = match domain.strip_prefix('*') {
                Some(suffix) => authority.ends_with(suffix).then_some(suffix.len()),
                None => (domain == authority).then_some(usize::MAX),
            };
            if let Some(rank) = rank
                && best.is_none_or(|(other, _)| other < rank)
            {
                best = Some((rank, number));
            }
        }
    }
    best.map(|(_, number)| number)
}

fn service(host: &Value, config: &Value, traffic: &Traffic) -> Converted<Value> {
    const KNOWN: [&str; 9] = [
        "name",
        "domains",
        "routes",
        "require_tls",
        "request_headers_to_add",
        "request_headers_to_remove",
        "response_headers_to_add",
        "response_headers_to_remove",
        // They name requests in statistics.
        "virtual_clusters",
    ];
    route::only(host, &KNOWN)?;
    if host["require_tls"].is_string() && host["require_tls"] != "NONE" && !traffic.tls.on {
        return Err("require_tls: a Gateway redirects to TLS, no VirtualService does".to_owned());
    }
    let name = host["name"].as_str().unwrap_or_default();
    let routes = host["routes"].as_array().into_iter().flatten();
    let routes: Converted<Vec<Value>> = routes
        .enumerate()
        .map(|(number, route)| route::convert(&format!("{name}/{number}"), route, host, config))
        .collect();
    Ok(json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"hosts": host["domains"], "gateways": [GATEWAY], "http": routes?},
    }))
}

/// How something shows; empty if it does not.
type Shown = fn(&Observation) -> String;

/// What a line pins, and how it shows.
const COMPARED: [(&str, Shown); 5] = [
    ("cluster_name", |found| {
        route::cluster(&found.upstream_value(SUBSET).unwrap_or_default())
    }),
    ("virtual_host_name", |found| {
        let route = found.upstream_value(ROUTE).unwrap_or_default();
        route.split('/').next().unwrap_or_default().to_owned()
    }),
    ("path_rewrite", |found| {
        found.upstream_value(":path").unwrap_or_default()
    }),
    ("host_rewrite", |found| {
        found.upstream_value(":authority").unwrap_or_default()
    }),
    ("path_redirect", |found| {
        found.response_value("location").unwrap_or_default()
    }),
];

/// Headers that a line pins: of the request, of the response.
const FIELDS: [&str; 2] = ["request_header_fields", "response_header_fields"];

const DIRECT: &str =
    "path_redirect of a direct response: a figure of Envoy's tool that no response shows";

/// Compares what a driver saw with what the line pins, as far as it shows.
pub fn judge(case: &Value, found: &Observation) -> Verdict {
    let validate = &case["validate"];
    let mut checks = Checks::default();
    let mut compared = 0;
    for (key, show) in COMPARED {
        let expected = validate[key].as_str();
        if let Some(expected) = expected.filter(|expected| shows(key, expected, found)) {
            compared += 1;
            checks.equal(key, &show(found).as_str(), &expected);
        }
    }
    for (key, lines) in FIELDS.into_iter().zip([&found.upstream, &found.response]) {
        for field in validate[key].as_array().into_iter().flatten() {
            compared += 1;
            let name = field["key"].as_str().unwrap_or_default();
            let name = &name.to_ascii_lowercase();
            let mut values = Observation::values(lines, name)
                .map(|value| String::from_utf8_lossy(value).into_owned());
            if !values.any(|value| field["value"] == value) {
                checks.equal(name, &"no such line", &field["value"].to_string().as_str());
            }
        }
    }
    match compared {
        0 => Verdict::skipped(DIRECT),
        _ => checks.verdict(),
    }
}

/// Whether there is a response that would say so.
fn shows(key: &str, expected: &str, found: &Observation) -> bool {
    let is_redirect = (300..400).contains(&found.status);
    key != "path_redirect" || found.forwarded || is_redirect || expected.is_empty()
}
