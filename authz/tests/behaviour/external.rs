//! CUSTOM policies and external authorization.

use crate::messages::{
    Allowed, BoolValue, CheckRequest, CheckResponse, Denied, EnvoyGrpc, GrpcService, HeaderValue,
    HeaderValueOption, HttpStatus, QueryParameter, Status,
};
use prost::Message;
use serde_json::{Value, json};
use sluice_authz::ext_authz::{Callout, Check, Edits, Event, Started, Step, start};
use sluice_authz::{Program, ProviderId, Resume, Scratch, Stage, Verdict, decide};
use sluice_policy::{Attribute, Fact, HeaderEdit, HeaderLine, Reply, Request};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{Call, by, configured, decided, get, policy, to};

fn custom(name: &str, provider: &str, path: &str) -> Value {
    policy(
        name,
        json!({"action": "CUSTOM", "provider": {"name": provider}, "rules": [to(json!({"paths": [path]}))]}),
    )
}

fn http(extra: Value) -> Value {
    let mut http = json!({"service": "ns/authz.example", "port": 8000});
    http.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"name": "h", "envoyExtAuthzHttp": http})
}

fn grpc(extra: Value) -> Value {
    let mut grpc = json!({"service": "authz.example", "port": 9000});
    grpc.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"name": "g", "envoyExtAuthzGrpc": grpc})
}

fn program(policies: &[Value], providers: &[Value], multiple: bool) -> Program {
    let config = json!({
        "resources": policies,
        "mesh": {"extensionProviders": providers},
        "multipleCustomProviders": multiple,
    });
    let (program, diagnostics) = configured(&config);
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

fn asked(program: &Program, call: &Call) -> (ProviderId, Resume) {
    let decision = decided(program, call);
    match decision.verdict {
        Verdict::Ask(provider) => (provider, decision.resume),
        other => panic!("{other:?}"),
    }
}

fn begun(program: &Program, call: &Call) -> (Callout, Check) {
    let (provider, _) = asked(program, call);
    match call.with(|request| start(program, provider, request)) {
        Started::Ask(callout, check) => (callout, check),
        Started::Over(step) => panic!("{step:?}"),
    }
}

fn answered(program: &Program, call: &Call, event: &Event<'_>) -> Step {
    let (_, mut check) = begun(program, call);
    call.with(|request| check.on(program, event, request))
}

fn response<'h>(headers: &'h [HeaderLine<'h>], body: &'h [u8]) -> Event<'h> {
    Event::HttpResponse { headers, body }
}

fn refused(step: Step) -> Reply {
    match step {
        Step::Deny(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn on_x() -> Call {
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
fn an_http_check_is_the_request_without_body() {
    let options = json!({
        "pathPrefix": "/check",
        "timeout": "0.5s",
        "includeRequestHeadersInCheck": ["x-keep", "x-all-*"],
        "includeAdditionalHeadersInCheck": {"x-added": "v", "x-keep": "mine"},
    });
    let program = program(&[custom("p", "h", "/x")], &[http(options)], false);
    let headers = [
        ("authorization", "t"),
        ("x-all-1", "a"),
        ("x-all-1", "b"),
        ("x-no", "n"),
        ("x-keep", "theirs"),
    ];
    let call = Call {
        headers: headers.to_vec(),
        ..on_x()
    };
    let (
        Callout::Http {
            cluster,
            headers,
            timeout_ms,
        },
        _,
    ) = begun(&program, &call)
    else {
        panic!()
    };
    assert_eq!(
        (cluster.as_str(), timeout_ms),
        ("outbound|8000||authz.example", 500)
    );
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()))
        .collect();
    let expected = [
        ":method: GET",
        ":path: /check/x?q=1",
        ":authority: host",
        "content-length: 0",
        "authorization: t",
        "x-all-1: a,b",
        "x-added: v",
        "x-keep: mine",
    ];
    assert_eq!(lines, expected);
}

/// The body stays here, and the check has an authority of its own.
#[test]
fn the_framing_of_a_request_is_never_sent_along() {
    let options = json!({"includeRequestHeadersInCheck": ["*"]});
    let program = program(&[custom("p", "h", "/x")], &[http(options)], false);
    let headers = [
        (":scheme", "http"),
        ("host", "other"),
        ("content-length", "7"),
        ("x", "1"),
    ];
    let call = Call {
        headers: headers.to_vec(),
        ..on_x()
    };
    let (Callout::Http { headers, .. }, _) = begun(&program, &call) else {
        panic!()
    };
    let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let expected = [
        line(":method", "GET"),
        line(":path", "/x?q=1"),
        line(":authority", "host"),
        line("content-length", "0"),
        line("x", "1"),
    ];
    assert_eq!(headers, expected);
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
fn a_200_allows_and_hands_the_listed_headers_on() {
    let options = json!({"headersToUpstreamOnAllow": ["x-user*"], "headersToDownstreamOnAllow": ["set-cookie"]});
    let program = program(&[custom("p", "h", "/x")], &[http(options)], false);
    let headers: [HeaderLine<'_>; 4] = [
        (b":status", b"200"),
        (b"x-user-id", b"7"),
        (b"set-cookie", b"c"),
        (
            b"x-envoy-auth-headers-to-remove",
            b"X-Secret, :path,,host, ",
        ),
    ];
    let Step::Allow(edits) = answered(&program, &on_x(), &response(&headers, b"")) else {
        panic!()
    };
    let set = HeaderEdit::Set(b"x-user-id".to_vec(), b"7".to_vec());
    assert_eq!(
        edits.request,
        [set, HeaderEdit::Remove(b"x-secret".to_vec())]
    );
    assert_eq!(
        edits.response,
        [HeaderEdit::Append(b"set-cookie".to_vec(), b"c".to_vec())]
    );
}

#[test]
fn another_status_refuses_with_what_the_provider_says() {
    let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    let headers: [HeaderLine<'_>; 4] = [
        (b":status", b"401"),
        (b"x-why", b"no"),
        (b"content-length", b"3"),
        (b"host", b"h"),
    ];
    let reply = refused(answered(&program, &on_x(), &response(&headers, b"who")));
    assert_eq!((reply.status, reply.body.as_slice()), (401, &b"who"[..]));
    assert_eq!(reply.details, b"ext_authz_denied");
    assert_eq!(reply.headers, [(b"x-why".to_vec(), b"no".to_vec())]);
}

/// What refuses keeps its status; what failed is 403.
#[test]
fn a_status_allows_refuses_or_fails() {
    let program = program(&[custom("p", "h", "/x")], &[http(json!({}))], false);
    let (refuses, failed) = (&b"ext_authz_denied"[..], &b"ext_authz_error"[..]);
    let table = [
        ("100", 100, refuses),
        ("199", 199, refuses),
        ("201", 201, refuses),
        ("499", 499, refuses),
        ("500", 403, failed),
        ("599", 403, failed),
        ("600", 600, refuses),
        ("999", 999, refuses),
        ("099", 403, failed),
        ("1000", 403, failed),
        ("0200", 403, failed),
        ("20", 403, failed),
        ("", 403, failed),
        ("+20", 403, failed),
    ];
    for (status, expected, details) in table {
        let headers: [HeaderLine<'_>; 1] = [(b":status", status.as_bytes())];
        let reply = refused(answered(&program, &on_x(), &response(&headers, b"")));
        let found = (reply.status, reply.details.as_slice());
        assert_eq!(found, (expected, details), "{status}");
    }
}

#[test]
fn a_list_of_headers_for_the_client_still_lets_challenges_pass() {
    let options = json!({"headersToDownstreamOnDeny": ["x-a"]});
    let program = program(&[custom("p", "h", "/x")], &[http(options)], false);
    let headers: [HeaderLine<'_>; 5] = [
        (b":status", b"302"),
        (b"location", b"/login"),
        (b"www-authenticate", b"B"),
        (b"x-a", b"1"),
        (b"x-b", b"2"),
    ];
    let names: Vec<Vec<u8>> = refused(answered(&program, &on_x(), &response(&headers, b"")))
        .headers
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, [&b"location"[..], b"www-authenticate", b"x-a"]);
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
        refused(answered(&strange, &on_x(), &Event::Failed)).status,
        500
    );
    let open = program(
        &[custom("p", "h", "/x")],
        &[http(json!({"failOpen": true}))],
        false,
    );
    assert!(
        matches!(answered(&open, &on_x(), &Event::Failed), Step::Allow(edits) if edits == Default::default())
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
        assert_eq!(check.on(&program, &Event::Failed, request), Step::Wait);
    });
}

#[test]
fn a_grpc_check_is_the_request_as_a_message() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let call = Call {
        headers: vec![("x-request-id", "id"), ("a", "1"), ("a", "2")],
        ..on_x()
    };
    let (
        Callout::Grpc {
            cluster,
            target,
            service,
            method,
            message,
            timeout_ms,
        },
        _,
    ) = begun(&program, &call)
    else {
        panic!()
    };
    assert_eq!(
        (cluster.as_str(), timeout_ms),
        ("outbound|9000||authz.example", 600_000)
    );
    assert_eq!(
        (service, method),
        ("envoy.service.auth.v3.Authorization", "Check")
    );
    let grpc = GrpcService::decode(target.as_slice()).unwrap().envoy_grpc;
    assert_eq!(
        grpc,
        Some(EnvoyGrpc {
            cluster_name: "outbound|9000||authz.example".to_owned(),
            authority: "outbound_.9000_._.authz.example".to_owned(),
        })
    );
    let attributes = CheckRequest::decode(message.as_slice())
        .unwrap()
        .attributes
        .unwrap();
    let http = attributes.request.unwrap().http.unwrap();
    assert_eq!(
        (
            http.id.as_str(),
            http.method.as_str(),
            http.path.as_str(),
            http.host.as_str()
        ),
        ("id", "GET", "/x?q=1", "host")
    );
    assert_eq!(http.headers["a"], "1,2");
    assert_eq!(http.headers[":path"], "/x?q=1");
    let source = attributes
        .source
        .unwrap()
        .address
        .unwrap()
        .socket_address
        .unwrap();
    assert_eq!(
        (source.address.as_str(), source.port_value),
        ("10.0.0.1", 40000)
    );
}

#[test]
fn a_grpc_check_has_scheme_size_and_both_ends() {
    let any = json!({"action": "CUSTOM", "provider": {"name": "g"}, "rules": [{}]});
    let program = program(&[policy("p", any)], &[grpc(json!({}))], false);
    let attributes = |headers: &[(&'static str, &'static str)]| {
        let call = Call {
            headers: headers.to_vec(),
            ..by("spiffe://td/ns/n/sa/s")
        };
        let (Callout::Grpc { message, .. }, _) = begun(&program, &call) else {
            panic!()
        };
        let check = CheckRequest::decode(message.as_slice()).unwrap();
        check.attributes.unwrap()
    };
    let known = attributes(&[(":scheme", "https"), ("content-length", "7")]);
    let http = known.request.unwrap().http.unwrap();
    assert_eq!((http.scheme.as_str(), http.size), ("https", 7));
    assert_eq!(known.source.unwrap().principal, "spiffe://td/ns/n/sa/s");
    let destination = known.destination.unwrap();
    assert_eq!(destination.principal, "");
    let address = destination.address.unwrap().socket_address.unwrap();
    assert_eq!(
        (address.address.as_str(), address.port_value),
        ("10.0.0.2", 8080)
    );
    let unknown = attributes(&[]).request.unwrap().http.unwrap();
    assert_eq!((unknown.scheme.as_str(), unknown.size), ("", -1));
}

#[test]
fn only_a_provider_that_is_there_may_be_asked() {
    let may_ask = |policies: &[Value]| program(policies, &[http(json!({}))], false).may_ask();
    assert!(may_ask(&[custom("p", "h", "/x")]));
    assert!(!may_ask(&[custom("p", "nobody", "/x")]));
    assert!(!may_ask(&[policy("p", json!({"rules": [{}]}))]));
}

fn option(name: &str, value: &str, append: Option<bool>, append_action: i32) -> HeaderValueOption {
    let header = HeaderValue {
        key: name.into(),
        value: value.into(),
        raw_value: Vec::new(),
    };
    let append = append.map(|value| BoolValue { value });
    HeaderValueOption {
        header: Some(header),
        append,
        append_action,
    }
}

#[test]
fn a_grpc_yes_carries_edits() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let allowed = Allowed {
        headers: vec![
            option("X-Set", "1", None, 0),
            option("a", "3", Some(true), 0),
            option("absent", "3", Some(true), 0),
            option("", "no name", None, 0),
        ],
        headers_to_remove: [&b"x-gone"[..], b":authority", b"Host", b""]
            .map(Into::into)
            .into(),
        response_headers_to_add: vec![option("r", "1", None, 0), option("s", "1", None, 2)],
        ..Allowed::default()
    };
    let message = CheckResponse {
        status: Some(Status { code: 0 }),
        denied: None,
        allowed: Some(allowed),
    }
    .encode_to_vec();
    let call = Call {
        headers: vec![("a", "1"), ("a", "2")],
        ..on_x()
    };
    let Step::Allow(edits) = answered(&program, &call, &Event::GrpcMessage(&message)) else {
        panic!()
    };
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let set = |name: &str, value: &str| HeaderEdit::Set(pair(name, value).0, pair(name, value).1);
    assert_eq!(
        edits.request,
        [
            set("x-set", "1"),
            set("a", "1,2,3"),
            HeaderEdit::Remove(b"x-gone".to_vec())
        ]
    );
    assert_eq!(
        edits.response,
        [
            HeaderEdit::Append(b"r".to_vec(), b"1".to_vec()),
            set("s", "1")
        ]
    );
}

fn allowed_by_grpc(allowed: Allowed, call: &Call) -> Edits {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let message = CheckResponse {
        status: Some(Status { code: 0 }),
        denied: None,
        allowed: Some(allowed),
    };
    let event = message.encode_to_vec();
    match answered(&program, call, &Event::GrpcMessage(&event)) {
        Step::Allow(edits) => edits,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grpc_yes_may_edit_the_query() {
    let allowed = Allowed {
        query_parameters_to_set: vec![QueryParameter {
            key: b"user".to_vec(),
            value: b"7".to_vec(),
        }],
        query_parameters_to_remove: vec![b"q".to_vec()],
        ..Allowed::default()
    };
    let edits = allowed_by_grpc(allowed, &on_x());
    assert_eq!(edits.path.as_deref(), Some(&b"/x?user=7"[..]));
}

#[test]
fn a_header_may_come_as_raw_bytes() {
    let header = |value: &[u8]| HeaderValueOption {
        header: Some(HeaderValue {
            key: b"x".to_vec(),
            value: value.to_vec(),
            raw_value: b"\xff".to_vec(),
        }),
        ..HeaderValueOption::default()
    };
    let allowed = Allowed {
        headers: vec![header(b""), header(b"text")],
        ..Allowed::default()
    };
    let set = |value: &[u8]| HeaderEdit::Set(b"x".to_vec(), value.to_vec());
    let edits = allowed_by_grpc(allowed, &on_x());
    assert_eq!(edits.request, [set(b"\xff"), set(b"text")]);
}

/// `append_action`: 0 `APPEND_IF_EXISTS_OR_ADD`, 1 `ADD_IF_ABSENT`,
/// 2 `OVERWRITE_IF_EXISTS_OR_ADD`, 3 `OVERWRITE_IF_EXISTS`.
#[test]
fn in_responses_the_older_form_of_appending_wins() {
    let table = [
        (None, 0, false),
        (None, 1, false),
        (None, 2, true),
        (None, 3, true),
        (Some(true), 2, false),
        (Some(false), 0, true),
    ];
    for (append, action, overwrites) in table {
        let allowed = Allowed {
            response_headers_to_add: vec![option("r", "1", append, action)],
            ..Allowed::default()
        };
        let (name, value) = (b"r".to_vec(), b"1".to_vec());
        let expected = match overwrites {
            true => HeaderEdit::Set(name, value),
            false => HeaderEdit::Append(name, value),
        };
        assert_eq!(
            allowed_by_grpc(allowed, &on_x()).response,
            [expected],
            "{append:?} {action}"
        );
    }
}

#[test]
fn a_grpc_no_carries_a_reply() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let denied = Denied {
        status: Some(HttpStatus { code: 429 }),
        headers: vec![
            option("x-a", "1", None, 0),
            option(":status", "200", None, 0),
        ],
        body: b"later".to_vec(),
    };
    let message = CheckResponse {
        status: Some(Status { code: 7 }),
        denied: Some(denied),
        allowed: None,
    }
    .encode_to_vec();
    let reply = refused(answered(&program, &on_x(), &Event::GrpcMessage(&message)));
    assert_eq!((reply.status, reply.body.as_slice()), (429, &b"later"[..]));
    assert_eq!(reply.headers, [(b"x-a".to_vec(), b"1".to_vec())]);
    let bare = CheckResponse {
        status: Some(Status { code: 16 }),
        denied: None,
        allowed: None,
    }
    .encode_to_vec();
    assert_eq!(
        refused(answered(&program, &on_x(), &Event::GrpcMessage(&bare))).status,
        403
    );
}

#[test]
fn a_grpc_no_without_a_status_of_http_is_403() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let status_of = |code: i32| {
        let denied = Denied {
            status: Some(HttpStatus { code }),
            ..Denied::default()
        };
        let no = CheckResponse {
            status: Some(Status { code: 7 }),
            denied: Some(denied),
            allowed: None,
        };
        let event = no.encode_to_vec();
        refused(answered(&program, &on_x(), &Event::GrpcMessage(&event))).status
    };
    for status in [200, 599] {
        assert_eq!(i32::from(status_of(status)), status);
    }
    for none in [i32::MIN, -1, 0, 199, 600, 65_536 + 200] {
        assert_eq!(status_of(none), 403, "{none}");
    }
}

#[test]
fn a_grpc_call_without_a_message_has_failed() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    for event in [
        Event::GrpcClosed(0),
        Event::GrpcClosed(14),
        Event::Failed,
        Event::GrpcMessage(b"\xff"),
    ] {
        assert_eq!(
            refused(answered(&program, &on_x(), &event)).details,
            b"ext_authz_error",
            "{event:?}"
        );
    }
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
