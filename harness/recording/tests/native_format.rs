//! The native format: what is read, what is refused, what is written.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::borrow::Cow;

use sluice_recording::{
    AttributeValue, Body, Code, Diagnostic, Exchange, Expectation, Field, HeaderExpectation,
    Outcome, Paths, Reader, ReaderOptions, Recorded, RecordingFile, RecordingHeader, Source,
    Version, Writer,
};

const HEADER: &str = r#"{"recording":"sluice/v1","source":"manual"}"#;

fn recording(lines: &[&str]) -> String {
    let mut text = format!("{HEADER}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn read_one(line: &str) -> Result<Exchange<'static>, Vec<Diagnostic>> {
    let text = recording(&[line]);
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    reader.read().map(|exchange| exchange.unwrap().into_owned())
}

/// What is wrong with a line, as `code path`.
fn faults(line: &str) -> Vec<String> {
    let describe = |fault: &Diagnostic| format!("{} {}", fault.code.as_str(), fault.place.path);
    read_one(line).unwrap_err().iter().map(describe).collect()
}

fn open_error(text: &[u8]) -> Diagnostic {
    Reader::new(text).unwrap_err().remove(0)
}

const WHOLE: &str = r#"{"id":"a","time":"2026-11-21T09:14:00.25Z","attributes":{"connection.id":18446744073709551615,"connection.mtls":true,"connection.requested_server_name":null,"filter_state.x":[1,2.5,{"k":"v"}],"request.duration":"0.25s","source.address":"10.0.0.7:40412"},"request":{"headers":[[":method","GET"],[":path","/x"],["a","1"],["a","2"],["b",{"base64":"/w=="}]],"body":{"text":"hi \"there\""},"trailers":[["t","1"]]},"response":{"headers":[[":status","200"]],"body":{"base64":"/w==","truncated":true},"trailers":null,"latency_ms":12.3},"expect":{"outcome":"forwarded","status":200,"plugin":"ns.authz","rule":"ns[a]-policy[b]-rule[0]","request_headers":{"x-a":null,"x-b":"1","x-c":["1","2"]}}}"#;

#[test]
fn every_field_survives_reading_and_writing() {
    let exchange = read_one(WHOLE).unwrap();
    let mut writer = Writer::new(Vec::new(), &RecordingHeader::new(Source::Manual)).unwrap();
    writer.write(&exchange).unwrap();
    let written = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(written, recording(&[WHOLE]));
}

#[test]
fn values_have_their_types() {
    let exchange = read_one(WHOLE).unwrap();
    assert_eq!(exchange.time.unwrap().as_nanos(), 1_795_252_440_250_000_000);
    let attribute = |name| exchange.attributes.get(name);
    assert_eq!(
        attribute("connection.id").known().unwrap().as_u64(),
        Some(u64::MAX)
    );
    assert_eq!(
        attribute("connection.mtls"),
        Recorded::Known(&AttributeValue::Bool(true))
    );
    let duration = attribute("request.duration")
        .known()
        .unwrap()
        .as_duration_nanos();
    assert_eq!(duration, Some(250_000_000));
    assert_eq!(
        exchange.request.headers.all("a").collect::<Vec<_>>(),
        [b"1", b"2"]
    );
    assert_eq!(exchange.request.headers.first("b"), Some(&b"\xff"[..]));
    let response = exchange.response.as_ref().known().unwrap();
    assert_eq!(response.status(), Some(200));
    let body = Body {
        bytes: Cow::Borrowed(b"\xff".as_slice()),
        truncated: true,
    };
    assert_eq!(response.body, Recorded::Known(body));
    let Some(expect) = &exchange.expect else {
        panic!("expect is there")
    };
    let lines = |values: &[&str]| {
        HeaderExpectation::Lines(values.iter().map(ToString::to_string).collect())
    };
    let expected = Expectation {
        outcome: Some(Outcome::Forwarded),
        status: Some(200),
        plugin: Some("ns.authz".into()),
        rule: Some("ns[a]-policy[b]-rule[0]".into()),
        request_headers: [
            ("x-a".into(), HeaderExpectation::Absent),
            ("x-b".into(), lines(&["1"])),
            ("x-c".into(), lines(&["1", "2"])),
        ]
        .into(),
        ..Expectation::default()
    };
    assert_eq!(**expect, expected);
}

#[test]
fn known_absent_and_unknown_are_three_things() {
    let exchange = read_one(
        r#"{"id":"a","attributes":{"connection.requested_server_name":null},"request":{"headers":[[":method","GET"],["a","1"]],"body":null},"response":null}"#,
    )
    .unwrap();
    assert!(exchange.attributes.get("connection.mtls").is_unknown());
    assert_eq!(
        exchange.attributes.get("connection.requested_server_name"),
        Recorded::Absent
    );
    assert_eq!(exchange.request.body, Recorded::Absent);
    assert!(exchange.request.trailers.is_unknown());
    assert_eq!(exchange.response, Recorded::Absent);
    assert_eq!(exchange.request.header("b"), Recorded::Absent);
}

#[test]
fn a_partial_header_list_leaves_other_headers_unknown() {
    let exchange =
        read_one(r#"{"id":"a","request":{"headers":[["a","1"]],"partial":{"absent":["b"]}}}"#)
            .unwrap();
    assert_eq!(exchange.request.header("a"), Recorded::Known(&b"1"[..]));
    assert_eq!(exchange.request.header("b"), Recorded::Absent);
    assert!(exchange.request.header("c").is_unknown());
    assert!(exchange.response.is_unknown());
}

#[test]
fn each_fault_has_a_code_and_a_path() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"request":{"headers":[[":method","GET"]]}}"#,
            &["missing-field id"],
        ),
        (r#"{"id":"a"}"#, &["missing-field request"]),
        (
            r#"{"id":1,"request":{"headers":[[":method","GET"]]}}"#,
            &["wrong-type id"],
        ),
        (r#"[]"#, &["wrong-type "]),
        (
            r#"{"id":"a","request":{"header":[]}}"#,
            &[
                "unknown-field request.header",
                "missing-field request.headers",
            ],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]],"latency_ms":1}}"#,
            &["unknown-field request.latency_ms"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["Host","b"]]}}"#,
            &["invalid-value request.headers[1][0]"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["","b"]]}}"#,
            &["invalid-value request.headers[1][0]"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["a","b","c"]]}}"#,
            &["wrong-type request.headers[1]"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["a"]]}}"#,
            &["wrong-type request.headers[1]"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["a",null]]}}"#,
            &["wrong-type request.headers[1][1]"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["a",{"base64":"?"}]]}}"#,
            &["invalid-value request.headers[1][1].base64"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"],["a",{"hex":"00"}]]}}"#,
            &[
                "unknown-field request.headers[1][1].hex",
                "missing-field request.headers[1][1].base64",
            ],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]],"body":{}}}"#,
            &["missing-field request.body"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]],"body":"x"}}"#,
            &["wrong-type request.body"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]],"body":{"text":"a","base64":"YQ=="}}}"#,
            &["invalid-value request.body"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]],"body":{"base64":"YQ"}}}"#,
            &["invalid-value request.body.base64"],
        ),
        (
            r#"{"id":"a","time":"yesterday","request":{"headers":[[":method","GET"]]}}"#,
            &["invalid-value time"],
        ),
        (
            r#"{"id":"a","attributes":{"connection.mtsl":true},"request":{"headers":[[":method","GET"]]}}"#,
            &["unknown-attribute attributes[`connection.mtsl`]"],
        ),
        (
            r#"{"id":"a","attributes":{"connection.mtls":"yes"},"request":{"headers":[[":method","GET"]]}}"#,
            &["wrong-type attributes[`connection.mtls`]"],
        ),
        (
            r#"{"id":"a","attributes":{"request.time":"now"},"request":{"headers":[[":method","GET"]]}}"#,
            &["wrong-type attributes[`request.time`]"],
        ),
        (
            r#"{"id":"a","attributes":null,"request":{"headers":[[":method","GET"]]}}"#,
            &["wrong-type attributes"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]]},"expect":{"outcome":"forwarde"}}"#,
            &["invalid-value expect.outcome"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]]},"expect":{"status":70000}}"#,
            &["invalid-value expect.status"],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]]},"expect":{"request_headers":{"a":1}}}"#,
            &["wrong-type expect.request_headers[`a`]"],
        ),
        (
            r#"{"id":"a","id":"b","request":{"headers":[[":method","GET"]]}}"#,
            &["duplicate-field "],
        ),
        (
            r#"{"id":"a","request":{"headers":[[":method","GET"]]}} x"#,
            &["not-json "],
        ),
        (
            r#"{"id":"a","reqest":{},"attributes":{"source.port":"x"}}"#,
            &[
                "wrong-type attributes[`source.port`]",
                "unknown-field reqest",
                "missing-field request",
            ],
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(faults(line), *expected, "{line}");
    }
}

#[test]
fn messages_quote_suggest_and_locate() {
    let message = |line: &str| {
        read_one(line).unwrap_err()[0]
            .clone()
            .in_file("a.jsonl")
            .to_string()
    };
    assert_eq!(
        message(r#"{"id":"a","request":{"headers":[[":method","GET"]],"bdoy":null}}"#),
        "a.jsonl:2 (byte 44): request.bdoy: found `bdoy`, expected one of `headers`, `partial`, `body`, `trailers`; did you mean `body`? [unknown-field]"
    );
    assert_eq!(
        message(
            r#"{"id":"a","attributes":{"connection.mtsl":true},"request":{"headers":[[":method","GET"]]}}"#
        ),
        "a.jsonl:2 (byte 44): attributes[`connection.mtsl`]: found `connection.mtsl`, expected the name of an Envoy attribute; did you mean `connection.mtls`? [unknown-attribute]"
    );
    assert_eq!(
        message(r#"{"id":"a","request":{"headers":[[":method","GET"],["Host","b"]]}}"#),
        "a.jsonl:2 (byte 44): request.headers[1][0]: found `Host`, expected a name in lower case; write `host` [invalid-value]"
    );
}

#[test]
fn a_cut_off_last_line_is_an_error_with_its_place() {
    let whole = recording(&[WHOLE, &WHOLE.replace("hi", "hé")]);
    let first_lines = recording(&[WHOLE]).len();
    for cut in first_lines + 1..whole.len() - 1 {
        let mut reader = Reader::new(&whole.as_bytes()[..cut]).unwrap();
        reader.read().unwrap().unwrap();
        let fault = reader.read().unwrap_err().remove(0);
        assert_eq!(fault.code, Code::Truncated, "cut at {cut}");
        assert_eq!(fault.place.line, Some(3));
        assert_eq!(fault.place.offset, Some(cut as u64), "cut at {cut}");
    }
}

#[test]
fn a_whole_last_line_needs_no_line_feed() {
    let text = recording(&[WHOLE]);
    let mut reader = Reader::new(text.trim_end().as_bytes()).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().id, "a");
    assert!(reader.read().unwrap().is_none());
}

#[test]
fn a_recording_without_exchanges_is_at_its_end() {
    for (rest, is_at_end) in [("", true), ("\n \r\n", true), ("\n\nx\n", false)] {
        let text = recording(&[]) + rest;
        let mut reader = Reader::new(text.as_bytes()).unwrap();
        assert_eq!(reader.is_at_end(), Ok(is_at_end), "{rest:?}");
    }
}

#[test]
fn looking_for_the_end_leaves_lines_where_they_are() {
    let text = recording(&["", "", "{}"]);
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    assert_eq!(reader.is_at_end(), Ok(false));
    let fault = &reader.read().unwrap_err()[0];
    let offset = u64::try_from(HEADER.len() + 3).unwrap();
    assert_eq!(
        (fault.place.line, fault.place.offset),
        (Some(4), Some(offset))
    );
}

#[test]
fn bytes_that_are_not_utf8_are_located() {
    let mut text = recording(&[WHOLE]).into_bytes();
    let at = text.len() - 20;
    text[at] = 0xff;
    let mut reader = Reader::new(text.as_slice()).unwrap();
    let fault = reader.read().unwrap_err().remove(0);
    assert_eq!(
        (fault.code, fault.place.offset),
        (Code::NotUtf8, Some(at as u64))
    );
}

#[test]
fn a_byte_order_mark_is_one_at_the_beginning_only() {
    let advice = |text: &[u8]| {
        let opened = Reader::new(text).and_then(|mut reader| reader.read().map(drop));
        opened.unwrap_err()[0].suggestion.clone().unwrap()
    };
    assert!(advice(b"\xff\xfe{\0").contains("UTF-16"));
    let later = [recording(&[]).as_bytes(), b"\xff\xfe{\0\n"].concat();
    assert!(advice(&later).contains("base64"));
}

#[test]
fn reading_goes_on_after_a_wrong_line() {
    let text = recording(&[r#"{"id":1}"#, "", WHOLE]);
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    reader.read().unwrap_err();
    assert_eq!(reader.read().unwrap().unwrap().id, "a");
}

#[test]
fn a_line_beyond_the_limit_is_refused_before_it_fills_memory() {
    let text = recording(&[&format!(r#"{{"id":"{}"}}"#, "x".repeat(500))]);
    let options = ReaderOptions {
        max_line_bytes: 100,
    };
    let mut reader = Reader::with_options(text.as_bytes(), options).unwrap();
    let fault = reader.read().unwrap_err().remove(0);
    assert_eq!((fault.code, fault.place.line), (Code::TooLong, Some(2)));
}

#[test]
fn what_is_not_a_recording_is_told_apart() {
    let cases: &[(&[u8], Code)] = &[
        (b"", Code::EmptyInput),
        (b"\n\n", Code::EmptyInput),
        (b"\x1f\x8b\x08\0\0", Code::CompressedInput),
        (b"hello\n", Code::NotARecording),
        (b"\xff\xfe{\0", Code::NotUtf8),
        (b"{\"recording\":\"slui", Code::Truncated),
        (
            b"{\"recording\":\"har/v1\",\"source\":\"har\"}\n",
            Code::NotARecording,
        ),
        (
            b"{\"id\":\"a\",\"request\":{\"headers\":[]}}\n",
            Code::UnknownField,
        ),
        (
            b"{\"recording\":\"sluice/v2\",\"anything\":1}\n",
            Code::UnsupportedVersion,
        ),
        (
            b"{\"recording\":\"sluice/v1.1\",\"source\":\"har\"}\n",
            Code::UnsupportedVersion,
        ),
        (
            b"{\"recording\":\"sluice/v1\",\"source\":\"hra\"}\n",
            Code::InvalidValue,
        ),
        (b"{\"recording\":\"sluice/v1\"}\n", Code::MissingField),
    ];
    for (bytes, code) in cases {
        assert_eq!(
            open_error(bytes).code,
            *code,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_capture_in_place_of_a_recording_is_named() {
    let cases = [
        ("tap-buffered.json", "an Envoy tap"),
        ("tap.pb", "an Envoy tap"),
        ("tap.pb_length_delimited", "an Envoy tap"),
        ("chrome.har", "an HTTP archive"),
        ("istio-access.jsonl", "an access log"),
        ("istio-access.log", "an access log"),
    ];
    for (name, what) in cases {
        let path = format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"));
        let fault = open_error(&std::fs::read(path).unwrap());
        assert_eq!(
            (fault.code, fault.found.as_str()),
            (Code::NotARecording, what),
            "{name}"
        );
        let advice = Some("`sluice import` makes one of it");
        assert_eq!(fault.suggestion.as_deref(), advice, "{name}");
    }
    // An exchange in place of the header is none, and says what is missing.
    let fault = open_error(WHOLE.as_bytes());
    assert_eq!(fault.code, Code::UnknownField);
}

#[test]
fn a_newer_version_says_who_can_read_it() {
    let fault = open_error(b"{\"recording\":\"sluice/v2\"}\n");
    assert_eq!(
        fault.to_string(),
        "line 1 (byte 0): recording: found `sluice/v2`, expected `sluice/v1`; a newer release of sluice wrote this and can read it [unsupported-version]"
    );
}

#[test]
fn a_header_keeps_what_it_says() {
    let line = r#"{"recording":"sluice/v1","source":"envoy-tap","paths":"normalized","created":"2026-11-21T09:14:00Z","creator":"sluice 0.1.0","description":"x","redacted":["cookie"]}"#;
    let text = format!("\u{feff}{line}\r\n");
    let reader = Reader::new(text.as_bytes()).unwrap();
    assert_eq!(reader.header().recording, Version { major: 1, minor: 0 });
    assert_eq!(reader.header().paths, Some(Paths::Normalized));
    assert_eq!(serde_json::to_string(reader.header()).unwrap(), line);
}

#[test]
fn a_file_appears_only_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let header = RecordingHeader::new(Source::Har);
    let exchange = read_one(WHOLE).unwrap();
    let mut file = RecordingFile::create(&path, &header).unwrap();
    file.write(&exchange).unwrap();
    assert!(!path.exists());
    drop(file);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);

    let mut file = RecordingFile::create(&path, &header).unwrap();
    file.write(&exchange).unwrap();
    file.commit().unwrap();
    let text = std::fs::read(&path).unwrap();
    let mut reader = Reader::new(text.as_slice()).unwrap();
    assert_eq!(reader.read().unwrap().unwrap(), exchange);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);

    let nowhere = folder.path().join("missing/a.jsonl");
    assert_eq!(
        RecordingFile::create(&nowhere, &header).unwrap_err().code,
        Code::Io
    );
}

#[test]
fn header_bytes_that_are_not_utf8_are_lossless() {
    let field = Field::from_bytes("x", vec![0xff, b'a']);
    let json = serde_json::to_string(&field).unwrap();
    assert_eq!(json, r#"["x",{"base64":"/2E="}]"#);
    assert_eq!(serde_json::from_str::<Field<'_>>(&json).unwrap(), field);
}
