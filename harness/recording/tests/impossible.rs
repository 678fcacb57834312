//! What no Envoy records is refused; what one does record, however odd, is not.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use sluice_recording::{AttributeValue, Code, Diagnostic, Exchange, Reader};

fn read(line: &str) -> Result<Exchange<'static>, Vec<Diagnostic>> {
    let text = format!("{{\"recording\":\"sluice/v1\",\"source\":\"manual\"}}\n{line}\n");
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    reader.read().map(|exchange| exchange.unwrap().into_owned())
}

/// A line with the parts that a case names in place of ordinary ones.
fn line(part: &str, json: &str) -> String {
    let pick = |name: &str, ordinary: &str| {
        let chosen = if part == name { json } else { ordinary };
        chosen.to_owned()
    };
    format!(
        r#"{{"id":"a","attributes":{{{}}},"request":{{"headers":[{}]{}}},"response":{{"headers":[{}]{}}}{}}}"#,
        pick("attributes", ""),
        pick("request", r#"[":method","GET"]"#),
        pick("in request", ""),
        pick("response", r#"[":status","200"]"#),
        pick("in response", ""),
        pick("expect", ""),
    )
}

#[test]
fn what_no_envoy_records_is_refused() {
    use Code::{DuplicateField, InvalidValue, MissingField};
    let method = r#"[":method","GET"],"#;
    let name = "the name of a header: letters, digits and !#$%&'*+-.^_`|~";
    let value = "a value without NUL, CR and LF";
    let status = "a status from 100 to 999";
    let address = r#"an address with its port from 1, such as "10.0.0.9:8080" or "[::1]:80""#;
    let peer = r#"an address with its port, such as "10.0.0.7:40412" or "[::1]:80""#;
    let duration = r#"a duration of 0 or more, such as "0.25s""#;
    let pseudo = "one of `:method`, `:scheme`, `:authority`, `:path`, `:protocol`";
    let mtls = "true, for only mutual TLS shows the peer's certificate";
    let whole = "it, or `partial` beside a list that is not whole";
    #[rustfmt::skip]
    let cases = [
        // Names.
        ("request", format!(r#"{method}["x y","1"]"#), InvalidValue, "request.headers[1][0]", "`x y`", name),
        ("request", format!(r#"{method}["x{{y","1"]"#), InvalidValue, "request.headers[1][0]", "`x{y`", name),
        ("request", format!(r#"{method}["é","1"]"#), InvalidValue, "request.headers[1][0]", "`é`", name),
        ("request", format!(r#"{method}[":","1"]"#), InvalidValue, "request.headers[1][0]", "`:`", name),
        ("request", format!(r#"{method}["X-A","1"]"#), InvalidValue, "request.headers[1][0]", "`X-A`", "a name in lower case"),
        ("response", r#"[":status","200"],["a:b","1"]"#.to_owned(), InvalidValue, "response.headers[1][0]", "`a:b`", name),
        ("in request", r#","trailers":[["a b","1"]]"#.to_owned(), InvalidValue, "request.trailers[0][0]", "`a b`", name),
        ("in request", r#","partial":{"absent":["X"]}"#.to_owned(), InvalidValue, "request.partial.absent[0]", "`X`", "a name in lower case"),
        ("expect", r#","expect":{"response_headers":{"X-A":null}}"#.to_owned(), InvalidValue, "expect.response_headers[`X-A`]", "`X-A`", "a name in lower case"),
        ("expect", r#","expect":{"request_headers":{"":null}}"#.to_owned(), InvalidValue, "expect.request_headers[``]", "``", name),
        // Values.
        ("request", format!(r#"{method}["a","b\u0000"]"#), InvalidValue, "request.headers[1][1]", "`b\\u{0}`", value),
        ("request", format!(r#"{method}["a","b\rc"]"#), InvalidValue, "request.headers[1][1]", "`b\\rc`", value),
        ("request", format!(r#"{method}["a","b\nc: d"]"#), InvalidValue, "request.headers[1][1]", "`b\\nc: d`", value),
        ("request", format!(r#"{method}["a",{{"base64":"/wo="}}]"#), InvalidValue, "request.headers[1][1]", "`\u{fffd}\\n`", value),
        ("in response", r#","trailers":[["a","\n"]]"#.to_owned(), InvalidValue, "response.trailers[0][1]", "`\\n`", value),
        ("attributes", r#""request.path":"/a\nb""#.to_owned(), InvalidValue, "attributes[`request.path`]", r#"`"/a\nb"`"#, "text without NUL, CR and LF"),
        // Pseudo-headers.
        ("request", format!(r#"{method}[":path","/a"],[":path","/b"]"#), DuplicateField, "request.headers[2][0]", "`:path`", "one line of it"),
        ("request", format!(r#"{method}["a","1"],{}"#, r#"[":method","PUT"]"#), DuplicateField, "request.headers[2][0]", "`:method`", "one line of it"),
        ("request", r#"[":path","/"]"#.to_owned(), MissingField, "request.headers", "no `:method`", whole),
        ("request", String::new(), MissingField, "request.headers", "no `:method`", whole),
        ("request", format!(r#"{method}[":status","200"]"#), InvalidValue, "request.headers[1][0]", "`:status`", pseudo),
        ("request", format!(r#"{method}[":trace","1"]"#), InvalidValue, "request.headers[1][0]", "`:trace`", pseudo),
        ("response", r#"["a","1"]"#.to_owned(), MissingField, "response.headers", "no `:status`", whole),
        ("response", r#"[":status","200"],[":path","/"]"#.to_owned(), InvalidValue, "response.headers[1][0]", "`:path`", "one of `:status`"),
        ("in response", r#","trailers":[[":status","200"]]"#.to_owned(), InvalidValue, "response.trailers[0][0]", "`:status`", "no pseudo-header in trailers"),
        // Statuses.
        ("response", r#"[":status","99"]"#.to_owned(), InvalidValue, "response.headers[0][1]", "`99`", status),
        ("response", r#"[":status","099"]"#.to_owned(), InvalidValue, "response.headers[0][1]", "`099`", status),
        ("response", r#"[":status","1000"]"#.to_owned(), InvalidValue, "response.headers[0][1]", "`1000`", status),
        ("response", r#"[":status","2x0"]"#.to_owned(), InvalidValue, "response.headers[0][1]", "`2x0`", status),
        ("attributes", r#""response.code":99"#.to_owned(), InvalidValue, "attributes[`response.code`]", "`99`", status),
        ("attributes", r#""response.code":1000"#.to_owned(), InvalidValue, "attributes[`response.code`]", "`1000`", status),
        ("expect", r#","expect":{"status":99}"#.to_owned(), InvalidValue, "expect.status", "`99`", status),
        // Addresses and ports.
        ("attributes", r#""source.address":"10.0.0.7""#.to_owned(), InvalidValue, "attributes[`source.address`]", r#"`"10.0.0.7"`"#, peer),
        ("attributes", r#""source.address":"10.0.0.7:65536""#.to_owned(), InvalidValue, "attributes[`source.address`]", r#"`"10.0.0.7:65536"`"#, peer),
        ("attributes", r#""destination.address":"b:80""#.to_owned(), InvalidValue, "attributes[`destination.address`]", r#"`"b:80"`"#, address),
        ("attributes", r#""destination.address":"10.0.0.9:0""#.to_owned(), InvalidValue, "attributes[`destination.address`]", r#"`"10.0.0.9:0"`"#, address),
        ("attributes", r#""upstream.address":"""#.to_owned(), InvalidValue, "attributes[`upstream.address`]", r#"`""`"#, address),
        ("attributes", r#""destination.port":0"#.to_owned(), InvalidValue, "attributes[`destination.port`]", "`0`", "a port from 1 to 65535"),
        ("attributes", r#""upstream.port":65536"#.to_owned(), InvalidValue, "attributes[`upstream.port`]", "`65536`", "a port from 1 to 65535"),
        ("attributes", r#""source.port":65536"#.to_owned(), InvalidValue, "attributes[`source.port`]", "`65536`", "a port up to 65535, or 0 where there is none"),
        ("attributes", r#""source.port":-1"#.to_owned(), InvalidValue, "attributes[`source.port`]", "`-1`", "a port up to 65535, or 0 where there is none"),
        // Certificates.
        ("attributes", r#""connection.mtls":false,"connection.uri_san_peer_certificate":"spiffe://a/b""#.to_owned(), InvalidValue, "attributes[`connection.mtls`]", "`false` beside `connection.uri_san_peer_certificate`", mtls),
        ("attributes", r#""connection.subject_peer_certificate":"CN=a","connection.mtls":false"#.to_owned(), InvalidValue, "attributes[`connection.mtls`]", "`false` beside `connection.subject_peer_certificate`", mtls),
        ("attributes", r#""connection.mtls":false,"connection.dns_san_peer_certificate":{"base64":"/w=="}"#.to_owned(), InvalidValue, "attributes[`connection.mtls`]", "`false` beside `connection.dns_san_peer_certificate`", mtls),
        // Times and sizes.
        ("attributes", r#""request.duration":"-0.25s""#.to_owned(), InvalidValue, "attributes[`request.duration`]", r#"`"-0.25s"`"#, duration),
        ("attributes", r#""response.backend_latency":"-1s""#.to_owned(), InvalidValue, "attributes[`response.backend_latency`]", r#"`"-1s"`"#, duration),
        ("in response", r#","latency_ms":-0.5"#.to_owned(), InvalidValue, "response.latency_ms", "`-0.5`", "0 or more milliseconds"),
        ("attributes", r#""request.size":-1"#.to_owned(), InvalidValue, "attributes[`request.size`]", "`-1`", "0 or more"),
    ];
    for (part, json, code, path, found, expected) in cases {
        let line = line(part, &json);
        let faults = read(&line).expect_err(&line);
        let fault = &faults[0];
        assert_eq!(faults.len(), 1, "{line}: {faults:?}");
        assert_eq!(
            (
                fault.code,
                fault.place.path.as_str(),
                fault.found.as_str(),
                fault.expected.as_str()
            ),
            (code, path, found, expected),
            "{line}"
        );
        assert_eq!(fault.place.line, Some(2), "{line}");
    }
}

#[test]
fn what_envoy_does_record_is_read() {
    let method = r#"[":method","GET"],"#;
    #[rustfmt::skip]
    let cases = [
        ("request", r#"[":method","CONNECT"],[":authority","a:1"]"#.to_owned()),
        ("request", format!(r#"{method}["a","1"],["a","1"],["!#$%&'*+-.^_`|~9","\t\u007f"]"#)),
        ("request", format!(r#"{method}["a",""],["b",{{"base64":"/w=="}}]"#)),
        ("request", format!(r#"{method}["a","1"],[":path","/ b"]"#)),
        ("in request", r#","partial":{"absent":[":authority"]}"#.to_owned()),
        // Envoy passes on what an upstream makes up.
        ("response", r#"[":status","999"]"#.to_owned()),
        ("response", r#"[":status","600"]"#.to_owned()),
        ("in response", r#","latency_ms":0"#.to_owned()),
        ("attributes", r#""response.code":0"#.to_owned()),
        // The client by x-forwarded-for.
        ("attributes", r#""source.address":"203.0.113.7:0","source.port":0"#.to_owned()),
        ("attributes", r#""source.address":"[2001:db8::1]:0""#.to_owned()),
        ("attributes", r#""destination.address":"/run/envoy.sock","upstream.address":"@x""#.to_owned()),
        ("attributes", r#""destination.address":"envoy://main_internal/a""#.to_owned()),
        ("attributes", r#""source.address":null,"request.duration":null"#.to_owned()),
        ("attributes", r#""request.duration":"0s","response.grpc_status":-1"#.to_owned()),
        ("attributes", r#""connection.mtls":false,"connection.uri_san_peer_certificate":null,"connection.subject_peer_certificate":"","connection.uri_san_local_certificate":"spiffe://a/b""#.to_owned()),
        ("attributes", r#""connection.mtls":true,"connection.uri_san_peer_certificate":"spiffe://a/b""#.to_owned()),
        // An identity is data, whatever it looks like.
        ("attributes", r#""connection.uri_san_peer_certificate":"spiffe://\n//""#.to_owned()),
    ];
    for (part, json) in cases {
        let line = line(part, &json);
        if let Err(faults) = read(&line) {
            panic!("{line}: {faults:?}");
        }
    }
}

#[test]
fn a_list_that_is_not_whole_may_lack_any_pseudo_header() {
    let text = r#"{"id":"a","request":{"headers":[[":path","/"]],"partial":{}},"response":{"headers":[],"partial":{}}}"#;
    assert!(read(text).is_ok());
}

#[test]
fn every_fault_of_a_line_is_named() {
    let text = r#"{"id":"a","attributes":{"source.port":-1},"request":{"headers":[["A","1"],[":path","\n"],[":path","/"],["c"]]},"response":{"headers":[],"latency_ms":-1}}"#;
    let found: Vec<_> = read(text)
        .unwrap_err()
        .iter()
        .map(|fault| format!("{} {}", fault.code.as_str(), fault.place.path))
        .collect();
    assert_eq!(
        found,
        [
            "invalid-value attributes[`source.port`]",
            "invalid-value request.headers[0][0]",
            "invalid-value request.headers[1][1]",
            "wrong-type request.headers[3]",
            "duplicate-field request.headers[2][0]",
            "missing-field request.headers",
            "invalid-value response.latency_ms",
            "missing-field response.headers",
        ]
    );
}

#[test]
fn a_key_that_comes_twice_is_named() {
    let ordinary = r#""request":{"headers":[[":method","GET"]]}"#;
    let cases = [
        (format!(r#"{{"id":"a","id":"b",{ordinary}}}"#), "`id`"),
        (
            format!(r#"{{"id":"a","attributes":{{"b.x":1,"a.x":2,"b.x":1}},{ordinary}}}"#),
            "`b.x`",
        ),
        (
            format!(r#"{{"id":"a","attributes":{{"a.x":1,"a.x":2}},{ordinary}}}"#),
            "`a.x`",
        ),
        (
            format!(r#"{{"id":"a","attributes":{{"a.x":{{"k":1,"k":1}}}},{ordinary}}}"#),
            "`k`",
        ),
    ];
    for (line, found) in cases {
        let faults = read(&line).expect_err(&line);
        assert_eq!(
            faults[0].to_string(),
            format!("line 2 (byte 44): found {found}, expected each key once [duplicate-field]"),
            "{line}"
        );
    }
}

#[test]
fn attributes_may_come_in_any_order() {
    let line = line("attributes", r#""b.x":1,"a.x":2,"c.x":3"#);
    let exchange = read(&line).unwrap();
    let names: Vec<_> = exchange.attributes.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.x", "b.x", "c.x"]);
    let known = exchange.attributes.get("b.x").known();
    assert_eq!(known.and_then(AttributeValue::as_i64), Some(1));
}
