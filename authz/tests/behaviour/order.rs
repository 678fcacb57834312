//! Which policies count, in which order, and what is reported.

use serde_json::{Value, json};
use sluice_authz::{DryRun, Program, Stage, Verdict, compile, refusal, reply_for};
use sluice_policy::{Attribute, Diagnostics, Fact, ProxyKind, Request};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{
    allow, by, configured, decided, deny, from, get, policy, policy_in, program, to, workload,
};

fn dry_run(mut policy: Value) -> Value {
    policy["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
    policy
}

#[test]
fn deny_goes_before_allow() {
    let program = program(vec![
        allow(json!({})),
        policy(
            "d",
            json!({"action": "DENY", "rules": [to(json!({"paths": ["/x"]}))]}),
        ),
    ]);
    let denied = decided(&program, &get("/x"));
    assert_eq!(
        (denied.verdict, denied.stage, denied.rule),
        (Verdict::Deny, Stage::Deny, Some("ns[a]-policy[d]-rule[0]"))
    );
    let allowed = decided(&program, &get("/y"));
    assert_eq!(
        (allowed.verdict, allowed.stage, allowed.rule),
        (
            Verdict::Allow,
            Stage::Allow,
            Some("ns[a]-policy[p]-rule[0]")
        )
    );
}

#[test]
fn what_no_allow_policy_matches_is_refused_by_none() {
    let program = program(vec![allow(to(json!({"paths": ["/x"]})))]);
    let decision = decided(&program, &get("/y"));
    assert_eq!(
        (decision.verdict, decision.stage, decision.rule),
        (Verdict::Deny, Stage::Allow, None)
    );
    let reply = reply_for(&decision).unwrap();
    assert_eq!(reply.status, 403);
    assert_eq!(reply.body, b"RBAC: access denied");
    assert_eq!(reply.details, b"rbac_access_denied_matched_policy[none]");
    assert_eq!(reply.grpc_status, Some(7));
    assert_eq!(reply_for(&decided(&program, &get("/x"))), None);
}

#[test]
fn the_first_id_in_the_order_of_bytes_is_reported() {
    let rules: Vec<Value> = (0..11)
        .map(|number| {
            if number == 2 || number == 10 {
                to(json!({"methods": ["GET"]}))
            } else {
                to(json!({"paths": ["/no"], "ports": [number.to_string()]}))
            }
        })
        .collect();
    let program = program(vec![policy("p", json!({"action": "DENY", "rules": rules}))]);
    assert_eq!(
        decided(&program, &get("/")).rule,
        Some("ns[a]-policy[p]-rule[10]")
    );
}

#[test]
fn rules_that_differ_only_by_name_report_the_first() {
    let spec = |method| json!({"action": "DENY", "rules": [to(json!({"methods": [method]}))]});
    let program = program(vec![
        policy("z", spec("GET")),
        policy("a", spec("PUT")),
        policy("b", spec("GET")),
    ]);
    assert_eq!(
        decided(&program, &get("/")).rule,
        Some("ns[a]-policy[b]-rule[0]")
    );
    assert_eq!(program.rule_count(), 2);
}

#[test]
fn of_many_rules_each_is_kept_once() {
    let rules: Vec<Value> = (0..100)
        .map(|number| to(json!({"paths": [format!("/{number}")]})))
        .collect();
    let spec = json!({"rules": rules});
    let program = program(vec![policy("b", spec.clone()), policy("a", spec)]);
    assert_eq!(program.rule_count(), 100);
}

#[test]
fn audit_records_and_never_blocks() {
    let program = program(vec![policy(
        "w",
        json!({"action": "AUDIT", "rules": [to(json!({"paths": ["/x"]}))]}),
    )]);
    let decision = decided(&program, &get("/x"));
    assert_eq!(
        (decision.verdict, decision.audit),
        (Verdict::Allow, Some("ns[a]-policy[w]-rule[0]"))
    );
    assert_eq!(decided(&program, &get("/y")).audit, None);
}

#[test]
fn dry_run_policies_report_and_do_nothing() {
    let program = program(vec![
        dry_run(policy(
            "d",
            json!({"action": "DENY", "rules": [to(json!({"paths": ["/x"]}))]}),
        )),
        dry_run(policy(
            "l",
            json!({"rules": [to(json!({"paths": ["/y"]}))]}),
        )),
    ]);
    let on_x = decided(&program, &get("/x"));
    assert_eq!((on_x.verdict, on_x.stage), (Verdict::Allow, Stage::Default));
    assert_eq!(
        on_x.dry_run_deny,
        Some(DryRun {
            allowed: false,
            rule: Some("ns[a]-policy[d]-rule[0]")
        })
    );
    assert_eq!(
        on_x.dry_run_allow,
        Some(DryRun {
            allowed: false,
            rule: None
        })
    );
    let on_y = decided(&program, &get("/y"));
    assert_eq!(
        on_y.dry_run_deny,
        Some(DryRun {
            allowed: true,
            rule: None
        })
    );
    assert_eq!(
        on_y.dry_run_allow,
        Some(DryRun {
            allowed: true,
            rule: Some("ns[a]-policy[l]-rule[0]")
        })
    );
}

#[test]
fn a_dry_run_of_audit_records_nothing() {
    let audit = policy("w", json!({"action": "AUDIT", "rules": [{}]}));
    let decision = |policy| decided(&program(vec![policy]), &get("/")).audit.is_some();
    assert!(decision(audit.clone()));
    assert!(!decision(dry_run(audit)));
}

#[test]
fn a_dry_run_that_is_no_boolean_is_enforced() {
    let mut resource = deny(json!({}));
    resource["metadata"]["annotations"] = json!({"istio.io/dry-run": "yes"});
    assert_eq!(
        decided(&program(vec![resource]), &get("/")).verdict,
        Verdict::Deny
    );
}

#[test]
fn root_policies_apply_everywhere_and_others_at_home() {
    let deny_all = json!({"action": "DENY", "rules": [{}]});
    let denied = |namespace| {
        decided(
            &program(vec![policy_in(namespace, "p", deny_all.clone())]),
            &get("/"),
        )
        .verdict
    };
    assert_eq!(denied("istio-system"), Verdict::Deny);
    assert_eq!(denied("a"), Verdict::Deny);
    assert_eq!(denied("b"), Verdict::Allow);
}

#[test]
fn selectors_choose_workloads() {
    let select = |app: &str| json!({"selector": {"matchLabels": {"app": app}}, "action": "DENY", "rules": [{}]});
    assert_eq!(
        decided(&program(vec![policy("p", select("x"))]), &get("/")).verdict,
        Verdict::Deny
    );
    assert_eq!(
        decided(&program(vec![policy("p", select("y"))]), &get("/")).verdict,
        Verdict::Allow
    );
}

#[test]
fn trust_domain_aliases_are_one_mesh() {
    let config = json!({
        "resources": [allow(from(json!({"principals": ["old/ns/a/sa/x"]})))],
        "mesh": {"trustDomain": "new", "trustDomainAliases": ["old"]},
    });
    let (program, _) = configured(&config);
    for (identity, verdict) in [
        ("spiffe://new/ns/a/sa/x", Verdict::Allow),
        ("spiffe://old/ns/a/sa/x", Verdict::Allow),
        ("spiffe://cluster.local/ns/a/sa/x", Verdict::Deny),
    ] {
        assert_eq!(
            decided(&program, &by(identity)).verdict,
            verdict,
            "{identity}"
        );
    }
}

#[test]
fn waypoints_read_the_identity_from_filter_state() {
    let mut waypoint = workload();
    waypoint.kind = ProxyKind::Waypoint;
    let rule = from(json!({"principals": ["cluster.local/ns/a/sa/x"]}));
    let reference = json!({"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"});
    let resource = policy_in(
        "istio-system",
        "p",
        json!({"targetRefs": [reference], "rules": [rule]}),
    );
    let mut diagnostics = Diagnostics::new();
    let text = json!({"resources": [resource]}).to_string();
    let config = sluice_authz::Config::parse(text.as_bytes(), &mut diagnostics);
    let program = compile(&config, &waypoint);
    assert!(program.demand().contains(Attribute::PeerPrincipal));
    assert!(!program.demand().contains(Attribute::PeerUriSan));
    let mut request = Request::default();
    request.connection.peer_principal = Fact::Present(b"spiffe://cluster.local/ns/a/sa/x");
    assert_eq!(decide(&program, &request).verdict, Verdict::Allow);
}

fn decide<'p>(program: &'p Program, request: &Request<'_>) -> sluice_authz::Decision<'p> {
    sluice_authz::decide(
        program,
        &mut sluice_authz::Scratch::default(),
        request,
        sluice_authz::Resume::default(),
    )
}

#[test]
fn an_unavailable_fact_fires_a_deny_and_is_named() {
    let program = program(vec![deny(to(json!({"paths": ["/x"]})))]);
    let decision = decide(&program, &Request::default());
    assert_eq!(
        (decision.verdict, decision.rule),
        (Verdict::Deny, Some("ns[a]-policy[p]-rule[0]"))
    );
    assert_eq!(
        decision.unavailable.iter().collect::<Vec<_>>(),
        [Attribute::Path]
    );
}

#[test]
fn what_is_known_is_not_called_unavailable() {
    let principals = json!({"source": {"principals": ["td/ns/a/sa/x"]}});
    let program = program(vec![deny(json!({"from": [principals]}))]);
    let mut request = Request::default();
    request.connection.mtls = Fact::Present(true);
    request.connection.peer_dns_san = Fact::Absent;
    let decision = decide(&program, &request);
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(
        decision.unavailable.iter().collect::<Vec<_>>(),
        [Attribute::PeerUriSan, Attribute::PeerSubject]
    );
}

#[test]
fn an_unavailable_fact_cannot_grant() {
    let program = program(vec![allow(
        json!({"from": [{"source": {"notNamespaces": ["b"]}}]}),
    )]);
    let decision = decide(&program, &Request::default());
    assert_eq!(
        (decision.verdict, decision.stage, decision.rule),
        (Verdict::Deny, Stage::Allow, None)
    );
    assert!(decision.unavailable.contains(Attribute::Mtls));
}

#[test]
fn a_fact_that_does_not_matter_may_be_unavailable() {
    let program = program(vec![deny(to(
        json!({"paths": ["/x"], "methods": ["POST"]}),
    ))]);
    let request = Request {
        method: Fact::Present(b"GET"),
        ..Request::default()
    };
    assert_eq!(decide(&program, &request).verdict, Verdict::Allow);
}

#[test]
fn only_what_policies_name_is_demanded() {
    let demand = |resource| program(vec![resource]).demand().iter().collect::<Vec<_>>();
    assert_eq!(demand(allow(json!({}))), []);
    assert_eq!(
        demand(allow(to(json!({"paths": ["/x"], "methods": ["GET"]})))),
        [Attribute::Method, Attribute::Path]
    );
    assert_eq!(
        demand(allow(to(json!({"ports": ["80"]})))),
        [Attribute::DestinationAddress]
    );
    assert_eq!(
        demand(allow(
            json!({"when": [{"key": "request.headers[x]", "values": ["1"]}]})
        )),
        [Attribute::Headers]
    );
}

#[test]
fn a_program_that_could_not_be_compiled_refuses_everything() {
    let program = Program::refuse_all("3 errors");
    let decision = decided(&program, &get("/"));
    assert_eq!(
        (decision.verdict, decision.stage, decision.rule),
        (Verdict::Deny, Stage::Invalid, Some("3 errors"))
    );
    let reply = reply_for(&decision).unwrap();
    assert_eq!(
        reply.details,
        b"rbac_access_denied_invalid_configuration[3_errors]"
    );
    let own = refusal("rbac_access_denied_invalid_configuration[3 errors]");
    assert_eq!(own, reply);
    assert_eq!((own.status, own.grpc_status), (403, Some(7)));
    assert_eq!(own.body, b"RBAC: access denied");
}
