//! DestinationRules as users write them.

use serde_json::{Value, json};
use sluice_policy::json::Node;
use sluice_policy::resource::DESTINATION_RULE;
use sluice_policy::{DiagnosticCode, Diagnostics, Resource};

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(super) fn resource(name: &str, namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

pub(super) fn read(resource: &Value) -> (Option<DestinationRule>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let node = Node::new(resource, "r");
    let resource = Resource::read(&node, &[&DESTINATION_RULE], &mut diagnostics).unwrap();
    (
        DestinationRule::read(&resource, &mut diagnostics),
        diagnostics,
    )
}

pub(super) fn rule_of(namespace: &str, spec: &Value) -> DestinationRule {
    let (rule, found) = read(&resource("rule", namespace, spec));
    assert_eq!(found.to_string(), "");
    rule.unwrap()
}

pub(super) fn rule(spec: &Value) -> DestinationRule {
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
        (json!({"host": "a*b"}), "host", C::InvalidWildcard),
        (json!({"host": "b:80"}), "host", C::InvalidHost),
        (
            json!({"host": "a", "subsets": [{"name": "v 1"}]}),
            "subsets[0].name",
            C::InvalidHost,
        ),
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

/// Puts `spoilt` in the place of one of the values of the largest rule, of the first for 0.
fn spoil(value: &mut Value, left: &mut usize, spoilt: &Value) -> bool {
    if *left == 0 {
        *value = spoilt.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(entries) => entries.values_mut().any(|value| spoil(value, left, spoilt)),
        Value::Array(items) => items.iter_mut().any(|value| spoil(value, left, spoilt)),
        _ => false,
    }
}

#[test]
fn no_value_is_taken_for_another() {
    let mut count = 0;
    loop {
        let mut spec = everything();
        if !spoil(
            &mut spec,
            &mut count.clone(),
            &json!({"no key": {"no": "value"}}),
        ) {
            break;
        }
        let (_, found) = read(&resource("a", "n", &spec));
        assert!(found.has_errors(), "{spec}");
        // Others may be right; none may be trouble.
        for any in [
            json!(null),
            json!(""),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!([[]]),
            json!(true),
        ] {
            let mut spec = everything();
            spoil(&mut spec, &mut count.clone(), &any);
            read(&resource("a", "n", &spec));
        }
        count += 1;
    }
    assert!(count > 150, "{count}");
}
