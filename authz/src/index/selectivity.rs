//! That the index finds the few rules that matter: a lookup that finds all of them
//! changes no verdict, so nothing else would notice.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use sluice_policy::{Fact, HeaderLine, Request, Workload};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::subject::Facts;
use crate::truth::Truth;
use crate::{Program, configure};

/// So many policies, and as many literals are tested if each is looked at.
const POLICIES: usize = 200;
/// Most literals that one request may have tested: those of the rule that fits, and
/// of one that shares a key with it.
const TESTED: usize = 4;

/// What a request has, whatever its other facts.
#[derive(Default)]
struct Sent {
    method: String,
    path: String,
    host: String,
    headers: Vec<(&'static str, String)>,
    identity: String,
    server_name: String,
    source: String,
    destination: String,
    metadata: Map<String, Value>,
}

fn text(text: &str) -> Fact<&[u8]> {
    if text.is_empty() {
        Fact::Absent
    } else {
        Fact::Present(text.as_bytes())
    }
}

fn address(text: &str) -> Fact<SocketAddr> {
    text.parse().map_or(Fact::Absent, Fact::Present)
}

/// Whether the only layer of the program finds a rule, and how many literals it tested.
fn search(program: &Program, sent: &Sent) -> (Truth, usize) {
    let lines: Vec<HeaderLine<'_>> = sent
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let mut request = Request {
        method: text(&sent.method),
        path: text(&sent.path),
        authority: text(&sent.host),
        headers: Fact::Present(&lines),
        metadata: Fact::Present(&sent.metadata),
        ..Request::default()
    };
    request.connection.mtls = Fact::Present(!sent.identity.is_empty());
    request.connection.peer_uri_san = text(&sent.identity);
    request.connection.peer_dns_san = Fact::Absent;
    request.connection.peer_subject = Fact::Absent;
    request.connection.requested_server_name = text(&sent.server_name);
    request.connection.remote_address = address(&sent.source);
    request.connection.destination_address = address(&sent.destination);
    let facts = Facts {
        request: &request,
        identity: program.identity,
    };
    let (_, layer) = program.layers().next().unwrap();
    let mut tested = 0;
    let found = layer.search(&facts, &mut |literal| {
        tested += 1;
        program
            .evaluate(literal.predicate(), &facts)
            .negate_if(literal.is_negated())
    });
    (found.holds.is_some().into(), tested)
}

fn program(rule: fn(usize) -> Value) -> Program {
    let policies = (0..POLICIES).map(|index| {
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": format!("p{index:03}"), "namespace": "prod"},
            "spec": {"action": "ALLOW", "rules": [rule(index)]},
        })
    });
    let configuration = json!({"resources": policies.collect::<Vec<_>>()}).to_string();
    let workload = Workload {
        namespace: "prod".to_owned(),
        ..Workload::default()
    };
    let (program, findings) = configure(configuration.as_bytes(), Some(&workload));
    assert!(!findings.has_errors(), "{findings:?}");
    program
}

fn to(field: &str, value: &str) -> Value {
    json!({"to": [{"operation": {field: [value]}}]})
}

fn from(field: &str, value: &str) -> Value {
    json!({"from": [{"source": {field: [value]}}]})
}

fn when(key: &str, value: &str) -> Value {
    json!({"when": [{"key": key, "values": [value]}]})
}

fn path(path: String) -> Sent {
    Sent {
        path,
        ..Sent::default()
    }
}

fn host(host: String) -> Sent {
    Sent {
        host,
        ..Sent::default()
    }
}

fn peer(namespace: usize, account: usize) -> Sent {
    Sent {
        identity: format!("spiffe://td{namespace:03}/ns/n{namespace:03}/sa/a{account:03}"),
        ..Sent::default()
    }
}

fn header(value: String) -> Sent {
    Sent {
        headers: vec![("x-other", "t000".to_owned()), ("x-tenant", value)],
        ..Sent::default()
    }
}

fn claims(payload: &Value) -> Sent {
    let metadata = json!({"envoy.filters.http.jwt_authn": {"payload": payload}});
    Sent {
        metadata: metadata.as_object().cloned().unwrap_or_default(),
        ..Sent::default()
    }
}

/// A field that policies differ in: the rule of each, and the request that fits only it.
type Kind = (&'static str, fn(usize) -> Value, fn(usize) -> Sent);

const KINDS: [Kind; 24] = [
    (
        "exact path",
        |i| to("paths", &format!("/p{i:03}")),
        |i| path(format!("/p{i:03}?q")),
    ),
    (
        "path prefix",
        |i| to("paths", &format!("/p{i:03}/*")),
        |i| path(format!("/p{i:03}/x")),
    ),
    (
        "path suffix",
        |i| to("paths", &format!("*/p{i:03}")),
        |i| path(format!("/x/p{i:03}")),
    ),
    (
        "template, by its start",
        |i| to("paths", &format!("/p{i:03}/{{*}}")),
        |i| path(format!("/p{i:03}/x")),
    ),
    (
        "template, by a later segment",
        |i| to("paths", &format!("/{{*}}/p{i:03}/{{*}}")),
        |i| path(format!("/x/p{i:03}/y")),
    ),
    (
        "template, by its end",
        |i| to("paths", &format!("/{{**}}/a/p{i:03}")),
        |i| path(format!("/x/y/a/p{i:03}")),
    ),
    (
        "method",
        |i| to("methods", &format!("M{i:03}")),
        |i| Sent {
            method: format!("M{i:03}"),
            ..Sent::default()
        },
    ),
    (
        "host",
        |i| to("hosts", &format!("h{i:03}.x")),
        |i| host(format!("H{i:03}.X")),
    ),
    (
        "host prefix",
        |i| to("hosts", &format!("h{i:03}.*")),
        |i| host(format!("h{i:03}.x")),
    ),
    (
        "host suffix",
        |i| to("hosts", &format!("*.h{i:03}")),
        |i| host(format!("a.h{i:03}")),
    ),
    (
        "port",
        |i| to("ports", &(1000 + i).to_string()),
        |i| Sent {
            destination: format!("10.0.0.1:{}", 1000 + i),
            ..Sent::default()
        },
    ),
    (
        "principal",
        |i| from("principals", &format!("td{i:03}/ns/n{i:03}/sa/a{i:03}")),
        |i| peer(i, i),
    ),
    (
        "principal prefix",
        |i| from("principals", &format!("td{i:03}/*")),
        |i| peer(i, 0),
    ),
    (
        "namespace",
        |i| from("namespaces", &format!("n{i:03}")),
        |i| peer(i, 0),
    ),
    (
        "service account",
        |i| from("serviceAccounts", &format!("n001/a{i:03}")),
        |i| peer(1, i),
    ),
    (
        "trust domain",
        |i| when("source.trustDomain", &format!("td{i:03}")),
        |i| peer(i, 0),
    ),
    (
        "client range",
        |i| from("remoteIpBlocks", &format!("10.0.{i}.0/24")),
        |i| Sent {
            source: format!("10.0.{i}.9:1"),
            ..Sent::default()
        },
    ),
    (
        "IPv6 range",
        |i| from("remoteIpBlocks", &format!("2001:db8:{i:x}::/48")),
        |i| Sent {
            source: format!("[2001:db8:{i:x}::9]:1"),
            ..Sent::default()
        },
    ),
    (
        "own address",
        |i| when("destination.ip", &format!("10.0.0.{i}")),
        |i| Sent {
            destination: format!("10.0.0.{i}:80"),
            ..Sent::default()
        },
    ),
    (
        "header",
        |i| when("request.headers[x-tenant]", &format!("t{i:03}")),
        |i| header(format!("t{i:03}")),
    ),
    (
        "server name",
        |i| when("connection.sni", &format!("s{i:03}")),
        |i| Sent {
            server_name: format!("s{i:03}"),
            ..Sent::default()
        },
    ),
    (
        "claim",
        |i| when("request.auth.claims[team]", &format!("c{i:03}")),
        |i| claims(&json!({"iss": "i", "sub": "s", "team": ["x", format!("c{i:03}")]})),
    ),
    (
        "request principal",
        |i| from("requestPrincipals", &format!("iss/s{i:03}")),
        |i| claims(&json!({"iss": "iss", "sub": format!("s{i:03}")})),
    ),
    (
        "one of two fields",
        |i| {
            json!({
                "from": [{"source": {"namespaces": ["n001"]}}],
                "to": [{"operation": {"paths": [format!("/p{i:03}")]}}],
            })
        },
        |i| Sent {
            path: format!("/p{i:03}"),
            ..peer(1, 0)
        },
    ),
];

#[test]
fn the_index_finds_the_one_rule_that_fits() {
    for (name, rule, request) in KINDS {
        let program = program(rule);
        for index in [0, 1, POLICIES / 2, POLICIES - 1] {
            let (holds, tested) = search(&program, &request(index));
            assert_eq!(holds, Truth::True, "{name}, policy {index}");
            assert!(
                tested <= TESTED,
                "{name}, policy {index}: {tested} literals"
            );
        }
        let (holds, tested) = search(&program, &request(POLICIES));
        assert_eq!(holds, Truth::False, "{name}");
        assert!(tested <= TESTED, "{name}, no policy: {tested} literals");
    }
}

#[test]
fn rules_without_a_key_wait_behind_what_they_share() {
    let program = program(|i| {
        json!({
            "from": [{"source": {"notNamespaces": ["shared"]}}],
            "when": [{"key": "request.headers[x-tenant]", "notValues": [format!("t{i:03}")]}],
        })
    });
    let shared = Sent {
        headers: header("none".to_owned()).headers,
        identity: "spiffe://td/ns/shared/sa/a".to_owned(),
        ..Sent::default()
    };
    assert_eq!(search(&program, &shared), (Truth::False, 1));
}

/// Every rule wants a pseudo-header that the host leaves out, and none is filed by it.
#[test]
fn what_no_rule_is_filed_by_may_be_unknown() {
    let program = program(|i| {
        json!({
            "to": [{"operation": {"paths": [format!("/p{i:03}")]}}],
            "when": [{"key": "request.headers[:scheme]", "values": ["https"]}],
        })
    });
    let hidden = Sent {
        headers: vec![("x-other", "1".to_owned())],
        ..path("/p001".to_owned())
    };
    let (holds, tested) = search(&program, &hidden);
    assert_eq!(holds, Truth::False);
    assert!(tested <= TESTED, "{tested} literals");
}
