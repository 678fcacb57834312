//! Providers that speak gRPC.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn a_grpc_check_is_the_request_as_a_message() {
    let program = program(&[custom("p", "g", "/x")], &[grpc(json!({}))], false);
    let call = Call {
        headers: vec![
            ("x-request-id", "id"),
            ("a", "1"),
            ("a", "2"),
            ("b", ""),
            ("b", "2"),
            ("x-envoy-auth-partial-body", "true"),
        ],
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
    assert_eq!(http.headers["b"], ",2");
    assert!(!http.headers.contains_key("x-envoy-auth-partial-body"));
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
    let Step::Allow(edits) = answered(&program, &call, &CalloutEvent::GrpcMessage(&message)) else {
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
    match answered(&program, call, &CalloutEvent::GrpcMessage(&event)) {
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
    let reply = refused(answered(
        &program,
        &on_x(),
        &CalloutEvent::GrpcMessage(&message),
    ));
    assert_eq!((reply.status, reply.body.as_slice()), (429, &b"later"[..]));
    assert_eq!(reply.headers, [(b"x-a".to_vec(), b"1".to_vec())]);
    let bare = CheckResponse {
        status: Some(Status { code: 16 }),
        denied: None,
        allowed: None,
    }
    .encode_to_vec();
    assert_eq!(
        refused(answered(
            &program,
            &on_x(),
            &CalloutEvent::GrpcMessage(&bare)
        ))
        .status,
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
        refused(answered(
            &program,
            &on_x(),
            &CalloutEvent::GrpcMessage(&event),
        ))
        .status
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
        CalloutEvent::GrpcClosed(0),
        CalloutEvent::GrpcClosed(14),
        CalloutEvent::Failed,
        CalloutEvent::GrpcMessage(b"\xff"),
    ] {
        assert_eq!(
            refused(answered(&program, &on_x(), &event)).details,
            b"ext_authz_error",
            "{event:?}"
        );
    }
}
