//! Rules of several namespaces, for hosts and their subsets.

use serde_json::{Value, json};

use super::*;
use crate::destination_rule::tests::{read, resource, rule, rule_of};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Policies that tell where they are from.
fn pool(most: u32) -> Value {
    json!({"http": {"http2MaxRequests": most}})
}

fn outlier(errors: u32) -> Value {
    json!({"consecutive5xxErrors": errors})
}

/// `http2MaxRequests`, `consecutive5xxErrors` and millionths of the budget.
fn told(policy: SubsetPolicy) -> (Option<u32>, Option<u32>, Option<u32>) {
    (
        policy.limits.max_requests,
        policy.outlier.map(|outlier| outlier.consecutive_5xx),
        policy.retry_budget.map(|budget| budget.millionths),
    )
}

#[test]
fn a_subset_replaces_fields_and_a_port_everything() {
    let rule = rule(&json!({
        "host": "shop",
        "trafficPolicy": {
            "connectionPool": pool(1), "outlierDetection": outlier(1), "retryBudget": {"percent": 1},
            "portLevelSettings": [{"port": {"number": 80}, "connectionPool": pool(2)}],
        },
        "subsets": [
            {"name": "plain"},
            {"name": "own", "trafficPolicy": {
                "connectionPool": pool(3), "retryBudget": {"percent": 3},
                "portLevelSettings": [{"port": {"number": 81}, "outlierDetection": outlier(4)}],
            }},
            {"name": "tcp", "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 1}}}},
        ],
    }));
    let of = |subset, port| rule.resolve(subset, port).map(told);
    let one = Some((Some(1), Some(1), Some(10_000)));
    assert_eq!(of(None, None), one);
    assert_eq!(of(None, Some(443)), one);
    assert_eq!(of(Some("plain"), Some(443)), one);
    // The port's settings leave out what they do not say.
    assert_eq!(of(None, Some(80)), Some((Some(2), None, None)));
    assert_eq!(of(Some("plain"), Some(80)), Some((Some(2), None, None)));
    // A subset's own fields, the rest of its host.
    assert_eq!(
        of(Some("own"), None),
        Some((Some(3), Some(1), Some(30_000)))
    );
    assert_eq!(
        of(Some("own"), Some(80)),
        Some((Some(3), None, Some(30_000)))
    );
    assert_eq!(
        of(Some("own"), Some(81)),
        Some((None, Some(4), Some(10_000)))
    );
    // Fields are replaced as a whole.
    assert_eq!(of(Some("tcp"), None), Some((None, Some(1), Some(10_000))));
    assert_eq!(of(Some("v9"), None), None);
}

fn workload(namespace: &str) -> Workload {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Workload {
        namespace: namespace.to_owned(),
        labels: [label("app", "client"), label("tier", "web")].into(),
        ..Workload::default()
    }
}

const SHOP: &str = "shop.production.svc.cluster.local";

/// A rule that is known by its limit.
fn marked(namespace: &str, host: &str, mark: u32, more: &Value) -> DestinationRule {
    let mut spec = json!({"host": host, "trafficPolicy": {"connectionPool": pool(mark)}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    rule_of(namespace, &spec)
}

fn mark(rules: Vec<DestinationRule>, client: &str, host: &str) -> Option<u32> {
    let rules = DestinationRules::new(rules, &workload(client), "istio-system");
    rules.resolve(host, None, None).unwrap().limits.max_requests
}

#[test]
fn the_clients_namespace_comes_first_then_the_services_then_the_root() {
    let none = json!({});
    let all = || {
        vec![
            marked("istio-system", SHOP, 1, &none),
            marked("production", SHOP, 2, &none),
            marked("client", SHOP, 3, &none),
            marked("elsewhere", SHOP, 4, &none),
        ]
    };
    assert_eq!(mark(all(), "client", SHOP), Some(3));
    assert_eq!(mark(all(), "other", SHOP), Some(2));
    let root = || vec![marked("istio-system", "*.local", 1, &none)];
    assert_eq!(mark(root(), "other", SHOP), Some(1));
    assert_eq!(mark(root(), "other", "example.com"), None);
}

#[test]
fn the_closest_host_counts_and_then_the_selector() {
    let none = json!({});
    let selecting = |app: &str| json!({"workloadSelector": {"matchLabels": {"app": app}}});
    let rules = || {
        vec![
            marked("n", "*", 1, &none),
            marked("n", "*.b.com", 2, &none),
            marked("n", "a.b.com", 3, &none),
            marked("n", "a.b.com", 4, &selecting("client")),
            marked("n", "a.b.com", 5, &selecting("other")),
        ]
    };
    assert_eq!(mark(rules(), "n", "a.b.com"), Some(4));
    assert_eq!(mark(rules(), "n", "c.b.com"), Some(2));
    assert_eq!(mark(rules(), "n", "c.com"), Some(1));
    // All labels count, and of two that select the workload the older rule.
    let both = json!({"workloadSelector": {"matchLabels": {"app": "client", "x": "y"}}});
    let all = json!({"workloadSelector": {"matchLabels": {"app": "client", "tier": "web"}}});
    let rules = || {
        let mut rules = vec![
            marked("n", "a.b.com", 7, &both),
            marked("n", "a.b.com", 8, &all),
            marked("n", "a.b.com", 9, &selecting("client")),
        ];
        rules[1].created = "2002".into();
        rules[2].created = "2001".into();
        rules
    };
    assert_eq!(mark(rules(), "n", "a.b.com"), Some(9));
    // A selector says nothing outside of its namespace.
    let rules = || vec![marked("production", SHOP, 6, &selecting("client"))];
    assert_eq!(mark(rules(), "client", SHOP), None);
    assert_eq!(mark(rules(), "production", SHOP), Some(6));
}

#[test]
fn a_rule_is_for_those_that_it_is_exported_to() {
    let to = |to: &[&str]| vec![marked("production", SHOP, 1, &json!({"exportTo": to}))];
    for (exported, is_met) in [
        (&["*"][..], true),
        (&[], true),
        (&["."], false),
        (&["other", "client"], true),
        (&["other"], false),
    ] {
        let found = mark(to(exported), "client", SHOP);
        assert_eq!(found.is_some(), is_met, "{exported:?}");
        assert_eq!(mark(to(exported), "production", SHOP), Some(1));
    }
}

#[test]
fn a_rule_without_subsets_takes_those_of_others() {
    let named = |name: &str, subsets: &Value| {
        let spec = json!({"host": "shop", "subsets": subsets});
        read(&resource(name, "production", &spec)).0.unwrap()
    };
    let rules = vec![
        named("a", &json!([])),
        named("b", &json!([{"name": "v1"}, {"name": "v2"}])),
        named("c", &json!([{"name": "v1"}, {"name": "v3"}])),
    ];
    let rules = DestinationRules::new(rules, &workload("production"), "istio-system");
    let subsets = &rules.find(SHOP).unwrap().subsets;
    let names: Vec<&str> = subsets.iter().map(|subset| &*subset.name).collect();
    assert_eq!(names, ["v1", "v2", "v3"]);
}

#[test]
fn rules_for_one_host_are_one_and_the_oldest_says_what() {
    let dated = |name: &str, year: u32, spec: &Value| {
        let mut resource = resource(name, "production", spec);
        resource["metadata"]["creationTimestamp"] = json!(format!("{year}-01-01T00:00:00Z"));
        read(&resource).0.unwrap()
    };
    let subset = |most: u32| json!({"name": "v1", "trafficPolicy": {"connectionPool": pool(most)}});
    let rules = vec![
        dated(
            "c",
            2003,
            &json!({"host": "shop", "trafficPolicy": {"connectionPool": pool(3)}}),
        ),
        dated(
            "a",
            2002,
            &json!({"host": SHOP, "subsets": [subset(2), {"name": "v2"}],
            "trafficPolicy": {"outlierDetection": outlier(2)}}),
        ),
        dated("b", 2001, &json!({"host": "shop", "subsets": [subset(1)]})),
    ];
    let rules = DestinationRules::new(rules, &workload("production"), "istio-system");
    let of = |subset| rules.resolve(SHOP, subset, None).map(told);
    assert_eq!(of(None), Ok((None, Some(2), None)));
    assert_eq!(of(Some("v1")), Ok((Some(1), Some(2), None)));
    assert_eq!(of(Some("v2")), Ok((None, Some(2), None)));
    assert_eq!(of(Some("v3")), Err(NoSubset));
    let found = rules.find(SHOP).unwrap();
    assert_eq!((&*found.name, found.subsets.len()), ("b", 2));
    assert_eq!(rules.resolve("x.com", Some("v1"), None), Err(NoSubset));
    assert_eq!(
        rules.resolve("x.com", None, None),
        Ok(SubsetPolicy::default())
    );
}
