//! Access logs.

use crate::capture::*;

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
    assert_eq!(report.unused_log_keys, Vec::<String>::new());
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
fn a_given_key_that_no_line_has_is_reported() {
    let log = r#"{"method":"GET","path":"/","peer":"-","response_code":200}"#;
    let key = |name: &str, operator: &str| (name.to_owned(), operator.to_owned());
    let mut options = options();
    options.log_keys = vec![
        key("per", "%DOWNSTREAM_PEER_URI_SAN%"),
        key("peer", "%DOWNSTREAM_PEER_URI_SAN%"),
    ];
    let (_, report) = import_with(log.as_bytes(), &options).unwrap();
    assert_eq!(report.unused_log_keys, ["per"]);
    options.log_keys = vec![key("peer", "%XYZ%")];
    let fault = import_with(log.as_bytes(), &options).unwrap_err();
    assert_eq!(fault.code, Code::InvalidLogFormat);
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

#[test]
fn what_an_upstream_wrote_into_its_service_time_is_no_fault_of_the_log() {
    for (time, latency_ms) in [
        ("18", Some(18.0)),
        ("nan", None),
        ("-1", None),
        ("1e999", None),
    ] {
        let log = format!(
            r#"{{"method":"GET","path":"/","response_code":200,"upstream_service_time":"{time}"}}"#
        );
        let (exchanges, _) = import_with(log.as_bytes(), &options()).unwrap();
        assert_eq!(response(&exchanges[0]).latency_ms, latency_ms, "{time}");
    }
}
