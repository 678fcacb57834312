//! What the fields of a rule match.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{
    Call, allow, bearing, by, deny, from, get, matches, passes, policy, to, when, with_headers,
};

/// Asserts which calls one ALLOW rule lets pass.
fn table(rule: &Value, rows: &[(Call, bool)]) {
    for (call, expected) in rows {
        assert_eq!(matches(rule, call), *expected, "{rule} on {call:?}");
    }
}

#[test]
fn an_allow_policy_without_rules_allows_nothing() {
    assert!(!passes(vec![policy("p", json!({}))], &Call::default()));
    assert!(!passes(
        vec![policy("p", json!({"rules": []}))],
        &Call::default()
    ));
}

#[test]
fn an_empty_rule_matches_everything() {
    assert!(passes(vec![allow(json!({}))], &Call::default()));
    assert!(!passes(vec![deny(json!({}))], &Call::default()));
}

#[test]
fn no_policy_at_all_allows() {
    assert!(passes(json!([]), &Call::default()));
}

#[test]
fn paths_are_compared_without_query_and_with_their_slash() {
    table(
        &to(json!({"paths": ["/a"]})),
        &[
            (get("/a?b"), true),
            (get("/a#b"), true),
            (get("/a/"), false),
            (get("/A"), false),
            (get(""), false),
        ],
    );
    table(
        &to(json!({"paths": ["*"]})),
        &[(get("/a"), true), (get("/a\nb"), false)],
    );
    table(
        &to(json!({"paths": ["/a*"]})),
        &[(get("/ab"), true), (get("/b/a"), false)],
    );
    table(
        &to(json!({"paths": ["*/a"]})),
        &[(get("/b/a"), true), (get("/a/b"), false)],
    );
}

#[test]
fn path_templates_match_whole_segments() {
    table(
        &to(json!({"paths": ["/a/{*}/b/{**}"]})),
        &[
            (get("/a/x/b/"), true),
            (get("/a/x/b/y/z"), true),
            (get("/a/x/b"), false),
            (get("/a//b/"), false),
        ],
    );
    table(
        &to(json!({"paths": ["/{**}/end"]})),
        &[(get("/x/y/end"), true), (get("/x/endless"), false)],
    );
}

#[test]
fn hosts_keep_their_port_and_lose_their_case() {
    let host = |authority| Call {
        authority,
        ..Call::default()
    };
    table(
        &to(json!({"hosts": ["API.x"]})),
        &[
            (host("api.x"), true),
            (host("Api.X"), true),
            (host("api.x:8443"), false),
            (host("api.x."), false),
        ],
    );
    table(
        &to(json!({"hosts": ["*.x"]})),
        &[(host("A.X"), true), (host(".x"), true), (host("x"), false)],
    );
    table(
        &to(json!({"hosts": ["a.*"]})),
        &[(host("A.b"), true), (host("b.a.c"), false)],
    );
}

#[test]
fn methods_are_compared_with_case() {
    let method = |method| Call {
        method,
        ..Call::default()
    };
    table(&to(json!({"methods": ["get"]})), &[(method("GET"), false)]);
    table(
        &to(json!({"methods": ["P*"]})),
        &[(method("POST"), true), (method("GET"), false)],
    );
    table(&to(json!({"methods": ["*"]})), &[(method(""), true)]);
}

#[test]
fn every_line_of_a_header_is_compared_by_itself() {
    table(
        &when("request.headers[X-A]", json!(["1"])),
        &[
            (with_headers(&[("x-a", "2"), ("x-a", "1")]), true),
            (with_headers(&[("x-a", "1,2")]), false),
            (with_headers(&[("x-b", "1")]), false),
            (with_headers(&[]), false),
        ],
    );
    table(
        &when("request.headers[x-a]", json!(["*"])),
        &[
            (with_headers(&[("x-a", "")]), true),
            (with_headers(&[]), false),
        ],
    );
}

#[test]
fn pieces_of_a_header_are_compared_where_the_key_says_so() {
    table(
        &when("request.experimental.inline.headers[x-a]", json!(["1"])),
        &[
            (with_headers(&[("x-a", "2,1")]), true),
            (with_headers(&[("x-a", "2,11")]), false),
        ],
    );
}

#[test]
fn pseudo_headers_are_headers_too() {
    let host = |authority| Call {
        authority,
        ..Call::default()
    };
    table(
        &when("request.headers[:authority]", json!(["h"])),
        &[(host("h"), true), (host("H"), false)],
    );
    table(
        &when("request.headers[Host]", json!(["h"])),
        &[(host("h"), true)],
    );
    table(
        &when("request.headers[:path]", json!(["/a?b"])),
        &[(get("/a?b"), true), (get("/a"), false)],
    );
    table(
        &when("request.headers[:method]", json!(["GET"])),
        &[(get("/"), true)],
    );
}

/// A list without any pseudo-header is one of a host that leaves them out.
#[test]
fn a_pseudo_header_that_may_be_hidden_is_not_absent() {
    let key = "request.headers[:scheme]";
    let http = when(key, json!(["http"]));
    let other = json!({"when": [{"key": key, "notValues": ["http"]}]});
    let rows = [
        (with_headers(&[("x", "1")]), false, true),
        (with_headers(&[(":scheme", "http")]), false, true),
        (with_headers(&[(":scheme", "https")]), true, false),
        (with_headers(&[(":method", "GET")]), true, false),
    ];
    for (call, allowed, denied) in rows {
        assert_eq!(
            passes(vec![allow(other.clone())], &call),
            allowed,
            "{call:?}"
        );
        assert_eq!(passes(vec![deny(http.clone())], &call), !denied, "{call:?}");
    }
}

#[test]
fn an_absent_header_satisfies_its_negation() {
    let rule = json!({"when": [{"key": "request.headers[x-t]", "notValues": ["1"]}]});
    table(
        &rule,
        &[
            (with_headers(&[]), true),
            (with_headers(&[("x-t", "1")]), false),
            (with_headers(&[("x-t", "2")]), true),
        ],
    );
}

#[test]
fn values_and_not_values_must_both_hold() {
    let rule =
        json!({"when": [{"key": "request.headers[x]", "values": ["a*"], "notValues": ["ab"]}]});
    table(
        &rule,
        &[
            (with_headers(&[("x", "ac")]), true),
            (with_headers(&[("x", "ab")]), false),
        ],
    );
}

const X: &str = "spiffe://cluster.local/ns/a/sa/x";

#[test]
fn principals_are_identities_without_scheme() {
    table(
        &from(json!({"principals": ["cluster.local/ns/a/sa/x"]})),
        &[(by(X), true), (Call::default(), false)],
    );
    table(
        &from(json!({"principals": ["spiffe://cluster.local/ns/a/sa/x"]})),
        &[(by(X), false)],
    );
    table(
        &from(json!({"principals": ["*"]})),
        &[(by(X), true), (Call::default(), false)],
    );
    table(
        &from(json!({"principals": ["*/sa/x"]})),
        &[(by(X), true), (by("spiffe://other/sa/x"), true)],
    );
    table(
        &from(json!({"principals": ["cluster.local/*"]})),
        &[(by(X), true), (by("spiffe://b/cluster.local/"), false)],
    );
}

#[test]
fn no_identity_satisfies_every_negation() {
    assert!(!passes(
        vec![deny(from(json!({"notPrincipals": ["*"]})))],
        &Call::default()
    ));
    assert!(passes(
        vec![deny(from(json!({"notPrincipals": ["*"]})))],
        &by(X)
    ));
    assert!(matches(
        &from(json!({"notNamespaces": ["a"]})),
        &Call::default()
    ));
}

#[test]
fn parts_of_identities_are_fields_of_their_own() {
    table(
        &from(json!({"namespaces": ["a"]})),
        &[(by(X), true), (by("spiffe://td/ns/ab/sa/x"), false)],
    );
    table(
        &from(json!({"namespaces": ["a*"]})),
        &[
            (by("spiffe://td/ns/ab/sa/x"), true),
            (by("spiffe://td/ns/b/sa/x"), false),
        ],
    );
    table(
        &from(json!({"serviceAccounts": ["x"]})),
        &[(by(X), true), (by("spiffe://td/ns/b/sa/x"), false)],
    );
    table(
        &from(json!({"serviceAccounts": ["b/x"]})),
        &[(by(X), false), (by("spiffe://td/ns/b/sa/x"), true)],
    );
    table(
        &from(json!({"trustDomains": ["cluster.local"]})),
        &[(by(X), true), (by("spiffe://td/ns/a/sa/x"), false)],
    );
    table(
        &from(json!({"trustDomains": ["*local"]})),
        &[(by(X), true), (by("spiffe://td/ns/a/sa/x"), false)],
    );
}

#[test]
fn addresses_and_ports_belong_to_their_ends() {
    let remote = |remote| Call {
        remote,
        ..Call::default()
    };
    table(
        &from(json!({"remoteIpBlocks": ["10.0.0.0/24"]})),
        &[
            (remote("10.0.0.77:1"), true),
            (remote("10.0.1.1:1"), false),
            (remote("[::ffff:10.0.0.1]:1"), true),
            (remote("[2001:db8::1]:1"), false),
        ],
    );
    table(
        &from(json!({"ipBlocks": ["10.0.0.1"]})),
        &[(remote("10.0.0.1:1"), true)],
    );
    table(
        &from(json!({"notRemoteIpBlocks": ["::/0"]})),
        &[(remote("10.0.0.1:1"), true), (remote("[::1]:1"), false)],
    );
    table(&to(json!({"ports": ["8080"]})), &[(Call::default(), true)]);
    table(
        &to(json!({"notPorts": ["8080"]})),
        &[(Call::default(), false)],
    );
    table(
        &when("destination.ip", json!(["10.0.0.2"])),
        &[(Call::default(), true)],
    );
    table(
        &when("destination.port", json!(["80"])),
        &[(Call::default(), false)],
    );
}

#[test]
fn the_server_name_is_empty_without_tls() {
    let sni = |server_name| Call {
        server_name,
        ..Call::default()
    };
    table(
        &when("connection.sni", json!(["a.*"])),
        &[(sni(Some("a.b")), true), (sni(None), false)],
    );
    table(
        &when("connection.sni", json!(["*"])),
        &[(sni(Some("a.b")), true), (sni(None), false)],
    );
}

#[test]
fn request_principals_are_issuer_and_subject() {
    let token = |sub: Value| bearing(json!({"iss": "https://i/p", "sub": sub}));
    table(
        &from(json!({"requestPrincipals": ["https://i/p/s"]})),
        &[
            (token(json!("s")), true),
            (token(json!("t")), false),
            (Call::default(), false),
        ],
    );
    table(
        &from(json!({"requestPrincipals": ["*"]})),
        &[
            (token(json!("s")), true),
            (token(json!("")), false),
            (token(json!(null)), false),
            (token(json!(5)), false),
        ],
    );
    table(
        &from(json!({"requestPrincipals": ["https://i/p/*"]})),
        &[(token(json!("s")), true)],
    );
}

#[test]
fn claims_are_strings_or_lists_of_strings() {
    let claim = |claim: Value| bearing(json!({"c": claim}));
    table(
        &when("request.auth.claims[c]", json!(["x"])),
        &[
            (claim(json!("x")), true),
            (claim(json!(["y", "x"])), true),
            (claim(json!("x y")), false),
            (claim(json!([["x"]])), false),
            (claim(json!(true)), false),
        ],
    );
    table(
        &when("request.auth.claims[c]", json!(["*"])),
        &[(claim(json!([""])), false), (claim(json!("a\nb")), false)],
    );
    let nested = bearing(json!({"a": {"b": ["x"]}, "a.b": "x"}));
    assert!(matches(
        &when("request.auth.claims[a][b]", json!(["x"])),
        &nested
    ));
    assert!(matches(
        &when("request.auth.claims[a.b]", json!(["x"])),
        &nested
    ));
    assert!(!matches(
        &when("request.auth.claims[a][c]", json!(["x"])),
        &nested
    ));
}

#[test]
fn audiences_and_presenter_are_claims_by_another_name() {
    let token = bearing(json!({"aud": ["a", "b"], "azp": "p"}));
    assert!(matches(
        &when("request.auth.audiences", json!(["b"])),
        &token
    ));
    assert!(matches(
        &when("request.auth.presenter", json!(["p"])),
        &token
    ));
    assert!(!matches(
        &when("request.auth.presenter", json!(["a"])),
        &token
    ));
}

#[test]
fn a_missing_claim_satisfies_its_negation() {
    let rule = json!({"when": [{"key": "request.auth.claims[g]", "notValues": ["adm"]}]});
    assert!(!passes(vec![deny(rule)], &Call::default()));
}

#[test]
fn sources_operations_and_conditions_are_anded() {
    let rule = json!({
        "from": [{"source": {"principals": ["cluster.local/ns/a/sa/x"]}}, {"source": {"namespaces": ["b"]}}],
        "to": [{"operation": {"methods": ["GET"], "paths": ["/a"]}}, {"operation": {"methods": ["POST"]}}],
        "when": [{"key": "request.headers[h]", "values": ["1"]}],
    });
    let call = |identity, method, path, headers: &[(&'static str, &'static str)]| Call {
        method,
        path,
        headers: headers.to_vec(),
        ..by(identity)
    };
    table(
        &rule,
        &[
            (call(X, "GET", "/a", &[("h", "1")]), true),
            (
                call("spiffe://t/ns/b/sa/y", "POST", "/b", &[("h", "1")]),
                true,
            ),
            (call(X, "GET", "/b", &[("h", "1")]), false),
            (
                call("spiffe://t/ns/c/sa/y", "POST", "/b", &[("h", "1")]),
                false,
            ),
            (call(X, "GET", "/a", &[]), false),
        ],
    );
}

/// Istio looks for a value in brackets in a list, and compares any other with a string.
#[test]
fn metadata_is_a_string_or_a_list_as_the_value_says() {
    let written = json!([
        "v", "w", "[v", "w]", ["v"], ["u", "w"], [1], [], 1, null, {"k": "v"}
    ]);
    let rows = [
        ("values", json!(["v"]), json!(["v"])),
        ("values", json!(["[v]"]), json!([["v"]])),
        ("values", json!(["[[w]]"]), json!([["u", "w"]])),
        ("values", json!(["[v", "w]"]), json!(["[v", "w]"])),
        ("values", json!(["w", "[v]"]), json!(["w", ["v"]])),
        ("values", json!(["w*"]), json!(["w", "w]"])),
        ("values", json!(["[*]"]), json!([["v"], ["u", "w"]])),
        (
            "notValues",
            json!(["w", "[v]"]),
            json!(["v", "[v", "w]", ["u", "w"], [1], [], 1, null, {"k": "v"}]),
        ),
    ];
    for (condition, values, expected) in rows {
        let key = "experimental.envoy.filters.http.x[k]";
        let rule = json!({"when": [{"key": key, condition: values}]});
        let found = written.as_array().unwrap().iter().filter(|k| {
            let metadata = Some(json!({"k": k, "other": "v"}));
            let call = Call {
                metadata,
                ..Call::default()
            };
            matches(&rule, &call)
        });
        let found: Vec<Value> = found.cloned().collect();
        assert_eq!(json!(found), expected, "{rule}");
    }
}
