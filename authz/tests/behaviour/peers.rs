//! PeerAuthentication at layer 7.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_authz::{Resume, Scratch, Stage, Verdict, compile, decide, reply_for};
use sluice_policy::{Attribute, Diagnostics, Fact, ProxyKind, Request};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{Call, by, decided, program, resource, workload};

fn peer(namespace: &str, name: &str, spec: Value) -> Value {
    resource("PeerAuthentication", namespace, name, spec)
}

fn mode(mode: &str) -> Value {
    json!({"mtls": {"mode": mode}})
}

fn selected(mtls: &str) -> Value {
    json!({"selector": {"matchLabels": {"app": "x"}}, "mtls": {"mode": mtls}})
}

fn plaintext(resources: Vec<Value>) -> Verdict {
    decided(&program(resources), &Call::default()).verdict
}

#[test]
fn strict_refuses_plaintext_and_says_which_policy_does() {
    let program = program(vec![peer("a", "default", mode("STRICT"))]);
    let decision = decided(&program, &Call::default());
    assert_eq!(
        (decision.verdict, decision.stage),
        (Verdict::Deny, Stage::PeerAuthentication)
    );
    let details = reply_for(&decision).unwrap().details;
    assert_eq!(
        details,
        b"peer_authentication_denied[ns[a]-peerauthentication[default]]"
    );
    assert_eq!(
        decided(&program, &by("spiffe://td/ns/a/sa/x")).verdict,
        Verdict::Allow
    );
    assert_eq!(
        program.demand().iter().collect::<Vec<_>>(),
        [Attribute::Mtls]
    );
}

#[test]
fn the_other_modes_accept_plaintext() {
    for other in ["PERMISSIVE", "DISABLE", "UNSET"] {
        assert_eq!(
            plaintext(vec![peer("a", "default", mode(other))]),
            Verdict::Allow,
            "{other}"
        );
    }
}

#[test]
fn the_narrower_policy_overrides() {
    let mesh = || peer("istio-system", "default", mode("STRICT"));
    assert_eq!(plaintext(vec![mesh()]), Verdict::Deny);
    assert_eq!(
        plaintext(vec![mesh(), peer("a", "default", mode("PERMISSIVE"))]),
        Verdict::Allow
    );
    assert_eq!(
        plaintext(vec![mesh(), peer("a", "default", mode("UNSET"))]),
        Verdict::Deny
    );
    let namespace = || peer("a", "default", mode("PERMISSIVE"));
    assert_eq!(
        plaintext(vec![namespace(), peer("a", "own", selected("STRICT"))]),
        Verdict::Deny
    );
    assert_eq!(
        plaintext(vec![namespace(), peer("b", "own", selected("STRICT"))]),
        Verdict::Allow
    );
    assert_eq!(
        plaintext(vec![peer("istio-system", "own", selected("STRICT"))]),
        Verdict::Allow
    );
}

#[test]
fn ports_override_their_workload() {
    let spec = |ports: Value| {
        let mut spec = selected("STRICT");
        spec["portLevelMtls"] = ports;
        vec![peer("a", "own", spec)]
    };
    assert_eq!(
        plaintext(spec(json!({"8080": {"mode": "PERMISSIVE"}}))),
        Verdict::Allow
    );
    assert_eq!(
        plaintext(spec(json!({"8080": {"mode": "UNSET"}}))),
        Verdict::Deny
    );
    assert_eq!(
        plaintext(spec(json!({"80": {"mode": "DISABLE"}}))),
        Verdict::Deny
    );
    assert_eq!(
        plaintext(spec(
            json!({"8080": {"mode": "PERMISSIVE"}, "9": {"mode": "STRICT"}})
        )),
        Verdict::Allow
    );
    let mut lax = selected("PERMISSIVE");
    lax["portLevelMtls"] = json!({"8080": {"mode": "STRICT"}});
    assert_eq!(plaintext(vec![peer("a", "own", lax)]), Verdict::Deny);
}

#[test]
fn of_several_the_oldest_counts() {
    let created = |name, time, mtls| {
        let mut policy = peer("a", name, mode(mtls));
        policy["metadata"]["creationTimestamp"] = json!(time);
        policy
    };
    let old = || created("z", "2025-01-01T00:00:00Z", "STRICT");
    let young = || created("y", "2026-01-01T00:00:00Z", "PERMISSIVE");
    assert_eq!(plaintext(vec![young(), old()]), Verdict::Deny);
    assert_eq!(plaintext(vec![old(), young()]), Verdict::Deny);
    assert_eq!(
        plaintext(vec![
            peer("a", "z", mode("STRICT")),
            peer("a", "y", mode("PERMISSIVE"))
        ]),
        Verdict::Allow
    );
}

#[test]
fn a_connection_of_unknown_kind_counts_as_plaintext() {
    let program = program(vec![peer("a", "default", mode("STRICT"))]);
    let decision = decide(
        &program,
        &mut Scratch::default(),
        &Request::default(),
        Resume::default(),
    );
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(
        decision.unavailable.iter().collect::<Vec<_>>(),
        [Attribute::Mtls]
    );
}

#[test]
fn a_port_that_is_unknown_counts_as_the_strictest() {
    let mut spec = selected("PERMISSIVE");
    spec["portLevelMtls"] = json!({"8080": {"mode": "STRICT"}, "9090": {"mode": "PERMISSIVE"}});
    let program = program(vec![peer("a", "own", spec)]);
    let refused = |port: Fact<SocketAddr>, mtls: Fact<bool>| {
        let mut request = Request::default();
        request.connection.destination_address = port;
        request.connection.mtls = mtls;
        let (scratch, resume) = (&mut Scratch::default(), Resume::default());
        let decision = decide(&program, scratch, &request, resume);
        let unavailable: Vec<Attribute> = decision.unavailable.iter().collect();
        (decision.verdict == Verdict::Deny).then_some(unavailable)
    };
    let on = |address: &str| Fact::Present(address.parse().unwrap());
    let (port, mtls) = (Attribute::DestinationAddress, Attribute::Mtls);
    let plaintext = Fact::Present(false);
    assert_eq!(refused(on("10.0.0.2:8080"), plaintext), Some(vec![]));
    assert_eq!(refused(on("10.0.0.2:9090"), plaintext), None);
    assert_eq!(refused(Fact::Unavailable, plaintext), Some(vec![port]));
    assert_eq!(
        refused(on("10.0.0.2:8080"), Fact::Unavailable),
        Some(vec![mtls])
    );
    assert_eq!(refused(Fact::Unavailable, Fact::Present(true)), None);
    let demand: Vec<Attribute> = program.demand().iter().collect();
    assert_eq!(demand, [port, mtls]);
}

#[test]
fn gateways_have_their_tls_from_elsewhere() {
    let text = json!({"resources": [peer("istio-system", "default", mode("STRICT"))]}).to_string();
    let mut diagnostics = Diagnostics::new();
    let config = sluice_authz::Config::parse(text.as_bytes(), &mut diagnostics);
    let mut gateway = workload();
    gateway.kind = ProxyKind::Gateway;
    assert_eq!(
        decided(&compile(&config, &gateway), &Call::default()).verdict,
        Verdict::Allow
    );
}
