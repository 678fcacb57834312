//! Lines of RequestAuthentication and AuthorizationPolicy, key sets by URL, a
//! request and what becomes of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sluice_policy::ProxyKind;

use super::authentication::{Authentication, Served, Tier};
use super::authz_integration;
use super::http_route;
use super::scenario::{Observation, Plugin, Scenario};
use super::verdict::Verdict;

/// Why a line is not run whose status a route decides on.
const ROUTING: &str = "the routes of the line decide, and what they go by is not looked at";

/// Status of a request without route.
const NOT_FOUND: u64 = 404;

/// Reads one line.
///
/// # Errors
/// Skipped with a reason, or failed if the line is not a case.
pub fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    if case["expect"]["status"] == NOT_FOUND && !has_no_route(case) {
        return Err(Verdict::skipped(ROUTING));
    }
    let mut scenario = authz_integration::without_tokens(case)?;
    if let Some(gateway) = case["attached_gateway"].as_str() {
        scenario.workload.kind = ProxyKind::Gateway;
        scenario.workload.gateway = Some(gateway.to_owned());
    }
    scenario
        .plugin
        .resources
        .retain(|resource| is_sent(case, resource));
    scenario.authentication = Some(authentication(case));
    Ok(scenario)
}

/// Whether there are routes, and none for the request.
fn has_no_route(case: &Value) -> bool {
    let text = |key: &str| case["request"][key].as_str().unwrap_or_default();
    let mut routes = resources(case)
        .filter(|resource| resource["kind"] == "HTTPRoute")
        .peekable();
    let is_known = routes.peek().is_some();
    is_known
        && routes.all(|route| http_route::takes(route, text("method"), text("path")) == Some(false))
}

fn resources(case: &Value) -> impl Iterator<Item = &Value> {
    let lists = [&case["policies"], &case["other_resources"]];
    lists.into_iter().filter_map(Value::as_array).flatten()
}

/// With `ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY` off, Istio's control plane sends a
/// gateway no resource that has a selector, whoever enforces the rest.
fn is_sent(case: &Value, resource: &Value) -> bool {
    let is_off = case["enable_selector_based_gateway_policy"] == json!(false);
    let spec = &resource["spec"];
    let has_target = !spec["targetRef"].is_null() || !spec["targetRefs"].is_null();
    !is_off || has_target
}

fn authentication(case: &Value) -> Authentication {
    let rules = resources(case).filter(|resource| resource["kind"] == "RequestAuthentication");
    let rules = rules.filter(|resource| is_sent(case, resource));
    let mut mesh = Map::new();
    mesh.insert("rootNamespace".to_owned(), case["root_namespace"].clone());
    Authentication {
        plugin: Plugin {
            resources: rules.cloned().collect(),
            mesh,
            options: Map::new(),
        },
        served: served(case),
        now_s: case["now"].as_u64().unwrap_or_default(),
        tier: Tier::Host,
    }
}

/// `jwks_fetch` says how a URL fails that has no key set.
fn served(case: &Value) -> BTreeMap<String, Served> {
    let sets = case["jwks"].as_object().into_iter().flatten();
    let mut served: BTreeMap<String, Served> = sets
        .map(|(url, set)| (url.clone(), Served::Document(set.to_string())))
        .collect();
    let failure = match case["jwks_fetch"].as_str() {
        Some("error") => Served::Missing,
        _ => Served::Unreachable,
    };
    let rules = resources(case).filter_map(|resource| resource["spec"]["jwtRules"].as_array());
    let urls = rules.flatten().filter_map(|rule| rule["jwksUri"].as_str());
    for url in urls {
        served
            .entry(url.to_owned())
            .or_insert_with(|| failure.clone());
    }
    served
}

/// Compares what a driver saw with what the line pins.
pub fn judge(case: &Value, found: &Observation) -> Verdict {
    if case["expect"]["status"] == NOT_FOUND {
        // It is the router that answers: the filters have to let the request through.
        return match found.forwarded {
            true => Verdict::Passed,
            false => Verdict::failed(found.to_string(), "forwarded, to no route".to_owned()),
        };
    }
    let verdict = authz_integration::judge(case, found);
    if verdict != Verdict::Passed || !found.forwarded {
        return verdict;
    }
    let pinned = case["expect"]["upstream_headers"].as_object();
    let mut wrong = pinned.into_iter().flatten().filter_map(|(name, value)| {
        let found = value_of(found, name);
        let expected = value.as_str();
        (found.as_deref() != expected)
            .then(|| Verdict::failed(format!("{name}: {found:?}"), format!("{expected:?}")))
    });
    wrong.next().unwrap_or(Verdict::Passed)
}

/// Lines of a header as the upstream sees them, joined.
fn value_of(found: &Observation, name: &str) -> Option<String> {
    let lines = found
        .upstream
        .iter()
        .filter(|(header, _)| header.eq_ignore_ascii_case(name));
    let values: Vec<String> = lines
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
