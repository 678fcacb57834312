//! Lines of VirtualServices and DestinationRules, or of parts of them, and whether Istio
//! accepts them.

use serde_json::{Value, json};
use sluice_policy::{DiagnosticCode, Diagnostics, Severity};
use sluice_traffic::routing::Config;

use super::validation::{compare, plugin_config};
use super::verdict::Verdict;

/// Judges a whole resource.
pub fn resource(case: &Value) -> Verdict {
    judge(case, &case["config"])
}

/// What stands around a part: a route with that part in it.
type Wrap = fn(&Value) -> Value;

/// Parts that Istio's own tests check by themselves.
const FRAGMENTS: [(&str, Wrap); 15] = [
    ("HTTPRoute", Value::clone),
    ("HTTPRoute(root)", Value::clone),
    ("HTTPRoute(delegate)", Value::clone),
    (
        "HTTPFaultInjection.Abort",
        |part| json!({"route": to_b(), "fault": {"abort": part}}),
    ),
    (
        "HTTPFaultInjection.Delay",
        |part| json!({"route": to_b(), "fault": {"delay": part}}),
    ),
    (
        "HTTPRetry",
        |part| json!({"route": to_b(), "retries": part}),
    ),
    (
        "HTTPRewrite",
        |part| json!({"route": to_b(), "rewrite": part}),
    ),
    (
        "RegexRewrite",
        |part| json!({"route": to_b(), "rewrite": {"uriRegexRewrite": part}}),
    ),
    ("HTTPRedirect", |part| json!({"redirect": part})),
    ("HTTPDirectResponse", |part| json!({"directResponse": part})),
    (
        "CorsPolicy",
        |part| json!({"route": to_b(), "corsPolicy": part}),
    ),
    (
        "Destination",
        |part| json!({"route": [{"destination": part}]}),
    ),
    (
        "int32 http status",
        |part| json!({"route": to_b(), "fault": {"abort": {"httpStatus": part}}}),
    ),
    ("header name", |part| {
        let name = part.as_str().unwrap_or_default();
        json!({"route": to_b(), "headers": {"request": {"set": {name: "x"}}}})
    }),
    (
        "header value",
        |part| json!({"route": to_b(), "headers": {"request": {"set": {"x-a": part}}}}),
    ),
];

fn to_b() -> Value {
    json!([{"destination": {"host": "b"}}])
}

/// Judges a part, in a resource that has nothing else.
pub fn fragment(case: &Value) -> Verdict {
    let name = case["fragment_type"].as_str().unwrap_or_default();
    let known = FRAGMENTS.iter().find(|(fragment, _)| *fragment == name);
    let Some((_, wrap)) = known else {
        return Verdict::skipped(format!("no filter takes {name}"));
    };
    judge(
        case,
        &json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "case", "namespace": "default"},
            "spec": {"hosts": ["b"], "http": [wrap(&case["config"])]},
        }),
    )
}

/// Lines that lost what they are about when they became JSON.
const LOST: [(&str, &str); 3] = [
    (
        "invalid delay",
        "its nanoseconds are lost: what is left is valid in another line",
    ),
    (
        "invalid timeout",
        "its nanoseconds are lost: what is left is valid in another line",
    ),
    (
        "with bytes body",
        "its bytes are a text: JSON has them in base64",
    ),
];

/// What of a DestinationRule nobody here acts on: its form is looked at, no more.
const OF_ENVOY: [&str; 2] = [
    "/spec/trafficPolicy/tls",
    "/spec/trafficPolicy/loadBalancer",
];

fn judge(case: &Value, resource: &Value) -> Verdict {
    let name = case["name"].as_str().unwrap_or_default();
    if case["config"].is_null() {
        return Verdict::skipped("not a resource: nothing at all");
    }
    let lost = LOST.iter().find(|(lost, _)| *lost == name);
    if let Some((_, reason)) = lost.filter(|_| case["scope"] == "fragment") {
        return Verdict::skipped(*reason);
    }
    let mut resource = resource.clone();
    // In a message such an item is there and says nothing; no API server lets it through.
    if let Some(Value::Array(items)) = resource.pointer_mut("/spec/http/0/match") {
        items.retain(|item| !item.is_null());
    }
    let mut findings = Diagnostics::new();
    let config = plugin_config(&resource);
    drop(Config::parse(config.as_bytes(), &mut findings));
    let verdict = compare(case, &findings.clone().into());
    match verdict {
        Verdict::Failed(_) => {
            difference(case, &resource, &findings).map_or(verdict, Verdict::skipped)
        }
        verdict => verdict,
    }
}

/// Why another verdict than Istio's is meant.
fn difference(case: &Value, resource: &Value, findings: &Diagnostics) -> Option<String> {
    let is_valid = case["valid"] == true;
    let mut errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let first = errors.next();
    let has = |code| findings.iter().any(|finding| finding.code == code);
    let is_of_envoy = OF_ENVOY.iter().any(|at| resource.pointer(at).is_some());
    match (is_valid, first) {
        (true, Some(first)) if first.code == DiagnosticCode::NotPossibleInWasm => errors
            .all(|other| other.code == first.code)
            .then(|| format!("stricter, for a filter cannot: {}", first.expected)),
        (true, None) if case["warning"] == true => Some(
            "Istio warns of what else is in the mesh, or of routes that others hide".to_owned(),
        ),
        (false, None) if has(DiagnosticCode::LeftToEnvoy) || is_of_envoy => {
            Some("left to Envoy: nobody here acts on it".to_owned())
        }
        _ => None,
    }
}
