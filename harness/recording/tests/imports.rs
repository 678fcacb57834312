//! Imports of captures that real tools made, and of what is wrong with captures.
//!
//! The taps and access logs in `samples/` are Envoy 1.40's own, the archives are
//! written after Chrome's and Firefox's exports.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::path::PathBuf;

use sluice_recording::{
    Code, Diagnostic, Exchange, Fields, Format, ImportOptions, ImportReport, JoinReport, Recorded,
    Redaction, Response, detect, import, import_joined,
};

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name);
    std::fs::read(path).unwrap()
}

fn options() -> ImportOptions {
    ImportOptions {
        redaction: Redaction::none(),
        ..ImportOptions::default()
    }
}

type Imported = (Vec<Exchange<'static>>, ImportReport);

fn import_with(bytes: &[u8], options: &ImportOptions) -> Result<Imported, Diagnostic> {
    let mut exchanges = Vec::new();
    let options = ImportOptions {
        input_bytes: Some(bytes.len() as u64),
        ..options.clone()
    };
    let report = import(bytes, &options, &mut |exchange| {
        exchanges.push(exchange);
        Ok(())
    })?;
    Ok((exchanges, report))
}

fn import_sample(name: &str) -> Imported {
    import_with(&sample(name), &options()).unwrap()
}

fn refused(bytes: &[u8]) -> Diagnostic {
    import_with(bytes, &options()).unwrap_err()
}

fn by_path<'e>(exchanges: &'e [Exchange<'static>], path: &str) -> &'e Exchange<'static> {
    let has_path =
        |exchange: &&Exchange<'_>| exchange.request.headers.first_text(":path") == Some(path);
    exchanges.iter().find(has_path).unwrap()
}

fn response<'e>(exchange: &'e Exchange<'static>) -> &'e Response<'static> {
    exchange.response.as_ref().known().unwrap()
}

fn lines(fields: &Fields<'_>) -> Vec<String> {
    let show = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    fields
        .iter()
        .map(|field| format!("{}: {}", field.name, show(&field.value)))
        .collect()
}

fn body_text(body: &Recorded<sluice_recording::Body<'static>>) -> Option<String> {
    let body = body.as_ref().known()?;
    Some(String::from_utf8_lossy(&body.bytes).into_owned())
}

fn text<'e>(exchange: &'e Exchange<'static>, name: &str) -> Option<&'e str> {
    exchange
        .attributes
        .get(name)
        .known()
        .and_then(|value| value.as_text())
}

// Taps.

#[test]
fn a_buffered_tap_gives_headers_bodies_addresses_and_times() {
    let (exchanges, report) = import_sample("tap-buffered.json");
    assert_eq!(
        (report.format, report.exchanges),
        (Some(Format::TapJson), 3)
    );
    let payment = by_path(&exchanges, "/up/pay?x=1");
    assert_eq!(payment.id, "6cf9910e-42fe-4321-82c1-91efe70a04a2");
    assert_eq!(
        payment.time.unwrap().to_string(),
        "2026-11-21T09:55:28.568688Z"
    );
    assert_eq!(
        body_text(&payment.request.body).as_deref(),
        Some(r#"{"amount":100}"#)
    );
    assert_eq!(payment.request.trailers, Recorded::Absent);
    assert_eq!(text(payment, "source.address"), Some("127.0.0.1:54110"));
    assert_eq!(
        text(payment, "destination.address"),
        Some("127.0.0.1:18100")
    );
    assert!(payment.attributes.get("connection.mtls").is_unknown());
    let answer = response(payment);
    assert_eq!(answer.status(), Some(201));
    assert_eq!(answer.latency_ms, Some(18.866));
    let cookies: Vec<_> = answer.headers.all("set-cookie").collect();
    assert_eq!(cookies, [b"a=1", b"b=2"]);
}

#[test]
fn repeated_request_headers_stay_apart_and_pseudo_headers_come_first() {
    let (exchanges, _) = import_sample("tap-buffered.json");
    let read = by_path(&exchanges, "/v1/payments");
    assert_eq!(
        lines(&read.request.headers)[..8],
        [
            ":method: GET",
            ":scheme: http",
            ":authority: 127.0.0.1:18100",
            ":path: /v1/payments",
            "user-agent: order service/1.0",
            "accept: */*",
            "x-multi: 1",
            "x-multi: 2"
        ]
    );
    assert_eq!(read.request.body, Recorded::Absent);
}

#[test]
fn bodies_come_as_bytes_or_as_strings() {
    let (exchanges, _) = import_sample("tap-buffered-as-string.json");
    assert_eq!(
        body_text(&response(&exchanges[0]).body).as_deref(),
        Some("paid\n")
    );
}

#[test]
fn protobuf_says_the_same_as_json() {
    let (delimited, report) = import_sample("tap.pb_length_delimited");
    assert_eq!(
        (report.format, report.exchanges),
        (Some(Format::TapProtobufDelimited), 3)
    );
    let (alone, report) = import_sample("tap.pb");
    assert_eq!(
        (report.format, report.exchanges),
        (Some(Format::TapProtobuf), 1)
    );
    let (json, _) = import_sample("tap-buffered.json");
    for exchanges in [&delimited, &alone] {
        let (pb, json) = (
            by_path(exchanges, "/up/pay?x=1"),
            by_path(&json, "/up/pay?x=1"),
        );
        assert_eq!(pb.request.body, json.request.body);
        assert_eq!(response(pb).body, response(json).body);
        assert_eq!(response(pb).headers.all("set-cookie").count(), 2);
        assert!(
            text(pb, "source.address")
                .unwrap()
                .starts_with("127.0.0.1:")
        );
        assert!(pb.time.is_some() && response(pb).latency_ms.is_some());
    }
}

#[test]
fn streamed_segments_are_joined_by_trace() {
    for (name, format) in [
        ("tap-streamed.json", Format::TapJson),
        (
            "tap-streamed.pb_length_delimited",
            Format::TapProtobufDelimited,
        ),
    ] {
        let (exchanges, report) = import_sample(name);
        assert_eq!(
            (report.format, report.exchanges),
            (Some(format), 3),
            "{name}"
        );
        let payment = by_path(&exchanges, "/up/pay?x=1");
        assert_eq!(
            body_text(&payment.request.body).as_deref(),
            Some(r#"{"amount":100}"#)
        );
        assert_eq!(payment.request.trailers, Recorded::Absent);
        assert_eq!(response(payment).status(), Some(201));
        assert_eq!(
            body_text(&response(payment).body).as_deref(),
            Some(r#"{"amount":100}"#)
        );
        // Nothing marks the end of a streamed trace, so trailers may have been lost.
        assert!(response(payment).trailers.is_unknown());
    }
}

fn segment(id: u64, piece: &str) -> String {
    format!(r#"{{"http_streamed_trace_segment":{{"trace_id":"{id}",{piece}}}}}"#)
}

const REQUEST_PIECE: &str = r#""request_headers":{"headers":[{"key":":path","value":"/"}]}"#;
const RESPONSE_PIECE: &str = r#""response_headers":{"headers":[{"key":":status","value":"200"}]}"#;
const END_PIECE: &str = r#""response_trailers":{"headers":[{"key":"grpc-status","value":"0"}]}"#;

#[test]
fn mixed_segments_are_told_apart_and_chunks_add_up() {
    let chunk = |text: &str, cut: bool| {
        format!(r#""response_body_chunk":{{"as_string":"{text}","truncated":{cut}}}"#)
    };
    let stream = [
        segment(1, REQUEST_PIECE),
        segment(2, REQUEST_PIECE),
        segment(2, RESPONSE_PIECE),
        segment(1, RESPONSE_PIECE),
        segment(2, &chunk("ab", false)),
        segment(1, &chunk("x", true)),
        segment(2, &chunk("c", false)),
        segment(2, END_PIECE),
    ]
    .concat();
    let (exchanges, report) = import_with(stream.as_bytes(), &options()).unwrap();
    // The second has ended first.
    assert_eq!(
        body_text(&response(&exchanges[0]).body).as_deref(),
        Some("abc")
    );
    let trailers = response(&exchanges[0]).trailers.as_ref().known().unwrap();
    assert_eq!(lines(trailers), ["grpc-status: 0"]);
    assert_eq!(
        body_text(&response(&exchanges[1]).body).as_deref(),
        Some("x")
    );
    assert_eq!(report.truncated_bodies, 1);
}

#[test]
fn a_trace_id_that_comes_again_is_another_exchange() {
    let again = [
        segment(1, REQUEST_PIECE),
        segment(1, END_PIECE),
        segment(1, REQUEST_PIECE),
    ];
    assert_eq!(
        import_with(again.concat().as_bytes(), &options())
            .unwrap()
            .0
            .len(),
        2
    );
    let reused = [segment(1, REQUEST_PIECE), segment(1, REQUEST_PIECE)];
    assert_eq!(
        import_with(reused.concat().as_bytes(), &options())
            .unwrap()
            .0
            .len(),
        2
    );
    let late = [
        segment(1, REQUEST_PIECE),
        segment(1, END_PIECE),
        segment(1, RESPONSE_PIECE),
    ];
    assert_eq!(refused(late.concat().as_bytes()).code, Code::LateSegment);
    assert_eq!(
        refused(segment(1, RESPONSE_PIECE).as_bytes()).code,
        Code::MissingField
    );
}

#[test]
fn more_open_traces_than_memory_holds_come_out_oldest_first() {
    let stream: String = (0..5000).map(|id| segment(id, REQUEST_PIECE)).collect();
    let (exchanges, _) = import_with(stream.as_bytes(), &options()).unwrap();
    assert_eq!(exchanges.len(), 5000);
    let late = stream + &segment(0, RESPONSE_PIECE);
    assert_eq!(refused(late.as_bytes()).code, Code::LateSegment);
}

#[test]
fn camel_case_and_unpadded_base64_are_protobufs_json_too() {
    let tap = r#"{"httpBufferedTrace":{"request":{"headers":[{"key":"Host","value":"x","rawValue":"_w"}],"body":{"asBytes":"_w=="}}}}"#;
    let (exchanges, _) = import_with(tap.as_bytes(), &options()).unwrap();
    assert_eq!(
        exchanges[0].request.headers.first("host"),
        Some(&b"\xff"[..])
    );
    assert_eq!(exchanges[0].response, Recorded::Absent);
}

#[test]
fn wrong_taps_are_located() {
    let with_type_error = format!(
        "{}\n{}",
        segment(1, REQUEST_PIECE),
        r#"{"http_buffered_trace":{"request":{"headers":[{"key":1}]}}}"#
    );
    let fault = refused(with_type_error.as_bytes());
    assert_eq!((fault.code, fault.place.line), (Code::WrongType, Some(2)));
    assert_eq!(
        fault.place.path,
        "http_buffered_trace.request.headers[0].key"
    );

    let whole = sample("tap-buffered.json");
    let cut = refused(&whole[..whole.len() - 40]);
    assert_eq!(
        (cut.code, cut.place.offset),
        (Code::Truncated, Some(whole.len() as u64 - 40))
    );

    let trailing = [&whole[..], b"oops"].concat();
    assert_eq!(refused(&trailing).code, Code::NotJson);

    let socket = refused(br#"{"socket_buffered_trace":{"trace_id":"1"}}"#);
    assert_eq!(socket.code, Code::NoExchanges);
    assert_eq!(socket.found, "only 1 socket traces");
}

#[test]
fn cut_off_protobuf_is_an_error_at_every_length() {
    let whole = sample("tap.pb_length_delimited");
    let options = ImportOptions {
        format: Some(Format::TapProtobufDelimited),
        ..options()
    };
    let first_message = 2 + usize::from(whole[0] & 0x7f) + usize::from(whole[1]) * 128;
    for cut in 1..first_message {
        let fault = import_with(&whole[..cut], &options).unwrap_err();
        assert!(
            matches!(fault.code, Code::Truncated | Code::InvalidProtobuf),
            "{cut}: {fault}"
        );
    }
    assert_eq!(
        import_with(&whole[..first_message], &options)
            .unwrap()
            .0
            .len(),
        1
    );
    let noise = import_with(&[0x03, 0x0a, 0xff, 0xff], &options).unwrap_err();
    assert_eq!(noise.code, Code::InvalidProtobuf);
    let endless = import_with(&[0xff; 12], &options).unwrap_err();
    assert_eq!(endless.code, Code::InvalidProtobuf);
    let huge = import_with(&[0xff, 0xff, 0xff, 0xff, 0x7f, 0], &options).unwrap_err();
    assert_eq!(huge.code, Code::TooLong);
}

#[test]
fn protobuf_text_is_known_and_refused() {
    assert_eq!(
        refused(&sample("tap.pb_text")).code,
        Code::UnsupportedFormat
    );
}

// Archives.

#[test]
fn an_archive_of_chrome() {
    let (exchanges, report) = import_sample("chrome.har");
    assert_eq!((report.format, report.exchanges), (Some(Format::Har), 3));
    assert_eq!(report.skipped.get("entries that are not HTTP"), Some(&1));
    assert_eq!(report.decoded_bodies, 1);

    let first = &exchanges[0];
    assert_eq!(first.id, "har-1");
    assert_eq!(first.time.unwrap().to_string(), "2026-11-21T09:14:00.25Z");
    assert_eq!(text(first, "request.protocol"), Some("HTTP/2"));
    assert_eq!(
        lines(&first.request.headers),
        [
            ":method: GET",
            ":scheme: https",
            ":authority: shop.example",
            ":path: /v1/payments?id=%2F1",
            "cookie: session=secret",
            "user-agent: Mozilla/5.0"
        ]
    );
    assert_eq!(first.request.body, Recorded::Absent);
    assert!(first.request.trailers.is_unknown());
    let answer = response(first);
    assert_eq!(answer.latency_ms, Some(12.25));
    assert_eq!(
        lines(&answer.headers),
        [
            ":status: 200",
            "content-type: application/json",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "content-encoding: br"
        ]
    );
    assert!(answer.body.is_unknown(), "the archive holds it decoded");
}

#[test]
fn an_archive_without_pseudo_headers() {
    let (exchanges, _) = import_sample("chrome.har");
    let post = &exchanges[1];
    assert_eq!(
        lines(&post.request.headers),
        [
            ":method: POST",
            ":scheme: http",
            ":authority: shop.example:8080",
            ":path: /v1/payments",
            "content-type: application/json",
            "authorization: Bearer abc"
        ]
    );
    assert_eq!(
        body_text(&post.request.body).as_deref(),
        Some(r#"{"amount":100}"#)
    );
    let body = response(post).body.as_ref().known().unwrap();
    assert_eq!(body.bytes.as_ref(), b"\xff\0\xfe");
    assert_eq!(response(post).latency_ms, None);
    assert_eq!(
        exchanges[2].response,
        Recorded::Absent,
        "status 0 is no response"
    );
    assert!(
        exchanges[2].request.body.is_unknown(),
        "a size of -1 says nothing"
    );
}

#[test]
fn an_archive_with_a_byte_order_mark() {
    let (exchanges, _) = import_sample("firefox-bom.har");
    assert_eq!(response(&exchanges[0]).status(), Some(204));
    assert_eq!(response(&exchanges[0]).body, Recorded::Absent);
    assert_eq!(
        exchanges[0].request.headers.first(":authority"),
        Some(&b"shop.example"[..])
    );
}

fn har(entry: &str) -> String {
    format!(r#"{{"log":{{"entries":[{entry}]}}}}"#)
}

#[test]
fn wrong_archives_are_located() {
    let cases = [
        (
            har(r#"{"request":{"method":"GET"}}"#),
            Code::WrongType,
            "log.entries[0].request",
        ),
        (
            har(r#"{"request":{"method":1,"url":"http://a"}}"#),
            Code::WrongType,
            "log.entries[0].request.method",
        ),
        (
            har(r#"{"request":{"method":"GET","url":"/x"}}"#),
            Code::InvalidValue,
            "log.entries[0].request.url",
        ),
        (
            har(
                r#"{"request":{"method":"GET","url":"http://a","headers":[{"name":"","value":"a"}]}}"#,
            ),
            Code::InvalidValue,
            "log.entries[0].request.headers[0].name",
        ),
        (
            har(r#"{"request":{"method":"GET","url":"http://a"},"response":{"status":7}}"#),
            Code::InvalidValue,
            "log.entries[0].response.status",
        ),
        (
            har(
                r#"{"request":{"method":"GET","url":"http://a"},"response":{"status":200,"content":{"text":"?","encoding":"base64"}}}"#,
            ),
            Code::InvalidValue,
            "log.entries[0].response.content.text",
        ),
        (
            har(r#"{"startedDateTime":"now","request":{"method":"GET","url":"http://a"}}"#),
            Code::WrongType,
            "log.entries[0].startedDateTime",
        ),
        (
            r#"{"log":{"version":"1.2"}}"#.to_owned(),
            Code::WrongType,
            "log",
        ),
        (
            r#"{"log":{"entries":{}}}"#.to_owned(),
            Code::WrongType,
            "log.entries",
        ),
        (har("") + "x", Code::NotJson, ""),
    ];
    for (text, code, path) in cases {
        let fault = refused(text.as_bytes());
        assert_eq!(
            (fault.code, fault.place.path.as_str()),
            (code, path),
            "{text}: {fault}"
        );
        assert_eq!(fault.place.line, Some(1), "{text}");
    }
    let whole = sample("chrome.har");
    assert_eq!(refused(&whole[..whole.len() / 2]).code, Code::Truncated);
    assert_eq!(refused(har("").as_bytes()).code, Code::NoExchanges);
}

// Access logs.

#[test]
fn the_default_text_formats_of_envoy_and_istio() {
    for name in ["envoy-access.log", "istio-access.log"] {
        let (exchanges, report) = import_sample(name);
        assert_eq!(
            (report.format, report.exchanges),
            (Some(Format::AccessLogText), 3),
            "{name}"
        );
        let payment = by_path(&exchanges, "/up/pay?x=1");
        assert_eq!(payment.id, "6cf9910e-42fe-4321-82c1-91efe70a04a2");
        assert_eq!(
            payment.time.unwrap().to_string(),
            "2026-11-21T09:55:28.568Z"
        );
        assert_eq!(text(payment, "request.protocol"), Some("HTTP/1.1"));
        assert_eq!(text(payment, "request.duration"), Some("0.019s"));
        assert_eq!(text(payment, "upstream.address"), Some("127.0.0.1:18098"));
        assert_eq!(response(payment).latency_ms, Some(18.0));
        assert_eq!(payment.request.header("x-forwarded-for"), Recorded::Absent);
        assert!(payment.request.header("authorization").is_unknown());
        assert!(payment.request.body.is_unknown());
        let missing = by_path(&exchanges, "/nowhere");
        let flags = missing
            .attributes
            .get("response.flags")
            .known()
            .unwrap()
            .as_i64();
        assert_eq!(flags, Some(1 << 8), "NR");
    }
}

#[test]
fn istios_text_format_tells_more() {
    let (exchanges, _) = import_sample("istio-access.log");
    let payment = by_path(&exchanges, "/up/pay?x=1");
    assert_eq!(text(payment, "response.code_details"), Some("via_upstream"));
    assert_eq!(text(payment, "xds.cluster_name"), Some("up"));
    assert_eq!(text(payment, "source.address"), Some("127.0.0.1:54110"));
    assert_eq!(
        payment.attributes.get("connection.requested_server_name"),
        Recorded::Absent
    );
    assert!(
        payment
            .attributes
            .get("connection.uri_san_peer_certificate")
            .is_unknown()
    );
}

#[test]
fn a_json_log_maps_keys_and_counts_the_others() {
    let (exchanges, report) = import_sample("istio-access.jsonl");
    assert_eq!(
        (report.format, report.exchanges),
        (Some(Format::AccessLogJson), 3)
    );
    assert_eq!(report.ignored_keys.get("hostname"), Some(&3));
    assert_eq!(report.ignored_keys.len(), 1);
    let payment = by_path(&exchanges, "/up/pay?x=1");
    assert_eq!(
        text(payment, "destination.address"),
        Some("127.0.0.1:18100")
    );
    assert_eq!(
        payment
            .attributes
            .get("connection.uri_san_peer_certificate"),
        Recorded::Absent
    );
    // The log has the TLS version and it is nothing: a plaintext connection.
    let mtls = payment.attributes.get("connection.mtls").known().unwrap();
    assert_eq!(mtls.as_bool(), Some(false));
}

#[test]
fn a_peer_certificate_in_the_log_is_mutual_tls() {
    let log = r#"{"method":"GET","path":"/","peer":"spiffe://cluster.local/ns/a/sa/b,spiffe://x","response_code":0,"x_trace":"1"}"#;
    let options = ImportOptions {
        log_keys: vec![("peer".to_owned(), "%DOWNSTREAM_PEER_URI_SAN%".to_owned())],
        ..options()
    };
    let (exchanges, report) = import_with(log.as_bytes(), &options).unwrap();
    let exchange = &exchanges[0];
    let peer = text(exchange, "connection.uri_san_peer_certificate");
    assert_eq!(peer, Some("spiffe://cluster.local/ns/a/sa/b"));
    assert_eq!(
        exchange
            .attributes
            .get("connection.mtls")
            .known()
            .unwrap()
            .as_bool(),
        Some(true)
    );
    assert_eq!(
        exchange.response,
        Recorded::Absent,
        "status 0 is no response"
    );
    assert_eq!(report.ignored_keys.get("x_trace"), Some(&1));
    let wrong = ImportOptions {
        log_keys: vec![("a".to_owned(), "%REQ(".to_owned())],
        ..options
    };
    assert_eq!(
        import_with(log.as_bytes(), &wrong).unwrap_err().code,
        Code::InvalidLogFormat
    );
}

#[test]
fn a_custom_text_format() {
    let options = ImportOptions {
        log_format: Some(
            "%REQ(:METHOD)% %REQ(:PATH)% <%DOWNSTREAM_PEER_URI_SAN%> %HOSTNAME%\n".to_owned(),
        ),
        ..options()
    };
    let (exchanges, report) =
        import_with(b"GET /x <spiffe://a/ns/b/sa/c> proxy\n", &options).unwrap();
    assert_eq!(
        text(&exchanges[0], "connection.uri_san_peer_certificate"),
        Some("spiffe://a/ns/b/sa/c")
    );
    assert_eq!(report.ignored_keys.get("HOSTNAME"), Some(&1));
    assert!(exchanges[0].response.is_unknown());
    let fault = import_with(b"GET /x y\n", &options).unwrap_err();
    assert_eq!(
        (fault.code, fault.place.line),
        (Code::LogLineMismatch, Some(1))
    );
}

#[test]
fn other_lines_are_an_error_unless_they_are_to_be_skipped() {
    let log = sample("kubectl-logs.log");
    let fault = refused(&log);
    assert_eq!(
        (fault.code, fault.place.line),
        (Code::LogLineMismatch, Some(1))
    );
    let options = ImportOptions {
        skip_other_lines: true,
        ..options()
    };
    let (exchanges, report) = import_with(&log, &options).unwrap();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(response(&exchanges[0]).status(), Some(403));
    assert_eq!(
        report.skipped.get("lines that are no access-log lines"),
        Some(&2)
    );
    assert_eq!(report.skipped.get("log lines without a request"), Some(&1));
}

#[test]
fn wrong_log_lines_are_located() {
    let line = String::from_utf8(sample("istio-access.log")).unwrap();
    let first = line.lines().next().unwrap();
    let half: String = first.chars().take(first.len() / 2).collect();
    let cut = format!("{first}\n{half}");
    let fault = refused(cut.as_bytes());
    assert_eq!((fault.code, fault.place.line), (Code::Truncated, Some(2)));
    let wrong_number = first.replace(" 200 - ", " 2x0 - ");
    assert_eq!(refused(wrong_number.as_bytes()).code, Code::InvalidValue);
    let not_utf8 = [first.as_bytes(), b"\n\xff\n"].concat();
    let fault = refused(&not_utf8);
    assert_eq!(
        (fault.code, fault.place.offset),
        (Code::NotUtf8, Some(first.len() as u64 + 1))
    );
    let fault = refused(br#"{"method":"GET","path":{"a":1}}"#);
    assert_eq!(
        (fault.code, fault.place.path.as_str()),
        (Code::WrongType, "path")
    );
    let twice = refused(br#"{"method":"GET","path":"/a",":path":"/b"}"#);
    assert_eq!(twice.code, Code::DuplicateField);
}

// Finding the format.

#[test]
fn inputs_in_no_format_say_so() {
    let cases: &[(&[u8], Code)] = &[
        (b"", Code::EmptyInput),
        (b" \n", Code::EmptyInput),
        (b"\x1f\x8b\x08", Code::CompressedInput),
        (b"\xff\xfe{\0", Code::NotUtf8),
        (b"time,method\n", Code::UnknownFormat),
        (b"[{\"a\":1}]", Code::UnknownFormat),
        (b"{\"a\":1}", Code::UnknownFormat),
        (b"\0asm\x01\0\0\0", Code::UnknownFormat),
        (b"{\"recording\":\"sluice/v1\"}", Code::UnsupportedFormat),
        (
            b"{\"log\":\"[2026]\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n",
            Code::UnsupportedFormat,
        ),
        (
            b"{\"log\":{\"entries\":[]},\"http_buffered_trace\":{}}",
            Code::AmbiguousFormat,
        ),
    ];
    for (bytes, code) in cases {
        let fault = refused(bytes);
        assert_eq!(
            fault.code,
            *code,
            "{}: {fault}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_stream_of_unknown_length_can_be_ambiguous() {
    // A lone message, or one of ten bytes after its length and another to come.
    let bytes = b"\x0a\x0a\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x08";
    let fault = detect(&bytes[..], &options())
        .map(|(format, _)| format)
        .unwrap_err();
    assert_eq!(fault.code, Code::AmbiguousFormat);
    let sized = ImportOptions {
        input_bytes: Some(12),
        ..options()
    };
    assert_eq!(
        detect(&bytes[..], &sized).map(|(format, _)| format),
        Ok(Format::TapProtobuf)
    );
}

#[test]
fn format_names_are_stable() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.as_str()), Some(format));
    }
    assert_eq!(Format::from_name("tap"), None);
}

// Joining and redacting.

fn join(tap: &str, log: &str) -> (Vec<Exchange<'static>>, JoinReport) {
    let mut exchanges = Vec::new();
    let open = || Ok(tap.as_bytes());
    let report = import_joined(
        open,
        log.as_bytes(),
        &options(),
        &options(),
        &mut |exchange| {
            exchanges.push(exchange);
            Ok(())
        },
    )
    .unwrap();
    (exchanges, report.joins.unwrap())
}

fn tapped(id: &str, path: &str) -> String {
    format!(
        r#"{{"http_buffered_trace":{{"request":{{"headers":[{{"key":":path","value":"{path}"}},{{"key":"x-request-id","value":"{id}"}}]}}}}}}"#
    )
}

fn logged(id: &str, path: &str, peer: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({"request_id": id, "path": path, "downstream_peer_uri_san": peer})
    )
}

fn peer<'e>(exchange: &'e Exchange<'static>) -> Option<&'e str> {
    text(exchange, "connection.uri_san_peer_certificate")
}

#[test]
fn a_tap_takes_the_peer_from_its_log_line() {
    let tap = [tapped("1", "/a"), tapped("2", "/b"), tapped("3", "/c")].concat();
    let log = [
        logged("2", "/b", "spiffe://b"),
        logged("1", "/a", "spiffe://a"),
        logged("9", "/z", "spiffe://z"),
    ]
    .concat();
    let (exchanges, report) = join(&tap, &log);
    let peers: Vec<_> = exchanges.iter().map(peer).collect();
    assert_eq!(peers, [Some("spiffe://a"), Some("spiffe://b"), None]);
    assert!(exchanges[2].attributes.get("connection.mtls").is_unknown());
    let expected = JoinReport {
        joined: 2,
        unmatched: 1,
        ambiguous: 0,
        log_lines: 3,
        unused_log_lines: 1,
    };
    assert_eq!(report, expected);
}

#[test]
fn a_request_id_used_twice_lends_no_identity() {
    // Two exchanges and one line: whose it is, nobody can say.
    let (exchanges, report) = join(
        &[tapped("1", "/a"), tapped("1", "/a")].concat(),
        &logged("1", "/a", "spiffe://a"),
    );
    assert_eq!(exchanges.iter().map(peer).collect::<Vec<_>>(), [None, None]);
    assert_eq!((report.joined, report.ambiguous), (0, 2));
    // One exchange and two lines.
    let lines = [
        logged("1", "/a", "spiffe://a"),
        logged("1", "/a", "spiffe://b"),
    ]
    .concat();
    let (exchanges, report) = join(&tapped("1", "/a"), &lines);
    assert_eq!((peer(&exchanges[0]), report.ambiguous), (None, 1));
    // The path tells them apart.
    let lines = [
        logged("1", "/a", "spiffe://a"),
        logged("1", "/b", "spiffe://b"),
    ]
    .concat();
    let (exchanges, report) = join(&[tapped("1", "/b"), tapped("1", "/a")].concat(), &lines);
    let peers: Vec<_> = exchanges.iter().map(peer).collect();
    assert_eq!(
        (peers, report.joined),
        (vec![Some("spiffe://b"), Some("spiffe://a")], 2)
    );
    // A line that contradicts the exchange is another's.
    let (exchanges, report) = join(&tapped("1", "/a"), &logged("1", "/b", "spiffe://b"));
    assert_eq!((peer(&exchanges[0]), report.unmatched), (None, 1));
}

#[test]
fn real_taps_join_real_log_lines() {
    let (tap, log) = (sample("tap-buffered.json"), sample("istio-access.jsonl"));
    let mut exchanges = Vec::new();
    let open = || Ok(tap.as_slice());
    let report = import_joined(open, &log[..], &options(), &options(), &mut |exchange| {
        exchanges.push(exchange);
        Ok(())
    })
    .unwrap();
    assert_eq!(report.joins.unwrap().joined, 3);
    let payment = by_path(&exchanges, "/up/pay?x=1");
    assert_eq!(text(payment, "response.code_details"), Some("via_upstream"));
    // What the tap knows better stays.
    assert_eq!(
        payment.time.unwrap().to_string(),
        "2026-11-21T09:55:28.568688Z"
    );
}

#[test]
fn secrets_become_asterisks_of_the_same_length() {
    let bytes = sample("tap-buffered.json");
    let (exchanges, report) = import_with(&bytes, &ImportOptions::default()).unwrap();
    assert_eq!(report.redacted_values, 4);
    let payment = by_path(&exchanges, "/up/pay?x=1");
    assert_eq!(
        payment.request.headers.first("authorization"),
        Some(&b"**********"[..])
    );
    let json = serde_json::to_string(&exchanges).unwrap();
    assert!(!json.contains("Bearer") && !json.contains("secret"));
    let only = ImportOptions {
        redaction: Redaction::of(["X-Multi"]),
        ..ImportOptions::default()
    };
    let (exchanges, report) = import_with(&bytes, &only).unwrap();
    assert_eq!(report.redacted_values, 2);
    let read = by_path(&exchanges, "/v1/payments");
    assert_eq!(
        read.request.headers.all("x-multi").collect::<Vec<_>>(),
        [b"*", b"*"]
    );
    assert_eq!(only.header(Format::TapJson).redacted, ["x-multi"]);
}

#[test]
fn the_error_of_the_sink_ends_the_import() {
    for name in [
        "tap-buffered.json",
        "chrome.har",
        "istio-access.log",
        "tap.pb",
    ] {
        let mut calls = 0;
        let bytes = sample(name);
        let options = ImportOptions {
            input_bytes: Some(bytes.len() as u64),
            ..options()
        };
        let fault = import(&bytes[..], &options, &mut |_| {
            calls += 1;
            Err(Diagnostic::new(Code::Io, "a full disk", "room"))
        })
        .unwrap_err();
        assert_eq!(
            (fault.code, calls, fault.found.as_str()),
            (Code::Io, 1, "a full disk"),
            "{name}"
        );
    }
}

#[test]
fn a_fault_names_the_input_that_has_it() {
    let named = |name: &str| ImportOptions {
        input_name: Some(name.to_owned()),
        ..options()
    };
    let tap = tapped("1", "/a");
    let faults = [
        (tap.as_str(), "{\"a\":1}"),
        ("{\"a\":1}", &logged("1", "/a", "x")),
    ]
    .map(|(tap, log)| {
        let open = || Ok(tap.as_bytes());
        import_joined(
            open,
            log.as_bytes(),
            &named("a.json"),
            &named("b.log"),
            &mut |_| Ok(()),
        )
        .unwrap_err()
        .place
        .file
        .clone()
    });
    assert_eq!(faults.map(Option::unwrap), ["b.log", "a.json"]);
}
