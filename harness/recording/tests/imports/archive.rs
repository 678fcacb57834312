//! HTTP archives.

use crate::capture::*;

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
            Code::MissingField,
            "log.entries[0].request.url",
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
            Code::InvalidValue,
            "log.entries[0].startedDateTime",
        ),
        (
            r#"{"log":{"version":"1.2"}}"#.to_owned(),
            Code::MissingField,
            "log.entries",
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

/// Serde's own words, such as `expected i64`, tell nobody what to write.
#[test]
fn archives_are_refused_in_house_style() {
    let request = r#""request":{"method":"GET","url":"http://a"}"#;
    let long = "x".repeat(100);
    let cases = [
        (
            har(&format!(r#"{{{request},"response":{{"status":"200"}}}}"#)),
            r#"log.entries[0].response.status: found `"200"`, expected an integer [wrong-type]"#,
        ),
        (
            har(&format!(r#"{{{request},"response":{{"status":1.5}}}}"#)),
            "log.entries[0].response.status: found `1.5`, expected an integer [wrong-type]",
        ),
        (
            har(&format!(r#"{{{request},"response":[]}}"#)),
            "log.entries[0].response: found a list, expected an object [wrong-type]",
        ),
        (
            har(&format!(r#"{{{request},"timings":{{"wait":true}}}}"#)),
            "log.entries[0].timings.wait: found `true`, expected a number [wrong-type]",
        ),
        (
            har(r#"{"request":{"method":null,"url":"http://a"}}"#),
            "log.entries[0].request.method: found null, expected a string [wrong-type]",
        ),
        (
            har(r#"{"request":{"method":"GET","url":"http://a","headers":{}}}"#),
            "log.entries[0].request.headers: found an object, expected a list [wrong-type]",
        ),
        (
            har(r#"{"request":{"method":"GET","url":"http://a","headers":[{"name":"a"}]}}"#),
            "log.entries[0].request.headers[0].value: found nothing, expected a string [missing-field]",
        ),
        (
            har(r#"{"request":{"method":"GET","method":"PUT","url":"http://a"}}"#),
            "log.entries[0].request.method: found a second one, expected the field once [duplicate-field]",
        ),
        (
            har(&format!(
                r#"{{"startedDateTime":"now, expected soon",{request}}}"#
            )),
            r#"log.entries[0].startedDateTime: found `"now, expected soon"`, expected an RFC 3339 time such as 2026-11-21T09:14:00.250Z [invalid-value]"#,
        ),
        (
            har(&format!(r#""{long}""#)),
            &format!(
                "log.entries[0]: found `\"{}…`, expected an object [wrong-type]",
                "x".repeat(63)
            ),
        ),
        (
            r#"{"log":[]}"#.to_owned(),
            "log: found a list, expected an object with `entries` [wrong-type]",
        ),
        (
            r#"{"log":{"entries":7}}"#.to_owned(),
            "log.entries: found `7`, expected a list of entries [wrong-type]",
        ),
        (
            har("") + "x",
            "found text that is no JSON (trailing characters, column 23), expected an HTTP archive, version 1.2 [not-json]",
        ),
    ];
    let options = ImportOptions {
        format: Some(Format::Har),
        ..options()
    };
    for (text, expected) in cases {
        let fault = import_with(text.as_bytes(), &options).unwrap_err();
        assert_eq!(fault.to_string(), format!("line 1: {expected}"), "{text}");
    }
}
