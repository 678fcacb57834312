//! Envoy taps.

use crate::capture::*;

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

const REQUEST_PIECE: &str = r#""request_headers":{"headers":[{"key":":method","value":"GET"},{"key":":path","value":"/"}]}"#;
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
    let tap = r#"{"httpBufferedTrace":{"request":{"headers":[{"key":":method","value":"GET"},{"key":"Host","value":"x","rawValue":"_w"}],"body":{"asBytes":"_w=="}}}}"#;
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
fn taps_are_refused_in_house_style() {
    let cases = [
        (
            r#"{"http_buffered_trace":{"request":{"headers":[{"key":1}]}}}"#,
            "http_buffered_trace.request.headers[0].key: found `1`, expected a string [wrong-type]",
        ),
        (
            r#"{"http_buffered_trace":{"request":{"headers":[{"raw_value":"?"}]}}}"#,
            r#"http_buffered_trace.request.headers[0].raw_value: found `"?"`, expected base64 [invalid-value]"#,
        ),
        (
            r#"{"http_streamed_trace_segment":{"trace_id":-1}}"#,
            "http_streamed_trace_segment.trace_id: found `-1`, expected an integer of 0 or more [wrong-type]",
        ),
        (
            r#"{"http_buffered_trace":{"request":{"headers_received_time":"now"}}}"#,
            r#"http_buffered_trace.request.headers_received_time: found `"now"`, expected an RFC 3339 time such as 2026-11-21T09:14:00.250Z [invalid-value]"#,
        ),
        (
            r#"{"http_buffered_trace":[1]}"#,
            "http_buffered_trace: found a list, expected an object [wrong-type]",
        ),
    ];
    for (text, expected) in cases {
        let fault = refused(text.as_bytes());
        assert_eq!(fault.to_string(), format!("line 1 (byte 0): {expected}"));
    }
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
