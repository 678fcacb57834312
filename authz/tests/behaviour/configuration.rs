//! What is refused, and where the finding points.

use serde_json::{Value, json};
use sluice_authz::{Config, Verdict, configure};
use sluice_policy::{DiagnosticCode, Diagnostics, Severity};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{allow, configured, decided, deny, from, get, policy, resource, to, when};

/// Asserts the one finding on one resource.
fn finds(resource: &Value, code: &str, path: &str) {
    let (program, diagnostics) = configured(&json!({"resources": [resource]}));
    let found: Vec<_> = diagnostics
        .iter()
        .map(|finding| (finding.code.name(), finding.path.as_str()))
        .collect();
    assert_eq!(found, [(code, path)], "{diagnostics}");
    let refused = diagnostics.has_errors();
    assert_eq!(
        refused,
        decided(&program, &get("/never")).stage == sluice_authz::Stage::Invalid
    );
}

fn rule(tail: &str) -> String {
    format!("resources[0].spec.rules[0].{tail}")
}

#[test]
fn empty_parts_of_rules_are_refused() {
    finds(&allow(json!({"from": []})), "empty-value", &rule("from"));
    finds(&allow(json!({"to": []})), "empty-value", &rule("to"));
    finds(
        &allow(from(json!({}))),
        "empty-value",
        &rule("from[0].source"),
    );
    finds(
        &allow(to(json!({"methods": []}))),
        "empty-value",
        &rule("to[0].operation"),
    );
    finds(
        &allow(json!({"to": [{}]})),
        "missing-key",
        &rule("to[0].operation"),
    );
    finds(
        &allow(to(json!({"paths": ["/a", ""]}))),
        "empty-value",
        &rule("to[0].operation.paths[1]"),
    );
    finds(
        &allow(json!({"when": [{"key": "source.ip"}]})),
        "missing-key",
        &rule("when[0]"),
    );
}

#[test]
fn values_must_have_the_form_of_their_field() {
    let cases = [
        (
            from(json!({"remoteIpBlocks": ["10.0.0.0/33"]})),
            "invalid-address",
            "from[0].source.remoteIpBlocks[0]",
        ),
        (
            to(json!({"ports": ["65536"]})),
            "invalid-port",
            "to[0].operation.ports[0]",
        ),
        (
            to(json!({"notPorts": ["+80"]})),
            "invalid-port",
            "to[0].operation.notPorts[0]",
        ),
        (
            to(json!({"paths": ["/a/{**}/{*}"]})),
            "invalid-template",
            "to[0].operation.paths[0]",
        ),
        (
            from(json!({"serviceAccounts": ["a/b/c"]})),
            "invalid-service-account",
            "from[0].source.serviceAccounts[0]",
        ),
        (
            from(json!({"serviceAccounts": ["*"]})),
            "invalid-wildcard",
            "from[0].source.serviceAccounts[0]",
        ),
        (
            from(json!({"trustDomains": ["a*b"]})),
            "invalid-trust-domain",
            "from[0].source.trustDomains[0]",
        ),
        (
            when("destination.ip", json!(["a.b.c.d"])),
            "invalid-address",
            "when[0].values[0]",
        ),
    ];
    for (wrong, code, path) in cases {
        finds(&allow(wrong), code, &rule(path));
    }
}

#[test]
fn keys_of_conditions_must_exist() {
    finds(
        &allow(when("source.user", json!(["x"]))),
        "invalid-condition-key",
        &rule("when[0].key"),
    );
    finds(
        &allow(when("request.headers[]", json!(["x"]))),
        "invalid-condition-key",
        &rule("when[0].key"),
    );
    finds(
        &allow(when("destination.labels[app]", json!(["x"]))),
        "removed-condition-key",
        &rule("when[0].key"),
    );
}

/// Every key of `when` in its plainest form.
const KEYS: [&str; 16] = [
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.serviceAccount",
    "source.principal",
    "source.trustDomain",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "destination.ip",
    "destination.port",
    "connection.sni",
    "request.headers[x]",
    "request.experimental.inline.headers[x]",
    "request.auth.claims[a][b]",
    "experimental.envoy.filters.http.x[k]",
];

#[test]
fn fields_are_shown_as_their_keys() {
    let field = |rule: &Value| {
        let config = json!({"resources": [allow(rule.clone())]}).to_string();
        let config = Config::parse(config.as_bytes(), &mut Diagnostics::new());
        let rule = &config.policies[0].rules[0];
        let mut tests = rule.to.iter().flatten().chain(&rule.when);
        tests.next().unwrap().field.to_string()
    };
    for key in KEYS {
        assert_eq!(field(&when(key, json!(["1"]))), key);
    }
    for key in ["hosts", "methods", "paths"] {
        let mut operation = json!({});
        operation[key] = json!(["/x"]);
        assert_eq!(field(&to(operation)), key);
    }
}

#[test]
fn a_key_that_is_unknown_is_told_the_known_ones() {
    let with_key = |key| configured(&json!({"resources": [allow(when(key, json!(["x"])))]})).1;
    let text = with_key("source.principle").to_string();
    let expected = "expected one of \"source.ip\", \"remote.ip\", \"source.namespace\", \
        \"source.serviceAccount\", \"source.principal\", \"source.trustDomain\", \
        \"request.auth.principal\", \"request.auth.audiences\", \"request.auth.presenter\", \
        \"destination.ip\", \"destination.port\", \"connection.sni\", \"request.headers[…]\", \
        \"request.auth.claims[…]\", \"experimental.envoy.filters.…[…]\"; \
        did you mean \"source.principal\"?";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn misspelt_keys_are_refused_with_a_suggestion() {
    let (_, diagnostics) = configured(&json!({"resources": [allow(to(json!({"path": ["/a"]})))]}));
    let text = diagnostics.to_string();
    assert!(text.contains("did you mean \"paths\"?"), "{text}");
    finds(
        &policy("p", json!({"acton": "DENY"})),
        "unknown-key",
        "resources[0].spec.acton",
    );
    finds(
        &policy("p", json!({"action": "BLOCK", "rules": [{}]})),
        "unknown-value",
        "resources[0].spec.action",
    );
}

#[test]
fn service_accounts_exclude_principals_and_namespaces() {
    let source = json!({"serviceAccounts": ["x"], "notNamespaces": ["a"]});
    finds(
        &allow(from(source)),
        "conflicting-source",
        &rule("from[0].source"),
    );
}

#[test]
fn policies_that_never_match_are_refused() {
    finds(
        &policy("p", json!({"action": "DENY"})),
        "no-rules",
        "resources[0].spec",
    );
    finds(
        &policy("p", json!({"action": "DENY", "rules": []})),
        "no-rules",
        "resources[0].spec",
    );
    for action in ["ALLOW", "AUDIT"] {
        let spec = json!({"action": action, "rules": []});
        let (_, diagnostics) = configured(&json!({"resources": [policy("p", spec)]}));
        assert!(diagnostics.is_empty(), "{diagnostics}");
    }
    let spec = json!({"action": "CUSTOM", "provider": {"name": "x"}, "rules": []});
    let custom = policy("p", spec);
    let (_, diagnostics) = configured(&json!({"resources": [custom]}));
    assert!(
        diagnostics
            .iter()
            .any(|finding| finding.code == DiagnosticCode::NoRules)
    );
}

#[test]
fn providers_belong_to_custom_policies() {
    let with_provider = policy("p", json!({"provider": {"name": "x"}, "rules": [{}]}));
    finds(
        &with_provider,
        "unexpected-provider",
        "resources[0].spec.provider",
    );
    finds(
        &policy("p", json!({"action": "CUSTOM", "rules": [{}]})),
        "missing-provider",
        "resources[0].spec.provider.name",
    );
}

#[test]
fn custom_policies_know_no_identity() {
    let custom = |rule: Value| {
        let spec = json!({"action": "CUSTOM", "provider": {"name": "x"}, "rules": [rule]});
        let (_, diagnostics) = configured(&json!({"resources": [policy("p", spec)]}));
        diagnostics
            .iter()
            .any(|finding| finding.code == DiagnosticCode::ForbiddenWithCustom)
    };
    assert!(custom(from(json!({"principals": ["x"]}))));
    assert!(custom(from(json!({"notRequestPrincipals": ["x"]}))));
    assert!(custom(when("request.auth.claims[a]", json!(["x"]))));
    assert!(custom(when("source.namespace", json!(["x"]))));
    assert!(!custom(to(json!({"paths": ["/x"]}))));
    assert!(!custom(from(json!({"remoteIpBlocks": ["10.0.0.1"]}))));
}

#[test]
fn limits_are_istios() {
    let many = |count: usize| {
        (0..count)
            .map(|number| format!("sa{number}"))
            .collect::<Vec<_>>()
    };
    finds(
        &allow(from(json!({"serviceAccounts": many(17)}))),
        "too-many",
        &rule("from[0].source.serviceAccounts"),
    );
    let rules = |count| {
        policy(
            "p",
            json!({"rules": vec![to(json!({"paths": ["/x"]})); count]}),
        )
    };
    finds(&rules(513), "too-many", "resources[0].spec.rules");
    for most in [
        rules(512),
        allow(from(json!({"serviceAccounts": many(16)}))),
        allow(from(json!({"namespaces": many(17)}))),
    ] {
        let (_, diagnostics) = configured(&json!({"resources": [most]}));
        assert!(diagnostics.is_empty(), "{diagnostics}");
    }
}

#[test]
fn peer_authentications_are_checked_too() {
    let peer = |spec: Value| resource("PeerAuthentication", "a", "p", spec);
    finds(
        &peer(json!({"mtls": {"mode": "BLAH"}})),
        "unknown-value",
        "resources[0].spec.mtls.mode",
    );
    finds(
        &peer(json!({"portLevelMtls": {"80": {"mode": "STRICT"}}})),
        "port-level-needs-selector",
        "resources[0].spec.portLevelMtls",
    );
    let selector = json!({"matchLabels": {"app": "x"}});
    let with_ports = |ports: Value| peer(json!({"selector": selector, "portLevelMtls": ports}));
    finds(
        &with_ports(json!({})),
        "empty-value",
        "resources[0].spec.portLevelMtls",
    );
    finds(
        &with_ports(json!({"0": {}})),
        "invalid-port",
        "resources[0].spec.portLevelMtls.0",
    );
    finds(
        &with_ports(json!({"abc": {}})),
        "invalid-port",
        "resources[0].spec.portLevelMtls.abc",
    );
    finds(
        &peer(json!({"targetRefs": []})),
        "unknown-key",
        "resources[0].spec.targetRefs",
    );
}

#[test]
fn warnings_do_not_refuse() {
    finds(
        &deny(to(json!({"paths": ["/x"]}))),
        "denies-all-tcp",
        "resources[0].spec.rules[0]",
    );
    finds(
        &allow(from(json!({"ipBlocks": ["10.0.0.1"]}))),
        "approximate-address",
        &rule("from[0].source.ipBlocks"),
    );
    let mut annotated = allow(json!({}));
    annotated["metadata"]["annotations"] = json!({"istio.io/dry-run": "yes"});
    finds(
        &annotated,
        "invalid-dry-run",
        "resources[0].metadata.annotations[\"istio.io/dry-run\"]",
    );
    let mut audit = policy("p", json!({"action": "AUDIT", "rules": [{}]}));
    audit["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
    finds(
        &audit,
        "invalid-dry-run",
        "resources[0].metadata.annotations[\"istio.io/dry-run\"]",
    );
    let custom = policy(
        "p",
        json!({"action": "CUSTOM", "provider": {"name": "x"}, "rules": [{}]}),
    );
    finds(
        &custom,
        "unknown-provider",
        "resources[0].spec.provider.name",
    );
}

#[test]
fn a_deny_rule_with_ports_spares_tcp() {
    let rules = [
        to(json!({"paths": ["/x"], "ports": ["80"]})),
        from(json!({"namespaces": ["x"]})),
        json!({}),
    ];
    for rule in rules {
        let (_, diagnostics) = configured(&json!({"resources": [deny(rule)]}));
        assert!(diagnostics.is_empty(), "{diagnostics}");
    }
}

#[test]
fn everything_wrong_is_found_in_one_pass() {
    let spec = json!({"action": "NO", "rules": [to(json!({"ports": ["x", "y"]})), {"form": []}], "slector": {}});
    let (_, diagnostics) = configured(&json!({"resources": [policy("p", spec)], "mseh": {}}));
    assert_eq!(diagnostics.count_errors(), 6, "{diagnostics}");
}

#[test]
fn no_bytes_are_an_empty_configuration() {
    let (program, diagnostics) = configure(b"", None);
    assert!(diagnostics.is_empty());
    assert_eq!(decided(&program, &get("/")).verdict, Verdict::Allow);
}

#[test]
fn policies_without_a_workload_are_refused() {
    let config = json!({"resources": [allow(json!({}))]}).to_string();
    let (program, diagnostics) = configure(config.as_bytes(), None);
    assert_eq!(
        diagnostics.iter().next().unwrap().code,
        DiagnosticCode::UnknownWorkload
    );
    assert_eq!(decided(&program, &get("/")).verdict, Verdict::Deny);
}

#[test]
fn the_workload_of_the_configuration_wins() {
    let config = json!({"resources": [deny(json!({}))], "workload": {"namespace": "elsewhere"}});
    let (program, diagnostics) = configured(&config);
    assert!(
        !diagnostics
            .iter()
            .any(|finding| finding.severity == Severity::Error),
        "{diagnostics}"
    );
    assert_eq!(decided(&program, &get("/")).verdict, Verdict::Allow);
}

#[test]
fn a_waypoint_must_know_its_services_if_policies_target_some() {
    let target = |kind: &str, group: &str| json!({"targetRefs": [{"group": group, "kind": kind, "name": "s"}], "action": "DENY", "rules": [{}]});
    let findings = |spec: Value, workload: Value| {
        let config = json!({"resources": [policy("p", spec)], "workload": workload});
        let (program, diagnostics) = configured(&config);
        let found: Vec<_> = diagnostics
            .iter()
            .map(|finding| format!("{} {}", finding.path, finding.code))
            .collect();
        (found, decided(&program, &get("/")).verdict)
    };
    let unknown = json!({"namespace": "a", "kind": "waypoint", "gateway": "s"});
    let missing = (
        vec!["workload.services unknown-workload".to_owned()],
        Verdict::Deny,
    );
    let service = target("Service", "");
    assert_eq!(findings(service.clone(), unknown.clone()), missing);
    let entry = target("ServiceEntry", "networking.istio.io");
    assert_eq!(findings(entry, unknown.clone()), missing);
    let gateway = target("Gateway", "gateway.networking.k8s.io");
    assert_eq!(findings(gateway, unknown), (vec![], Verdict::Deny));
    let mut known = json!({"namespace": "a", "kind": "waypoint"});
    known["services"] = json!([{"name": "other", "namespace": "a"}]);
    assert_eq!(findings(service.clone(), known), (vec![], Verdict::Allow));
    let sidecar = json!({"namespace": "a"});
    assert_eq!(findings(service, sidecar), (vec![], Verdict::Allow));
}

#[test]
fn a_principal_with_a_scheme_is_warned_of() {
    let id = "spiffe://td/ns/n/sa/s";
    let places = [
        (
            from(json!({"principals": [id]})),
            "from[0].source.principals[0]",
        ),
        (
            from(json!({"notPrincipals": ["*", id]})),
            "from[0].source.notPrincipals[1]",
        ),
        (when("source.principal", json!([id])), "when[0].values[0]"),
    ];
    for (wrong, path) in places {
        finds(&allow(wrong), "invalid-trust-domain", &rule(path));
    }
    let config = json!({"resources": [allow(from(json!({"principals": [id]})))]});
    let (_, diagnostics) = configured(&config);
    assert!(!diagnostics.has_errors());
    let text = diagnostics.to_string();
    assert!(text.contains("did you mean \"td/ns/n/sa/s\"?"), "{text}");
}
