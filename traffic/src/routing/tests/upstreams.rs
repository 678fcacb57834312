//! Subsets, and what holds for them.

use super::*;
use crate::breaker::Outcome;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_route_to_a_subset_that_is_not_there_is_refused() {
    let mut config = order_service();
    config["resources"][1]["spec"]["subsets"]
        .as_array_mut()
        .unwrap()
        .pop();
    let (program, diagnostics) = configured(&config);
    let first = diagnostics.to_string();
    assert!(
        first.contains("found the subset \"v2\" of") && first.contains("[unknown-subset]"),
        "{first}"
    );
    assert_eq!(program.rule_count(), 0);
}

/// The line of an unknown subset that a route leads to, of rules for `rule`.
fn unknown_subset(host: &str, subset: &str, rule: &str) -> String {
    let to = json!({"destination": {"host": host, "subset": subset}});
    let mut config = of_service(json!({"http": [{"route": [to]}]}));
    let spec = json!({"host": rule, "subsets": [{"name": "stable"}, {"name": "canary"}]});
    let rule = resource("DestinationRule", "b", &spec);
    config["resources"].as_array_mut().unwrap().push(rule);
    let (_, diagnostics) = configured(&config);
    diagnostics.to_string()
}

#[test]
fn an_unknown_subset_is_found_where_it_stands() {
    assert_eq!(
        unknown_subset("b", "canarie", "b"),
        "resources[0].spec.http[0].route[0].destination: \
         found the subset \"canarie\" of \"b.n.svc.cluster.local\", \
         expected one of its DestinationRule; did you mean \"canary\"? [unknown-subset]"
    );
    assert_eq!(
        unknown_subset("b", "canary", "b.m.svc.cluster.local"),
        "resources[0].spec.http[0].route[0].destination: \
         found the subset \"canary\" of \"b.n.svc.cluster.local\", \
         expected a DestinationRule of that host; \
         did you mean \"b.m.svc.cluster.local\"? [unknown-subset]"
    );
}

#[test]
fn without_a_workload_nothing_is_known_of_its_namespace() {
    let config = of_service(json!({"http": [{"route": to_b()}]}));
    let (_, diagnostics) = configure(config.to_string().as_bytes(), None);
    assert!(diagnostics.to_string().contains("[unknown-workload]"));
    let (program, diagnostics) = configure(b"{}", None);
    assert!(diagnostics.is_empty() && program.demand().is_empty());
}

/// A DestinationRule for both subsets of `b`.
fn guarded(policy: &Value) -> Value {
    let mut config = of_service(json!({"http": [{"retries": {"attempts": 3}, "route": [
        {"destination": {"host": "b", "subset": "v1"}, "weight": 95},
        {"destination": {"host": "b", "subset": "v2"}, "weight": 5}]}]}));
    let rule = json!({"host": "b", "trafficPolicy": policy,
        "subsets": [{"name": "v1", "labels": {"v": "1"}}, {"name": "v2", "labels": {"v": "2"}}]});
    let rule = resource("DestinationRule", "b", &rule);
    config["resources"].as_array_mut().unwrap().push(rule);
    config
}

/// Envoy's router is told a number twice only if the second one is lower.
#[test]
fn a_budget_that_has_enough_says_nothing() {
    let mut proxy = Proxy::new(&guarded(&json!({"retryBudget": {"percent": 20.0}})));
    let count = |request: &[String]| {
        let lines = request.iter();
        lines
            .filter(|edit| edit.starts_with("x-envoy-max-retries"))
            .count()
    };
    assert_eq!(count(&proxy.request_of("/", &[])), 1);
}

#[test]
fn a_full_subset_refuses() {
    let limits = json!({"connectionPool": {"http": {"http2MaxRequests": 1}}});
    let mut proxy = Proxy::new(&guarded(&limits));
    assert!(proxy.program.is_guarded());
    // Nothing ends here: each subset takes one.
    let became: Vec<_> = (0..100).map(|_| proxy.send("/", &[])).collect();
    let refused = became
        .iter()
        .filter(|became| **became == Became::Refused("overflow"));
    assert_eq!(refused.count(), 98);
    assert!(!Proxy::new(&order_service()).program.is_guarded());
}

#[test]
fn a_failing_destination_costs_requests_their_retries() {
    let mut proxy = Proxy::new(&guarded(&json!({"retryBudget": {"percent": 20.0}})));
    let limited = "x-envoy-max-retries=0".to_owned();
    let mut counts = [0_u32; 2];
    for _ in 0..100 {
        let mut moment = Moment {
            dice: &mut proxy.dice,
            upstreams: &mut proxy.upstreams,
            guards: &proxy.guards,
            now_ms: 0,
        };
        let request = get_b();
        let decision = decide(&proxy.program, &request, &mut moment);
        let Verdict::Forward(to) = decision.verdict else {
            panic!("{decision:?}");
        };
        let is_limited = words(&to.request).contains(&limited);
        counts[usize::from(is_limited)] += 1;
        let admission = to.admission.unwrap();
        assert_eq!(is_limited, admission.retries == 0);
        let attempts = 1 + admission.retries;
        proxy
            .upstreams
            .end(&admission, Outcome::Answer(503), attempts, 0);
    }
    // The few before it was known, of each of the two.
    assert!(counts[0] < 20, "{counts:?}");
}
