//! A capture that says what no recording can hold is refused where it says it.

use crate::capture::*;

#[test]
fn what_no_reader_takes_is_no_import() {
    let method = r#"{"key":":method","value":"GET"}"#;
    let tap = |headers: &str, connection: &str| {
        format!(
            "\n{{\"http_buffered_trace\":{{\"request\":{{\"headers\":[{headers}]}},\"downstream_connection\":{{{connection}}}}}}}"
        )
    };
    let har = |headers: &str| {
        format!(
            "{{\"log\":{{\"entries\":[\n{{\"request\":{{\"method\":\"GET\",\"url\":\"http://a/\",\"headers\":[{headers}]}}}}]}}}}"
        )
    };
    let log = |extra: &str| format!("\n{{\"method\":\"GET\",\"path\":\"/\"{extra}}}\n");
    let path = r#"{"key":":path","value":"/"}"#;
    let cases = [
        (tap(path, ""), "request.headers", "missing-field"),
        (
            tap(&[method, path, path].join(","), ""),
            "request.headers[2][0]",
            "duplicate-field",
        ),
        (
            tap(&format!(r#"{method},{{"key":"a","raw_value":"AA=="}}"#), ""),
            "request.headers[1][1]",
            "invalid-value",
        ),
        (
            tap(
                method,
                r#""local_address":{"socket_address":{"address":"10.0.0.9"}}"#,
            ),
            "attributes[`destination.address`]",
            "invalid-value",
        ),
        (
            tap(
                method,
                r#""remote_address":{"socket_address":{"address":"10.0.0.9","port_value":70000}}"#,
            ),
            "attributes[`source.address`]",
            "invalid-value",
        ),
        (
            har(r#"{"name":":path","value":"/"},{"name":":path","value":"/"}"#),
            "log.entries[0].request.headers[1].name",
            "duplicate-field",
        ),
        (
            har(r#"{"name":"x y","value":"/"}"#),
            "log.entries[0].request.headers[0].name",
            "invalid-value",
        ),
        (
            har(r#"{"name":"x","value":"a\rb"}"#),
            "log.entries[0].request.headers[0].value",
            "invalid-value",
        ),
        (
            log(r#","duration":-1"#),
            "attributes[`request.duration`]",
            "invalid-value",
        ),
        (
            log(r#","downstream_remote_address":"10.0.0.7""#),
            "attributes[`source.address`]",
            "invalid-value",
        ),
        (
            log(r#","upstream_host":"10.0.0.7:0""#),
            "attributes[`upstream.address`]",
            "invalid-value",
        ),
        (
            log(r#","user_agent":"a\nb""#),
            "request.headers[2][1]",
            "invalid-value",
        ),
    ];
    for (capture, path, code) in cases {
        let fault = refused(capture.as_bytes());
        assert_eq!(
            (fault.code.as_str(), fault.place.path.as_str()),
            (code, path),
            "{capture}: {fault}"
        );
        assert_eq!(fault.place.line, Some(2), "{capture}: {fault}");
    }
}

#[test]
fn a_full_disk_is_no_fault_of_a_line() {
    for name in ["tap-buffered.json", "chrome.har", "istio-access.log"] {
        let fault = import(&sample(name)[..], &options(), &mut |_| {
            Err(Diagnostic::new(Code::Io, "a full disk", "room").in_file("out.jsonl"))
        })
        .unwrap_err();
        assert_eq!(
            fault.to_string(),
            "out.jsonl: found a full disk, expected room [io]",
            "{name}"
        );
    }
}
