//! What a refused request lacked.

use serde_json::{Value, json};
use sluice_authz::{Explanation, FailedTest, Program, Resume, explain};
use sluice_policy::{Fact, Request};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{
    Call, allow, bearing, by, deny, from, get, policy, program, to, when, with_headers,
};

fn explained<'p>(program: &'p Program, request: &Request<'_>) -> Explanation<'p> {
    explain(program, request, Resume::default())
}

/// The failed tests of the nearest rule, each as a line.
fn lines(explanation: &Explanation<'_>) -> Vec<String> {
    let nearest = explanation.near_misses.first();
    let failed = nearest.map(|miss| miss.failed.as_slice());
    let lines = failed.unwrap_or_default().iter();
    lines.map(FailedTest::to_string).collect()
}

/// What kept a request from matching the one rule of an ALLOW policy.
fn missed(rule: Value, call: &Call) -> Vec<String> {
    let program = program(vec![allow(rule)]);
    call.with(|request| lines(&explained(&program, request)))
}

#[test]
fn a_refusal_names_the_rules_that_nearly_matched() {
    let two = |path: &str, method: &str| json!({"rules": [to(json!({"paths": [path], "methods": [method]}))]});
    let program = program(vec![
        policy("far", two("/z", "PUT")),
        policy("near", two("/x", "POST")),
    ]);
    let text = get("/x").with(|request| explained(&program, request).to_string());
    let expected = "Deny by Allow, rule none
  ns[a]-policy[near]-rule[0]
    method: found \"GET\", expected \"POST\"
  ns[a]-policy[far]-rule[0]
    method: found \"GET\", expected \"PUT\"
    path: found \"/x\", expected \"/z\"";
    assert_eq!(text, expected);
}

#[test]
fn a_rule_that_decided_needs_no_near_misses() {
    let text = |resources: Vec<Value>| {
        let program = program(resources);
        get("/").with(|request| explained(&program, request).to_string())
    };
    let other = || policy("q", json!({"rules": [to(json!({"methods": ["PUT"]}))]}));
    let rule = || to(json!({"methods": ["GET"]}));
    assert_eq!(
        text(vec![other(), allow(rule())]),
        "Allow by Allow, rule ns[a]-policy[p]-rule[0]"
    );
    assert_eq!(
        text(vec![other(), deny(rule())]),
        "Deny by Deny, rule ns[a]-policy[p]-rule[0]"
    );
}

#[test]
fn the_five_nearest_rules_are_named() {
    let near = |number: usize| to(json!({"paths": [format!("/{number}")]}));
    let far = to(json!({"paths": ["/"], "methods": ["PUT"], "hosts": ["other"]}));
    let rules: Vec<Value> = [far].into_iter().chain((1..7).map(near)).collect();
    let program = program(vec![policy("p", json!({"rules": rules}))]);
    let misses = get("/x").with(|request| explained(&program, request).near_misses);
    let named: Vec<&str> = misses.iter().map(|miss| miss.rule).collect();
    let expected = [1, 2, 3, 4, 5].map(|number| format!("ns[a]-policy[p]-rule[{number}]"));
    assert_eq!(named, expected);
}

#[test]
fn of_alternatives_the_nearest_is_told() {
    let rule = json!({
        "from": [
            {"source": {"namespaces": ["x"], "remoteIpBlocks": ["1.1.1.1"]}},
            {"source": {"namespaces": ["y"], "remoteIpBlocks": ["10.0.0.0/8"]}},
        ],
        "to": [{"operation": {"methods": ["PUT"]}}, {"operation": {"methods": ["GET"]}}],
    });
    assert_eq!(
        missed(rule, &Call::default()),
        ["source identity: found nothing, expected \"namespace y\""]
    );
}

#[test]
fn what_was_found_stands_beside_what_was_expected() {
    let token = json!({"iss": "i", "sub": "s", "a": ["x", "y"]});
    let lines_of_x = with_headers(&[("x", "1"), ("y", "9"), ("x", "2,3")]);
    let table = [
        (
            to(json!({"paths": ["/a", "/b*"]})),
            get("/c?d"),
            r#"path: found "/c", expected "/a", "/b*""#,
        ),
        (
            to(json!({"hosts": ["*.x"]})),
            get("/"),
            r#"host: found "host", expected "*.x""#,
        ),
        (
            to(json!({"ports": ["80", "81"]})),
            get("/"),
            r#"destination.port: found "8080", expected "80", "81""#,
        ),
        (
            from(json!({"remoteIpBlocks": ["10.1.0.0/16", "1.2.3.4"]})),
            get("/"),
            r#"remote.ip: found "10.0.0.1", expected "10.1.0.0/16", "1.2.3.4/32""#,
        ),
        (
            when("destination.ip", json!(["::1"])),
            get("/"),
            r#"destination.ip: found "10.0.0.2", expected "::1/128""#,
        ),
        (
            when("connection.sni", json!(["x"])),
            get("/"),
            r#"connection.sni: found "", expected "x""#,
        ),
        (
            when("request.headers[X]", json!(["3"])),
            lines_of_x.clone(),
            r#"request.headers[x]: found "1", "2,3", expected "3""#,
        ),
        (
            when("request.experimental.inline.headers[X]", json!(["4"])),
            lines_of_x,
            r#"request.experimental.inline.headers[x]: found "1", "2", "3", expected "4""#,
        ),
        (
            when("request.headers[x]", json!(["*"])),
            get("/"),
            r#"request.headers[x]: found nothing, expected "*""#,
        ),
        (
            from(json!({"requestPrincipals": ["j/t", "i/*"], "notRequestPrincipals": ["i/*"]})),
            bearing(token.clone()),
            r#"request.auth.principal: found "i/s", expected none of "i/*""#,
        ),
        (
            from(json!({"requestPrincipals": ["j/t"]})),
            get("/"),
            r#"request.auth.principal: found nothing, expected "j/t""#,
        ),
        (
            when("request.auth.claims[a]", json!(["z"])),
            bearing(token.clone()),
            r#"request.auth.claims[a]: found "x", "y", expected "z""#,
        ),
        (
            when("request.auth.claims[b][c]", json!(["z"])),
            bearing(token),
            r#"request.auth.claims[b][c]: found nothing, expected "z""#,
        ),
        (
            when("experimental.envoy.filters.http.x[k]", json!(["v"])),
            get("/"),
            r#"metadata[envoy.filters.http.x][k]: found nothing, expected "v""#,
        ),
        (
            when(
                "experimental.envoy.filters.http.jwt_authn[payload]",
                json!(["v"]),
            ),
            get("/"),
            r#"metadata[envoy.filters.http.jwt_authn][payload]: found nothing, expected "v""#,
        ),
        (
            to(json!({"notMethods": ["GET", "PUT"]})),
            get("/"),
            r#"method: found "GET", expected none of "GET", "PUT""#,
        ),
    ];
    for (rule, call, line) in table {
        assert_eq!(missed(rule, &call), [line]);
    }
}

#[test]
fn every_kind_of_value_reads_as_it_was_meant() {
    let identity = "spiffe://td/ns/b/sa/c";
    let table = [
        ("principals", "td/ns/a/sa/x", "spiffe://td/ns/a/sa/x"),
        ("principals", "*/x", "spiffe://*/x"),
        ("principals", "td2*", "spiffe://td2*"),
        ("namespaces", "x", "namespace x"),
        ("namespaces", "x*", "namespace by pattern"),
        ("serviceAccounts", "x", "service account a/x"),
        ("serviceAccounts", "n/x", "service account n/x"),
        ("trustDomains", "x", "trust domain x"),
        ("trustDomains", "x*", "trust domain x*"),
    ];
    for (key, value, shown) in table {
        let mut source = json!({});
        source[key] = json!([value]);
        let line = format!("source identity: found \"{identity}\", expected \"{shown}\"");
        assert_eq!(missed(from(source), &by(identity)), [line]);
    }
    for template in ["/a/{*}", "/{**}/b", "/a/{*}/b/{**}"] {
        let line = format!("path: found \"/c\", expected \"{template}\"");
        assert_eq!(missed(to(json!({"paths": [template]})), &get("/c")), [line]);
    }
}

#[test]
fn of_many_values_eight_are_shown() {
    let values: Vec<String> = (0..9).map(|number| format!("v{number}")).collect();
    let names = ["x"; 9].map(|name| (name, "1"));
    let program = program(vec![allow(when("request.headers[x]", json!(values)))]);
    let call = with_headers(&names);
    let miss = call.with(|request| explained(&program, request).near_misses[0].failed[0].clone());
    assert_eq!(miss.expected, values[..8]);
    assert_eq!(miss.found, Some(vec!["1".to_owned(); 8]));
}

#[test]
fn what_could_not_be_read_is_not_called_absent() {
    let unread = [
        (to(json!({"paths": ["/x"]})), "path", "/x"),
        (to(json!({"ports": ["80"]})), "destination.port", "80"),
        (
            from(json!({"remoteIpBlocks": ["1.2.3.4"]})),
            "remote.ip",
            "1.2.3.4/32",
        ),
        (
            from(json!({"requestPrincipals": ["i/s"]})),
            "request.auth.principal",
            "i/s",
        ),
    ];
    for (rule, field, value) in unread {
        let program = program(vec![allow(rule)]);
        let explanation = explained(&program, &Request::default());
        let line = format!("{field}: found nothing readable, expected \"{value}\"");
        assert_eq!(lines(&explanation), [line]);
    }
}

/// An identity that is known without the connection being known to be mutual TLS
/// proves nothing, but it is there to be shown.
#[test]
fn what_could_be_read_is_shown_beside_what_could_not() {
    let rule = from(json!({"principals": ["td/ns/a/sa/x"]}));
    let program = program(vec![allow(rule)]);
    let mut request = Request::default();
    request.connection.peer_uri_san = Fact::Present(b"spiffe://td/ns/b/sa/c");
    let text = explained(&program, &request).to_string();
    let expected = "Deny by Allow, rule none
  unavailable: connection.mtls
  unavailable: connection.dns_san_peer_certificate
  unavailable: connection.subject_peer_certificate
  ns[a]-policy[p]-rule[0]
    source identity: found \"spiffe://td/ns/b/sa/c\", expected \"spiffe://td/ns/a/sa/x\"";
    assert_eq!(text, expected);
}
