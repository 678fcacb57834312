//! Routes that answer by themselves, and what routers and browsers are told.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What a route sets takes the place of what its answer has; what it adds does not.
#[test]
fn headers_of_an_answer_are_the_routes() {
    let mut proxy = Proxy::of(json!({"http": [{"redirect": {"uri": "/new"}, "headers":
        {"response": {"set": {"location": "/other", "x": "1"}, "add": {"y": "2"}}}}]}));
    let reply = proxy.reply("/", &[]);
    let lines = reply.headers.iter().map(|(name, value)| {
        let [name, value] = [name, value].map(|text| String::from_utf8_lossy(text).into_owned());
        name + "=" + &value
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    assert_eq!(lines, ["location=/other", "x=1", "y=2"]);
}

/// A port of the listener has to be known.
#[test]
fn only_a_redirect_to_the_listeners_port_asks_for_it() {
    let asks = |redirect: Value| {
        let proxy = Proxy::of(json!({"http": [{"redirect": redirect}]}));
        let mut demand = proxy.program.demand().iter();
        demand.any(|attribute| attribute == sluice_policy::Attribute::DestinationAddress)
    };
    assert!(asks(
        json!({"authority": "c", "derivePort": "FROM_REQUEST_PORT"})
    ));
    assert!(!asks(
        json!({"authority": "c", "derivePort": "FROM_PROTOCOL_DEFAULT"})
    ));
    assert!(!asks(json!({"authority": "c", "port": 81})));
}

#[test]
fn redirects_are_written_as_by_envoy() {
    let cases = [
        (
            json!({"uri": "/new"}),
            "/a?k=v",
            "http",
            "http://b:8080/new?k=v",
        ),
        (
            json!({"uri": "/new?x"}),
            "/a?k=v",
            "http",
            "http://b:8080/new?x",
        ),
        (json!({"uri": "new"}), "/a", "http", "http://b:8080/new"),
        (json!({"authority": "c"}), "/a?k", "http", "http://c/a?k"),
        (json!({"scheme": "https"}), "/a", "http", "https://b:8080/a"),
        (json!({"port": 81}), "/a", "http", "http://b:81/a"),
        (json!({"port": 80}), "/a", "http", "http://b:8080/a"),
        (
            json!({"port": 443, "scheme": "https", "authority": "c"}),
            "/a",
            "http",
            "https://c/a",
        ),
        (
            json!({"derivePort": "FROM_REQUEST_PORT", "authority": "c"}),
            "/a",
            "http",
            "http://c:8080/a",
        ),
        (
            json!({"derivePort": "FROM_PROTOCOL_DEFAULT"}),
            "/a",
            "http",
            "http://b:8080/a",
        ),
        (
            json!({"uri": "%PREFIX()%/n"}),
            "/a/x?k",
            "https",
            "https://b:8080/n/x?k",
        ),
        (
            json!({"prefixRewrite": "/n"}),
            "/a/x",
            "http",
            "http://b:8080/n/x",
        ),
    ];
    for (redirect, path, scheme, location) in cases {
        let mut proxy = Proxy::of(json!({"http": [
            {"match": [{"uri": {"prefix": "/a"}}], "redirect": redirect}]}));
        let reply = proxy.reply(path, &[(":scheme", scheme), ("x-forwarded-proto", scheme)]);
        assert_eq!(header_of(&reply, "location"), Some(location), "{redirect}");
        assert_eq!(reply.status, 301);
    }
    let mut proxy = Proxy::of(
        json!({"http": [{"redirect": {"scheme": "https", "redirectCode": 308},
        "headers": {"response": {"set": {"x": "y"}, "add": {"z": "1"}}}}]}),
    );
    let table = [
        ("b:80", "https://b/"),
        ("b:443", "https://b:443/"),
        ("b", "https://b/"),
    ];
    for (authority, location) in table {
        let reply = proxy.reply(
            "/",
            &[(":authority", authority), ("x-forwarded-proto", "http")],
        );
        assert_eq!(header_of(&reply, "location"), Some(location));
        assert_eq!(
            (reply.status, header_of(&reply, "x"), header_of(&reply, "z")),
            (308, Some("y"), Some("1"))
        );
    }
}

#[test]
fn a_route_answers_by_itself_and_none_is_404() {
    let mut proxy = Proxy::of(json!({"http": [
        {"match": [{"uri": {"exact": "/a"}}], "directResponse": {"status": 503, "body": {"string": "no"}}},
        {"match": [{"uri": {"exact": "/b"}}], "directResponse": {"status": 200, "body": {"bytes": "AAE="}}},
    ]}));
    let reply = proxy.reply("/a", &[]);
    assert_eq!(
        (reply.status, &*reply.body, &*reply.details),
        (503, &b"no"[..], &b"direct_response"[..])
    );
    assert_eq!(proxy.reply("/b", &[]).body, [0, 1]);
    let reply = proxy.reply("/c", &[]);
    assert_eq!(
        (reply.status, &*reply.details),
        (404, &b"route_not_found"[..])
    );
}

#[test]
fn pages_of_other_origins_are_answered() {
    let mut proxy = Proxy::of(json!({"http": [{"route": to_b(), "corsPolicy": {
        "allowOrigins": [{"exact": "https://a.com"}, {"regex": "https://[a-z]+[.]b[.]com"}],
        "allowMethods": ["GET", "POST"], "allowHeaders": ["x-a"], "exposeHeaders": ["x-b", "x-c"],
        "maxAge": "24h", "allowCredentials": true}}]}));
    let sent = |became: Became| match became {
        Became::Sent { response, .. } => response,
        other => panic!("{other:?}"),
    };
    let expected = [
        "access-control-allow-origin=https://x.b.com",
        "access-control-allow-credentials=true",
        "access-control-expose-headers=x-b,x-c",
    ];
    assert_eq!(
        sent(proxy.send("/", &[("origin", "https://x.b.com")])),
        expected
    );
    for headers in [
        &[("origin", "https://evil.com")][..],
        &[("origin", "")],
        &[],
    ] {
        assert_eq!(sent(proxy.send("/", headers)), [""; 0]);
    }
    let asks = ("access-control-request-method", "POST");
    let options = (":method", "OPTIONS");
    let reply = proxy.reply("/", &[options, asks, ("origin", "https://a.com")]);
    let names = [
        "allow-origin",
        "allow-credentials",
        "allow-methods",
        "allow-headers",
        "max-age",
    ];
    let values = names.map(|name| header_of(&reply, &format!("access-control-{name}")).unwrap());
    assert_eq!(
        values,
        ["https://a.com", "true", "GET,POST", "x-a", "86400"]
    );
    assert_eq!(reply.status, 200);
    // Others' questions go on, unless they are to be ignored.
    assert_eq!(
        sent(proxy.send("/", &[options, asks, ("origin", "https://evil.com")])),
        [""; 0]
    );
    assert_eq!(
        sent(proxy.send("/", &[options, ("origin", "https://a.com")])).len(),
        3
    );
    let mut proxy = Proxy::of(json!({"http": [{"route": to_b(), "corsPolicy": {
        "allowOrigin": ["*"], "unmatchedPreflights": "IGNORE"}}]}));
    assert_eq!(
        sent(proxy.send("/", &[("origin", "x")])),
        ["access-control-allow-origin=x"]
    );
    let mut proxy = Proxy::of(json!({"http": [{"route": to_b(), "corsPolicy": {
        "allowOrigin": ["y"], "unmatchedPreflights": "IGNORE"}}]}));
    assert!(
        proxy
            .reply("/", &[options, asks, ("origin", "x")])
            .headers
            .is_empty()
    );
}

#[test]
fn a_client_may_say_how_long_and_how_often() {
    let mut proxy = Proxy::of(json!({"http": [{"route": to_b(), "timeout": "2s",
        "retries": {"attempts": 2, "retryOn": "5xx,unavailable,503"}}]}));
    let expected = [
        "x-envoy-upstream-rq-timeout-ms=2000",
        "x-envoy-max-retries=2",
        "x-envoy-retry-on=5xx,retriable-status-codes",
        "x-envoy-retry-grpc-on=unavailable",
        "x-envoy-retriable-status-codes=503",
    ];
    assert_eq!(proxy.request_of("/", &[]), expected);
    let own = [
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-max-retries", "9"),
        ("x-envoy-retry-on", "reset"),
    ];
    let expected = [
        "x-envoy-retry-on=reset,5xx,retriable-status-codes",
        "x-envoy-retry-grpc-on=unavailable",
        "x-envoy-retriable-status-codes=503",
    ];
    assert_eq!(proxy.request_of("/", &own), expected);
    let mut none = Proxy::of(json!({"http": [{"route": to_b(), "retries": {"attempts": 0}}]}));
    assert_eq!(none.request_of("/", &[]), ["x-envoy-max-retries=0"]);
    let mut default = Proxy::of(json!({"http": [{"route": to_b(), "retries": {"attempts": 1}}]}));
    let expected = [
        "x-envoy-max-retries=1",
        "x-envoy-retry-on=connect-failure,refused-stream,retriable-status-codes",
        "x-envoy-retry-grpc-on=unavailable,cancelled",
    ];
    assert_eq!(default.request_of("/", &[]), expected);
}
