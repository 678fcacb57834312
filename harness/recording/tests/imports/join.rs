//! Joining a tap with an access log, and redaction.

use crate::capture::*;

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
        r#"{{"http_buffered_trace":{{"request":{{"headers":[{{"key":":method","value":"GET"}},{{"key":":path","value":"{path}"}},{{"key":"x-request-id","value":"{id}"}}]}}}}}}"#
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
        logged("8", "/z", "spiffe://z"),
        logged("8", "/z", "spiffe://y"),
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
        log_lines: 5,
        unused_log_lines: 3,
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
fn what_has_no_request_id_belongs_to_nothing() {
    let tap = tapped("1", "/a").replace("x-request-id", "x-other");
    let log = logged("1", "/a", "spiffe://a").replace("request_id", "other");
    for (tap, log) in [
        (&tap, &log),
        (&tapped("1", "/a"), &log),
        (&tap, &logged("1", "/a", "spiffe://a")),
    ] {
        let (exchanges, report) = join(tap, log);
        assert_eq!(
            (peer(&exchanges[0]), report.joined),
            (None, 0),
            "{tap}\n{log}"
        );
        assert_eq!(report.unmatched, 1);
    }
}

/// What tap and log can contradict each other in, and whether they then still join.
#[test]
fn every_compared_fact_must_agree_where_both_sides_have_it() {
    let tap = |status: &str, source: &str, destination: &str| {
        let side = |name: &str, address: &str| match address.rsplit_once(':') {
            Some((ip, port)) => {
                format!(r#""{name}":{{"socket_address":{{"address":"{ip}","port_value":{port}}}}}"#)
            }
            None => format!(r#""{name}":{{}}"#),
        };
        let response = match status {
            "" => String::new(),
            status => {
                format!(r#","response":{{"headers":[{{"key":":status","value":"{status}"}}]}}"#)
            }
        };
        format!(
            r#"{{"http_buffered_trace":{{"request":{{"headers":[{{"key":":method","value":"GET"}},{{"key":":path","value":"/a"}},{{"key":":authority","value":"b"}},{{"key":"x-request-id","value":"1"}}]}}{response},"downstream_connection":{{{},{}}}}}}}"#,
            side("local_address", destination),
            side("remote_address", source)
        )
    };
    let log = |extra: &str| {
        format!(r#"{{"request_id":"1","path":"/a","downstream_peer_uri_san":"spiffe://a"{extra}}}"#)
    };
    let (source, destination) = ("10.0.0.7:1", "10.0.0.9:2");
    let whole = tap("200", source, destination);
    let cases = [
        (&whole, r#""#, true),
        (&whole, r#","response_code":200"#, true),
        (&whole, r#","response_code":403"#, false),
        // Envoy sent nothing, or the tap did not see it: that contradicts no number.
        (&whole, r#","response_code":0"#, true),
        (
            &tap("", source, destination),
            r#","response_code":403"#,
            true,
        ),
        (&whole, r#","downstream_remote_address":"10.0.0.7:1""#, true),
        (
            &whole,
            r#","downstream_remote_address":"10.0.0.7:9""#,
            false,
        ),
        (&whole, r#","downstream_remote_address":"-""#, false),
        (
            &tap("200", "", destination),
            r#","downstream_remote_address":"10.0.0.7:9""#,
            true,
        ),
        (&whole, r#","downstream_local_address":"10.0.0.9:2""#, true),
        (&whole, r#","downstream_local_address":"10.0.0.8:2""#, false),
        (
            &tap("200", source, ""),
            r#","downstream_local_address":"10.0.0.8:2""#,
            true,
        ),
        (&whole, r#","method":"GET""#, true),
        (&whole, r#","method":"PUT""#, false),
        (&whole, r#","authority":"b""#, true),
        (&whole, r#","authority":"c""#, false),
    ];
    for (tap, extra, joins) in cases {
        let (exchanges, report) = join(tap, &log(extra));
        assert_eq!(report.joined, u64::from(joins), "{extra}");
        assert_eq!(report.unmatched, u64::from(!joins), "{extra}");
        assert_eq!(
            peer(&exchanges[0]),
            joins.then_some("spiffe://a"),
            "{extra}"
        );
    }
}

#[test]
fn a_joined_line_fills_in_what_the_tap_lacks() {
    let tap = tapped("1", "/a").replace(
        r#"]}}}"#,
        r#"]},"response":{"headers":[{"key":":status","value":"200"}]}}}"#,
    );
    let log = r#"{"request_id":"1","path":"/a","response_code":200,"start_time":"2026-11-21T09:14:00Z","upstream_service_time":"7"}"#;
    let (exchanges, _) = join(&tap, log);
    assert_eq!(
        exchanges[0].time.unwrap().to_string(),
        "2026-11-21T09:14:00Z"
    );
    assert_eq!(response(&exchanges[0]).latency_ms, Some(7.0));
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
fn more_headers_are_redacted_beside_the_usual_ones() {
    let more = ImportOptions {
        redaction: Redaction::default().and(["X-Multi", "x-api-kye"]),
        ..ImportOptions::default()
    };
    let (exchanges, report) = import_with(&sample("tap-buffered.json"), &more).unwrap();
    assert_eq!(report.redacted_values, 6);
    assert!(
        !serde_json::to_string(&exchanges)
            .unwrap()
            .contains("Bearer")
    );
    let unmet = report.unmet_redactions;
    assert!(unmet.iter().any(|name| name == "x-api-kye"), "{unmet:?}");
    assert!(!unmet.iter().any(|name| name == "x-multi"), "{unmet:?}");
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
