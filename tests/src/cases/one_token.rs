//! A request with one token, before a filter that takes tokens of any issuer and fetches
//! the keys.

use std::collections::BTreeMap;

use serde_json::{Map, json};
use sluice_policy::Workload;

use super::authentication::{Authentication, Served, Tier};
use super::scenario::{Plugin, Scenario, Traffic};

/// Namespace of the workload and of the resource.
const NAMESPACE: &str = "case";

/// Header with the token and nothing else: after `Bearer`, an empty token is none.
const HEADER: &str = "x-token";

/// A request with `token` at second `now_s`; who asks for keys gets `served`.
pub fn scenario(name: &str, token: &str, served: Served, now_s: u64, tier: Tier) -> Scenario {
    let mut traffic = Traffic::get("/");
    let value = token.as_bytes().to_vec();
    traffic.headers.push((HEADER.to_owned(), value));
    let url = url(name);
    let workload = Workload {
        namespace: NAMESPACE.to_owned(),
        ..Workload::default()
    };
    Scenario {
        authentication: Some(Authentication {
            plugin: plugin(&url),
            served: BTreeMap::from([(url, served)]),
            now_s,
            tier,
        }),
        ..Scenario::new(name, workload, traffic)
    }
}

/// A URL for each line: equal ones would share their keys.
fn url(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(letter).collect();
    format!("http://keys.case.svc.cluster.local:8000/{name}")
}

/// A rule without issuer has to fetch its keys.
fn plugin(url: &str) -> Plugin {
    let rule = json!({"jwksUri": url, "fromHeaders": [{"name": HEADER}]});
    let resource = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "case", "namespace": NAMESPACE},
        "spec": {"jwtRules": [rule]},
    });
    Plugin {
        resources: vec![resource],
        mesh: Map::new(),
        options: Map::new(),
    }
}
