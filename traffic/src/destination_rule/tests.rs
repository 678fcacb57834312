//! DestinationRules as users write them.

use serde_json::{Value, json};
use sluice_policy::json::Node;
use sluice_policy::resource::DESTINATION_RULE;
use sluice_policy::{DiagnosticCode, Diagnostics, Resource, Workload};

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn resource(name: &str, namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

fn read(resource: &Value) -> (Option<DestinationRule>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let node = Node::new(resource, "r");
    let resource = Resource::read(&node, &[&DESTINATION_RULE], &mut diagnostics).unwrap();
    (
        DestinationRule::read(&resource, &mut diagnostics),
        diagnostics,
    )
}

fn rule_of(namespace: &str, spec: &Value) -> DestinationRule {
    let (rule, found) = read(&resource("rule", namespace, spec));
    assert_eq!(found.to_string(), "");
    rule.unwrap()
}

fn rule(spec: &Value) -> DestinationRule {
    rule_of("production", spec)
}

/// Where in `spec` what is found.
fn findings(spec: &Value) -> Vec<(String, DiagnosticCode)> {
    let (_, found) = read(&resource("rule", "production", spec));
    found
        .iter()
        .map(|finding| (finding.path.replace("r.spec.", ""), finding.code))
        .collect()
}

fn policy_findings(policy: &Value) -> Vec<(String, DiagnosticCode)> {
    findings(&json!({"host": "shop", "trafficPolicy": policy}))
        .into_iter()
        .map(|(path, code)| (path.replace("trafficPolicy.", ""), code))
        .collect()
}

/// Everything that Istio's schema knows.
fn everything() -> Value {
    let shared = json!({
        "connectionPool": {
            "tcp": {
                "maxConnections": 100, "connectTimeout": "30ms", "maxConnectionDuration": "1h",
                "idleTimeout": "0s",
                "tcpKeepalive": {"probes": 9, "time": "7200s", "interval": "75s"},
            },
            "http": {
                "http1MaxPendingRequests": 1, "http2MaxRequests": 64,
                "maxRequestsPerConnection": 10, "maxRetries": 5, "idleTimeout": "1h",
                "h2UpgradePolicy": "UPGRADE", "useClientProtocol": false,
                "maxConcurrentStreams": 100,
            },
        },
        "outlierDetection": {
            "consecutive5xxErrors": 7, "consecutiveGatewayErrors": 3,
            "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailures": 4,
            "interval": "5m", "baseEjectionTime": "15m", "maxEjectionPercent": 50,
            "minHealthPercent": 20, "consecutiveErrors": 0,
        },
        "loadBalancer": {
            "consistentHash": {
                "httpCookie": {"name": "user", "path": "/", "ttl": "0s"},
                "maglev": {"tableSize": 65537},
            },
            "localityLbSetting": {
                "enabled": true, "failoverPriority": ["topology.istio.io/network"],
                "distribute": [{"from": "a/*", "to": {"a/*": 80, "b/*": 20}}],
            },
            "warmupDurationSecs": "30s",
            "warmup": {"duration": "30s", "minimumPercent": 10, "aggression": 1.5},
        },
        "tls": {
            "mode": "MUTUAL", "clientCertificate": "/c", "privateKey": "/k", "caCertificates": "/a",
            "caCrl": "/l", "credentialName": "", "subjectAltNames": ["a"], "sni": "s",
            "insecureSkipVerify": false,
        },
    });
    let mut port = shared.clone();
    port["port"] = json!({"number": 8080});
    port["loadBalancer"] = json!({"simple": "LEAST_REQUEST"});
    let mut policy = shared;
    policy["portLevelSettings"] = json!([port]);
    policy["tunnel"] = json!({"protocol": "POST", "targetHost": "h", "targetPort": 443});
    policy["retryBudget"] =
        json!({"percent": 12.5, "minRetryConcurrency": 9, "budgetInterval": "10s"});
    let mut of_subset = policy.clone();
    of_subset["tunnel"] = Value::Null;
    of_subset["proxyProtocol"] = json!({"version": "V2"});
    json!({
        "host": "shop", "exportTo": [".", "other"], "trafficPolicy": policy,
        "workloadSelector": {"matchLabels": {"app": "client"}},
        "subsets": [
            {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": of_subset},
            {"name": "v2", "labels": {"version": "v2"}},
        ],
    })
}

#[test]
fn a_rule_is_read_in_full() {
    let rule = rule(&everything());
    assert_eq!(&*rule.host, "shop.production.svc.cluster.local");
    assert_eq!(rule.export_to, [".".into(), "other".into()]);
    let selector = rule.selector.unwrap();
    assert_eq!(selector.get("app").unwrap(), "client");
    let outlier = Outlier {
        consecutive_5xx: 7,
        consecutive_gateway: 3,
        consecutive_local_origin: Some(4),
        interval_ms: 300_000,
        base_ejection_ms: 900_000,
        max_ejection_percent: 50,
        min_health_percent: 20,
    };
    let limits = Limits {
        max_requests: Some(64),
    };
    let policy = TrafficPolicy {
        limits: Some(limits),
        outlier: Some(outlier),
        retry_budget: Some(BudgetPolicy {
            millionths: 125_000,
            min_retry_concurrency: 9,
        }),
        ports: vec![PortPolicy {
            port: 8080,
            limits: Some(limits),
            outlier: Some(outlier),
        }],
    };
    assert_eq!(rule.policy.as_ref(), Some(&policy));
    let subsets: Vec<_> = rule
        .subsets
        .iter()
        .map(|subset| (&*subset.name, subset.policy.as_ref()))
        .collect();
    assert_eq!(subsets, [("v1", Some(&policy)), ("v2", None)]);
}

#[test]
fn no_known_field_is_known_by_chance() {
    // Each key of the largest rule, spelt otherwise, is found, at its place.
    fn respell(value: &mut Value, count: &mut usize, target: usize) {
        let values: Vec<&mut Value> = match value {
            Value::Object(entries) => {
                for key in entries.keys().cloned().collect::<Vec<_>>() {
                    if *count == target && !["app", "version", "a/*", "b/*"].contains(&&*key) {
                        let value = entries.remove(&key).unwrap();
                        entries.insert(format!("{key}X"), value);
                    }
                    *count += 1;
                }
                entries.values_mut().collect()
            }
            Value::Array(items) => items.iter_mut().collect(),
            _ => return,
        };
        for value in values {
            respell(value, count, target);
        }
    }
    let mut total = 0;
    respell(&mut everything(), &mut total, usize::MAX);
    assert!(total > 120, "{total}");
    let mut refused = 0;
    for target in 0..total {
        let mut spec = everything();
        respell(&mut spec, &mut 0, target);
        if spec != everything() {
            let found = findings(&spec);
            let is_found = found
                .iter()
                .any(|(_, code)| *code == DiagnosticCode::UnknownKey);
            assert!(is_found, "{target}: {found:?}");
            refused += 1;
        }
    }
    assert!(refused > 110, "{refused}");
}

#[test]
fn defaults_are_envoys() {
    let defaults = |outlier: Value| {
        let spec = json!({"host": "a.b", "trafficPolicy": {"outlierDetection": outlier}});
        rule(&spec).policy.unwrap().outlier.unwrap()
    };
    assert_eq!(defaults(json!({})), Outlier::default());
    // Istio cannot tell these from fields that are left out; of counts 0 is off.
    let zeros = json!({
        "consecutive5xxErrors": 0, "consecutiveGatewayErrors": 0, "maxEjectionPercent": 0,
        "minHealthPercent": 0,
    });
    let off = Outlier {
        consecutive_5xx: 0,
        ..Outlier::default()
    };
    assert_eq!(defaults(zeros), off);
    let split = json!({"splitExternalLocalOriginErrors": true});
    assert_eq!(defaults(split).consecutive_local_origin, Some(5));
    let budget = |budget: Value| {
        let spec = json!({"host": "a.b", "trafficPolicy": {"retryBudget": budget}});
        rule(&spec).policy.unwrap().retry_budget.unwrap()
    };
    assert_eq!(budget(json!({})), BudgetPolicy::default());
    assert_eq!(
        budget(json!({"percent": 0, "minRetryConcurrency": 0})),
        BudgetPolicy {
            millionths: 0,
            min_retry_concurrency: 3,
        }
    );
    let pool = json!({"host": "a.b", "trafficPolicy": {"connectionPool": {"http": {"http2MaxRequests": 0}}}});
    assert_eq!(rule(&pool).policy.unwrap().limits, Some(Limits::default()));
}

#[test]
fn what_istio_refuses_is_refused() {
    use DiagnosticCode as C;
    let table = [
        (json!({}), "trafficPolicy", C::EmptyValue),
        (
            json!({"connectionPool": {}}),
            "connectionPool",
            C::EmptyValue,
        ),
        (
            json!({"connectionPool": {"http": {"http2MaxRequests": -1}}}),
            "connectionPool.http.http2MaxRequests",
            C::OutOfRange,
        ),
        (
            json!({"connectionPool": {"http": {"useClientProtocol": true, "h2UpgradePolicy": "UPGRADE"}}}),
            "connectionPool.http.useClientProtocol",
            C::ConflictingFields,
        ),
        (
            json!({"connectionPool": {"tcp": {"connectTimeout": "0s"}}}),
            "connectionPool.tcp.connectTimeout",
            C::InvalidDuration,
        ),
        (
            json!({"outlierDetection": {"interval": "0.1ms"}}),
            "outlierDetection.interval",
            C::InvalidDuration,
        ),
        (
            json!({"outlierDetection": {"maxEjectionPercent": 101}}),
            "outlierDetection.maxEjectionPercent",
            C::OutOfRange,
        ),
        (
            json!({"outlierDetection": {"consecutiveLocalOriginFailures": 1}}),
            "outlierDetection.consecutiveLocalOriginFailures",
            C::ConflictingFields,
        ),
        (
            json!({"outlierDetection": {"consecutiveErrors": 5}}),
            "outlierDetection.consecutiveErrors",
            C::IgnoredKey,
        ),
        (
            json!({"loadBalancer": {"simple": "RANDOM", "consistentHash": {}}}),
            "loadBalancer.consistentHash",
            C::ConflictingFields,
        ),
        (
            json!({"tls": {"mode": "simple"}}),
            "tls.mode",
            C::UnknownValue,
        ),
        (
            json!({"tunnel": {"targetHost": "h", "targetPort": 1}, "proxyProtocol": {}}),
            "proxyProtocol",
            C::ConflictingFields,
        ),
        (
            json!({"retryBudget": {"percent": 101}}),
            "retryBudget.percent",
            C::OutOfRange,
        ),
        (
            json!({"portLevelSettings": [{"port": {"number": 1}}]}),
            "portLevelSettings[0]",
            C::EmptyValue,
        ),
        (
            json!({"portLevelSettings": [{"tls": {}}]}),
            "portLevelSettings[0].port",
            C::MissingKey,
        ),
        (
            json!({"portLevelSettings": [{"port": {"number": 0}, "tls": {}}]}),
            "portLevelSettings[0].port.number",
            C::OutOfRange,
        ),
    ];
    for (policy, path, code) in table {
        assert_eq!(
            policy_findings(&policy),
            [(path.to_owned(), code)],
            "{policy}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_named() {
    use DiagnosticCode as C;
    let table = [
        (json!({}), "host", C::MissingKey),
        (json!({"host": "a.*.b"}), "host", C::InvalidWildcard),
        (json!({"host": "*b"}), "host", C::InvalidWildcard),
        (
            json!({"host": "a", "subsets": [{}]}),
            "subsets[0].name",
            C::MissingKey,
        ),
        (
            json!({"host": "a", "subsets": [{"name": "v"}, {"name": "v"}]}),
            "subsets[1]",
            C::DuplicateItem,
        ),
        (
            json!({"host": "a", "subsets": [{"name": "v", "labels": {"a": 1}}]}),
            "subsets[0].labels.a",
            C::WrongType,
        ),
        (
            json!({"host": "a", "exportTo": "."}),
            "exportTo",
            C::WrongType,
        ),
        (
            json!({"host": "a", "workloadSelector": {"labels": {}}}),
            "workloadSelector.labels",
            C::UnknownKey,
        ),
    ];
    for (spec, path, code) in table {
        let found = findings(&spec);
        assert!(
            found.contains(&(path.to_owned(), code)),
            "{spec}: {found:?}"
        );
    }
    let (rule, found) = read(&resource("a", "n", &Value::Null));
    assert!(rule.is_none());
    assert!(found.to_string().starts_with("r.spec: found nothing"));
    let mut nowhere = resource("a", "n", &json!({"host": "a"}));
    nowhere["metadata"]["namespace"] = Value::Null;
    let codes: Vec<_> = read(&nowhere).1.iter().map(|found| found.code).collect();
    assert_eq!(codes, [C::MissingNamespace]);
}

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
