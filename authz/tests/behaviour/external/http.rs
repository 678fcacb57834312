//! Providers that speak HTTP.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

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
