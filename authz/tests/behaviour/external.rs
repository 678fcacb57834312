//! CUSTOM policies and external authorization.

mod grpc;
mod http;

use crate::messages::{
    Allowed, BoolValue, CheckRequest, CheckResponse, Denied, EnvoyGrpc, GrpcService, HeaderValue,
    HeaderValueOption, HttpStatus, QueryParameter, Status,
};
use prost::Message;
use serde_json::{Value, json};
use sluice_authz::ext_authz::{Check, Edits, Started, Step, start};
use sluice_authz::{Program, ProviderId, Resume, Scratch, Stage, Verdict, decide};
use sluice_policy::{
    Attribute, Callout, CalloutEvent, Fact, HeaderEdit, HeaderLine, Reply, Request,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{Call, by, configured, decided, get, policy, to};

pub(super) fn custom(name: &str, provider: &str, path: &str) -> Value {
    policy(
        name,
        json!({"action": "CUSTOM", "provider": {"name": provider}, "rules": [to(json!({"paths": [path]}))]}),
    )
}

pub(super) fn http(extra: Value) -> Value {
    let mut http = json!({"service": "ns/authz.example", "port": 8000});
    http.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"name": "h", "envoyExtAuthzHttp": http})
}

pub(super) fn grpc(extra: Value) -> Value {
    let mut grpc = json!({"service": "authz.example", "port": 9000});
    grpc.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"name": "g", "envoyExtAuthzGrpc": grpc})
}

pub(super) fn program(policies: &[Value], providers: &[Value], multiple: bool) -> Program {
    let config = json!({
        "resources": policies,
        "mesh": {"extensionProviders": providers},
        "multipleCustomProviders": multiple,
    });
    let (program, diagnostics) = configured(&config);
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

pub(super) fn asked(program: &Program, call: &Call) -> (ProviderId, Resume) {
    let decision = decided(program, call);
    match decision.verdict {
        Verdict::Ask(provider) => (provider, decision.resume),
        other => panic!("{other:?}"),
    }
}

pub(super) fn begun(program: &Program, call: &Call) -> (Callout, Check) {
    let (provider, _) = asked(program, call);
    match call.with(|request| start(program, provider, request)) {
        Started::Ask(callout, check) => (callout, check),
        Started::Over(step) => panic!("{step:?}"),
    }
}

pub(super) fn answered(program: &Program, call: &Call, event: &CalloutEvent<'_>) -> Step {
    let (_, mut check) = begun(program, call);
    call.with(|request| check.on(program, event, request))
}

pub(super) fn response<'h>(headers: &'h [HeaderLine<'h>], body: &'h [u8]) -> CalloutEvent<'h> {
    CalloutEvent::HttpResponse { headers, body }
}

pub(super) fn refused(step: Step) -> Reply {
    match step {
        Step::Deny(reply) => reply,
        other => panic!("{other:?}"),
    }
}

pub(super) fn on_x() -> Call {
    get("/x?q=1")
}

#[test]
fn only_what_a_custom_policy_matches_is_asked_about() {
    let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    assert!(program.may_ask());
    assert_eq!(decided(&program, &get("/y")).verdict, Verdict::Allow);
    let decision = decided(&program, &on_x());
    assert_eq!(
        (decision.stage, decision.rule),
        (
            Stage::Custom,
            Some("istio-ext-authz-h-ns[a]-policy[p]-rule[0]")
        )
    );
}

#[test]
fn what_a_check_describes_is_demanded() {
    use Attribute::{
        Authority, DestinationAddress, Headers, Method, Path, PeerUriSan, SourceAddress,
    };
    let demand = |provider: &str, options: Value| -> Vec<Attribute> {
        let program = program(&[custom("p", provider, "/x")], &[options], false);
        program.demand().iter().collect()
    };
    assert_eq!(
        demand("h", http(json!({}))),
        [Method, Path, Authority, Headers]
    );
    let peers = [SourceAddress, DestinationAddress, PeerUriSan];
    assert_eq!(
        demand("g", grpc(json!({}))),
        [&[Method, Path, Authority, Headers][..], &peers].concat()
    );
}

#[test]
fn a_check_that_failed_refuses_unless_the_mesh_says_otherwise() {
    let failures: [&[HeaderLine<'_>]; 3] = [&[(b":status", b"503")], &[(b":status", b"abc")], &[]];
    for headers in failures {
        let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
        let reply = refused(answered(&program, &on_x(), &response(headers, b"secret")));
        assert_eq!(
            (reply.status, reply.details.as_slice()),
            (403, &b"ext_authz_error"[..])
        );
        assert!(reply.body.is_empty());
    }
    let strange = program(
        &[custom("p", "h", "/x")],
        &[http(json!({"statusOnError": "500"}))],
        false,
    );
    assert_eq!(
        refused(answered(&strange, &on_x(), &CalloutEvent::Failed)).status,
        500
    );
    let open = program(
        &[custom("p", "h", "/x")],
        &[http(json!({"failOpen": true}))],
        false,
    );
    assert!(
        matches!(answered(&open, &on_x(), &CalloutEvent::Failed), Step::Allow(edits) if edits == Default::default())
    );
}

#[test]
fn a_request_that_cannot_be_described_is_a_failed_check() {
    let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    let (provider, _) = asked(&program, &on_x());
    let Started::Over(step) = start(&program, provider, &Request::default()) else {
        panic!()
    };
    assert_eq!(refused(step).details, b"ext_authz_error");
}

#[test]
fn what_a_client_leaves_out_is_asked_about_as_empty() {
    let any = policy(
        "p",
        json!({"action": "CUSTOM", "provider": {"name": "h"}, "rules": [{}]}),
    );
    let open = program(&[any], &[http(json!({"failOpen": true}))], false);
    let (provider, _) = asked(&open, &on_x());
    let connect = |path: Fact<&'static [u8]>| {
        on_x().with(|request| {
            let connect = Request { path, ..*request };
            start(&open, provider, &connect)
        })
    };
    let Started::Ask(Callout::Http { headers, .. }, _) = connect(Fact::Absent) else {
        panic!()
    };
    assert!(headers.contains(&(b":path".to_vec(), Vec::new())));
    assert!(matches!(
        connect(Fact::Unavailable),
        Started::Over(Step::Allow(_))
    ));
}

#[test]
fn an_answer_is_read_for_the_providers_that_were_asked_only() {
    let policies = [custom("p", "h", "/x")];
    let asked_for = program(&policies, &[http(json!({}))], false);
    let unrelated = policy("q", json!({"rules": [{}]}));
    let with_policy = program(
        &[custom("p", "h", "/x"), unrelated],
        &[http(json!({}))],
        false,
    );
    let others = [
        program(&policies, &[http(json!({"port": 9}))], false),
        program(&policies, &[http(json!({"failOpen": true}))], false),
        program(&policies, &[], false),
        program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false),
    ];
    let yes: [HeaderLine<'_>; 1] = [(b":status", b"200")];
    let step_of = |later: &Program| {
        let (_, mut check) = begun(&asked_for, &on_x());
        on_x().with(|request| check.on(later, &response(&yes, b""), request))
    };
    assert!(matches!(step_of(&asked_for), Step::Allow(_)));
    assert!(matches!(step_of(&with_policy), Step::Allow(_)));
    for other in &others {
        assert_eq!(refused(step_of(other)).details, b"ext_authz_error");
    }
}

#[test]
fn a_yes_to_another_program_leaves_no_layer_out() {
    let before = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    let (_, resume) = asked(&before, &on_x());
    let after = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let verdict_of = |program: &Program| {
        on_x().with(|request| decide(program, &mut Scratch::default(), request, resume).verdict)
    };
    assert_eq!(verdict_of(&before), Verdict::Allow);
    assert!(matches!(verdict_of(&after), Verdict::Ask(_)));
}

#[test]
fn a_check_answers_once() {
    let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    let call = on_x();
    let (_, mut check) = begun(&program, &call);
    let headers: [HeaderLine<'_>; 1] = [(b":status", b"403")];
    call.with(|request| {
        refused(check.on(&program, &response(&headers, b""), request));
        assert_eq!(
            check.on(&program, &CalloutEvent::Failed, request),
            Step::Wait
        );
    });
}

#[test]
fn only_a_provider_that_is_there_may_be_asked() {
    let may_ask = |policies: &[Value]| program(policies, &[http(json!({}))], false).may_ask();
    assert!(may_ask(&[custom("p", "h", "/x")]));
    assert!(!may_ask(&[custom("p", "nobody", "/x")]));
    assert!(!may_ask(&[policy("p", json!({"rules": [{}]}))]));
}

#[test]
fn after_a_yes_the_other_policies_still_count() {
    let deny = policy(
        "d",
        json!({"action": "DENY", "rules": [to(json!({"paths": ["/x"]}))]}),
    );
    let program = program(&[custom("p", "h", "/x"), deny], &[http(json!({}))], false);
    let (_, resume) = asked(&program, &on_x());
    let decision = on_x().with(|request| {
        let decision = decide(&program, &mut Scratch::default(), request, resume);
        (decision.verdict, decision.stage)
    });
    assert_eq!(decision, (Verdict::Deny, Stage::Deny));
}

#[test]
fn an_unknown_provider_refuses_what_its_policy_matches() {
    let program = program(&[custom("p", "nobody", "/x")], &[http(json!({}))], false);
    let decision = decided(&program, &on_x());
    assert_eq!(decision.verdict, Verdict::Deny);
    let id = "istio-ext-authz-nobody-ns[a]-policy[p]-rule[0]-deny-due-to-bad-CUSTOM-action";
    assert_eq!(decision.rule, Some(id));
    assert_eq!(decided(&program, &get("/y")).verdict, Verdict::Allow);
}

#[test]
fn several_providers_need_the_option() {
    let policies = [custom("p", "h", "/x"), custom("q", "g", "/x")];
    let providers = [http(json!({})), grpc(json!({}))];
    assert_eq!(
        decided(&program(&policies, &providers, false), &on_x()).verdict,
        Verdict::Deny
    );
    let both = program(&policies, &providers, true);
    let (first, resume) = asked(&both, &on_x());
    let second = on_x().with(|request| decide(&both, &mut Scratch::default(), request, resume));
    let Verdict::Ask(provider) = second.verdict else {
        panic!()
    };
    assert_ne!(first, provider);
    let last = on_x()
        .with(|request| decide(&both, &mut Scratch::default(), request, second.resume).verdict);
    assert_eq!(last, Verdict::Allow);
}

#[test]
fn a_custom_dry_run_asks_all_the_same() {
    let mut policy = custom("p", "h", "/x");
    policy["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
    assert!(matches!(
        decided(&program(&[policy], &[http(json!({}))], false), &on_x()).verdict,
        Verdict::Ask(_)
    ));
}
