//! Which resources apply, and what becomes of several.

use serde_json::json;
use sluice_jwt::{KeySource, Verdict, configure};
use sluice_policy::{ProxyKind, Workload};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn issuers(resources: Vec<serde_json::Value>) -> Vec<String> {
    program_of(resources).issuers().map(str::to_owned).collect()
}

#[test]
fn the_root_namespace_and_the_workloads_own_apply() {
    let of =
        |namespace: &str| resource_with(namespace, "r", json!({"jwtRules": [rule(namespace)]}));
    let found = issuers(vec![of("b"), of("istio-system"), of("a")]);
    assert_eq!(found, ["a", "istio-system"]);
}

#[test]
fn selectors_choose_workloads() {
    let of = |app: &str| {
        let spec = json!({
            "selector": {"matchLabels": {"app": app}},
            "jwtRules": [rule(app)],
        });
        resource_with("a", app, spec)
    };
    assert_eq!(issuers(vec![of("x"), of("y")]), ["x"]);
}

#[test]
fn gateways_and_waypoints_go_by_target() {
    let spec = json!({
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}],
        "jwtRules": [rule("one")],
    });
    let config = json!({"resources": [resource_with("a", "r", spec)]}).to_string();
    let gateway = |name: &str| Workload {
        kind: ProxyKind::Gateway,
        gateway: Some(name.to_owned()),
        ..workload()
    };
    for (workload, rules) in [(gateway("g"), 1), (gateway("h"), 0), (workload(), 0)] {
        let (program, diagnostics) = configure(config.as_bytes(), Some(&workload));
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        assert_eq!(program.rule_count(), rules, "{workload:?}");
    }
}

#[test]
fn rules_of_all_resources_are_tried_by_issuer() {
    let found = issuers(vec![
        resource("z", json!([rule("c"), rule("a")])),
        resource("y", json!([rule("b")])),
    ]);
    assert_eq!(found, ["a", "b", "c"]);
}

#[test]
fn an_issuer_that_begins_another_is_before_it_whatever_the_namespace() {
    let of = |namespace: &str, issuer: &str| {
        resource_with(namespace, "r", json!({"jwtRules": [rule(issuer)]}))
    };
    let found = issuers(vec![of("a", "one-b"), of("istio-system", "one")]);
    assert_eq!(found, ["one", "one-b"]);
}

/// The first one that is asked believes the token, and writes a header of its own.
#[test]
fn rules_of_one_issuer_are_tried_by_namespace_and_name() {
    let of = |namespace: &str, name: &str| {
        let header = json!({"header": format!("{namespace}-{name}"), "claim": "iss"});
        let fields = json!({"forwardOriginalToken": true, "outputClaimToHeaders": [header]});
        resource_with(
            namespace,
            name,
            json!({"jwtRules": [rule_with("one", fields)]}),
        )
    };
    let all = [of("istio-system", "p"), of("a", "z"), of("a", "q")];
    let written = |resources: &[serde_json::Value]| {
        let call = bearing(&token("one"));
        let outcome = judged(&program_of(resources.to_vec()), &call);
        let (_, lines) = forwarded(&call, &outcome);
        lines.last().unwrap().0.clone()
    };
    assert_eq!(written(&all), "a-q");
    assert_eq!(written(&all[..2]), "a-z");
    assert_eq!(written(&all[..1]), "istio-system-p");
}

#[test]
fn rules_with_one_url_share_its_keys() {
    let uri = "https://keys.example/jwks";
    let program = program(json!([
        {"issuer": "one", "jwksUri": uri},
        {"issuer": "two", "jwksUri": uri, "timeout": "9s"},
        {"issuer": "three", "jwksUri": "https://other.example/"},
        rule("four"),
        rule("four"),
    ]));
    let timeouts: Vec<_> = program
        .sources()
        .iter()
        .map(|source| match source {
            KeySource::Inline(_) => None,
            KeySource::Remote(remote) => Some((remote.authority.as_str(), remote.timeout_ms)),
        })
        .collect();
    let expected = [
        None,
        Some(("keys.example", 9_000)),
        Some(("other.example", 5_000)),
    ];
    assert_eq!(timeouts, expected);
}

#[test]
fn clusters_are_found_by_host() {
    let rules = json!([
        {"issuer": "one", "jwksUri": "https://a.example/k"},
        {"issuer": "two", "jwksUri": "https://b.example:8443/k"},
        {"issuer": "https://c.example/"},
    ]);
    let (program, diagnostics) = configured(&json!({
        "resources": [resource("r", rules)],
        "jwksClusters": [{"host": "a.example", "port": 443, "cluster": "mine"}],
    }));
    assert!(diagnostics.is_empty(), "{diagnostics}");
    let mut clusters: Vec<_> = program
        .sources()
        .iter()
        .map(|source| match source {
            KeySource::Inline(_) => panic!("{source:?}"),
            KeySource::Remote(remote) => (remote.cluster.as_str(), remote.path.as_str()),
        })
        .collect();
    clusters.sort_unstable();
    let expected = [
        ("mine", "/k"),
        (
            "outbound|443||c.example",
            "/.well-known/openid-configuration",
        ),
        ("outbound|8443||b.example", "/k"),
    ];
    assert_eq!(clusters, expected);
}

#[test]
fn an_issuer_whose_keys_nobody_can_find_is_refused() {
    let program = program(json!([{"issuer": "someone"}]));
    let verdict = judged(&program, &bearing(&token("someone"))).verdict;
    assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
    assert_eq!(judged(&program, &get("/")).verdict, Verdict::Pass);
}
