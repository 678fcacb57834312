//! Headers, bodies and trailers through the chain; pauses and local replies.

use crate::guests::{chain, chain_of, chain_with, config, get, on_request, said};
use sluice_host::{Attributes, Exchange, Headers, Message, OutcomeKind, PluginConfig, World};

fn lines(headers: &Headers) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    headers
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn post(chunks: &[&str]) -> Exchange {
    let mut exchange = get("/");
    exchange.request.body = chunks
        .iter()
        .map(|chunk| chunk.as_bytes().to_vec())
        .collect();
    exchange
}

/// Answers every request with 403 and the body `no`.
const DENY: &str = r#"
  (data (i32.const 256) "a b") (data (i32.const 272) "no")
  (data (i32.const 288) "\01\00\00\00\03\00\00\00\01\00\00\00X-A\001\00")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $digit (call $reply (i32.const 403) (i32.const 256) (i32.const 3) (i32.const 272) (i32.const 2)
      (i32.const 288) (i32.const 18) (i32.const -1)))
    (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (call $say (i32.const 114)) (i32.const 0))
  (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
    (call $say (i32.const 98)) (i32.const 0))"#;

const SAYS_RESPONSE: &str = r#"
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $say (i32.const 81)) (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (call $say (i32.const 82)) (i32.const 0))
  (func (export "proxy_on_log") (param i32) (call $say (i32.const 76)))"#;

#[test]
fn a_local_reply_stops_the_request_whatever_the_callback_returns() {
    let outcome = chain(DENY).run(&get("/"));
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Replied, Some(403))
    );
    assert_eq!(
        outcome.details.as_deref(),
        Some(&b"a_b"[..]),
        "white space in details becomes _"
    );
    assert_eq!(
        said(&outcome),
        "0rb",
        "the plugin that replied sees its own reply"
    );
    let response = outcome.response.expect("a response");
    let expected = [
        (":status", "403"),
        ("x-a", "1"),
        ("content-length", "2"),
        ("content-type", "text/plain"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    assert_eq!(lines(&response.headers), expected);
    assert_eq!(response.body_bytes(), b"no");
}

#[test]
fn a_local_reply_passes_earlier_plugins_and_is_only_logged_by_later_ones() {
    let plugins = [
        (SAYS_RESPONSE, config()),
        (DENY, config()),
        (SAYS_RESPONSE, config()),
    ];
    let outcome = chain_of(&plugins, World::default()).run(&get("/"));
    assert_eq!(said(&outcome), "Q0rRbLL");
    assert_eq!(outcome.status, Some(403));
}

#[test]
fn a_grpc_request_is_refused_with_a_grpc_status() {
    let mut exchange = get("/");
    exchange
        .request
        .headers
        .add("content-type", "application/grpc+proto");
    let response = chain(DENY).run(&exchange).response.expect("a response");
    assert_eq!(response.headers.get(":status"), Some(&b"200"[..]));
    assert_eq!(
        response.headers.get("grpc-status"),
        Some(&b"7"[..]),
        "403 means PERMISSION_DENIED"
    );
    assert_eq!(response.headers.get("grpc-message"), Some(&b"no"[..]));
    assert_eq!(response.body_bytes(), b"");
}

#[test]
fn a_head_request_gets_the_length_without_the_body() {
    let mut exchange = get("/");
    exchange.request.headers.set(":method", "HEAD");
    let response = chain(DENY).run(&exchange).response.expect("a response");
    assert_eq!(response.headers.get("content-length"), Some(&b"2"[..]));
    assert_eq!(response.body_bytes(), b"");
}

/// Returns `verdict` for request headers; says `b`, the size and the end flag
/// of each frame.
fn pausing(verdict: u32, body_verdict: &str) -> String {
    format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const {verdict}))
           (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
             (call $say (i32.const 98)) (call $digit (local.get 1)) (call $digit (local.get 2)) {body_verdict})"#
    )
}

#[test]
fn a_paused_request_is_held_with_its_body() {
    let outcome = chain(&pausing(1, "(i32.const 0)")).run(&post(&["abc"]));
    assert_eq!((outcome.kind, outcome.status), (OutcomeKind::Held, None));
    assert_eq!(outcome.plugin.as_deref(), Some("plugin"));
    assert_eq!(said(&outcome), "", "StopIteration stops the body as well");
}

#[test]
fn stop_iteration_lets_the_body_on_where_it_is_allowed() {
    let allowed = PluginConfig {
        allow_on_headers_stop_iteration: true,
        ..config()
    };
    let outcome =
        chain_with(&pausing(1, "(i32.const 0)"), allowed, World::default()).run(&post(&["abc"]));
    assert_eq!(
        (outcome.kind, said(&outcome).as_str()),
        (OutcomeKind::Forwarded, "b31")
    );
    assert_eq!(outcome.request.body_bytes(), b"abc");
}

#[test]
fn a_buffering_plugin_sees_all_that_it_has_held_back() {
    // Pauses until the end of the stream.
    let body = pausing(0, "(i32.eqz (local.get 2))");
    let outcome = chain(&body).run(&post(&["ab", "c", "de"]));
    assert_eq!(said(&outcome), "b20b30b51");
    assert_eq!(
        outcome.request.body,
        [b"abcde".to_vec()],
        "it goes on in one piece"
    );
}

#[test]
fn a_plugin_that_lets_frames_pass_sees_each_alone() {
    let outcome = chain(&pausing(0, "(i32.const 0)")).run(&post(&["ab", "c"]));
    assert_eq!(said(&outcome), "b20b11");
    assert_eq!(outcome.request.body, [b"ab".to_vec(), b"c".to_vec()]);
}

#[test]
fn a_body_can_be_replaced_prepended_and_appended() {
    let change = |start: &str, len: &str| {
        let body = format!(
            r#"(data (i32.const 256) "xy")
               (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
                 (call $digit (call $set_buffer (i32.const 0) (i32.const {start}) (i32.const {len})
                   (i32.const 256) (i32.const 2))) (i32.const 0))"#
        );
        let outcome = chain(&body).run(&post(&["abc"]));
        (
            said(&outcome),
            String::from_utf8(outcome.request.body_bytes()).expect("ASCII"),
        )
    };
    assert_eq!(change("0", "0"), ("0".to_owned(), "xyabc".to_owned()));
    assert_eq!(change("0", "3"), ("0".to_owned(), "xy".to_owned()));
    assert_eq!(change("3", "0"), ("0".to_owned(), "abcxy".to_owned()));
    assert_eq!(
        change("1", "1"),
        ("2".to_owned(), "abc".to_owned()),
        "nothing in between"
    );
}

#[test]
fn trailers_pass_and_can_be_held() {
    let says = |verdict: u32| {
        format!(
            r#"(func (export "proxy_on_request_trailers") (param i32 i32) (result i32)
               (call $digit (local.get 1)) (i32.const {verdict}))"#
        )
    };
    let mut exchange = post(&["ab"]);
    exchange.request.trailers = Some([("t", "1"), ("u", "2")].into_iter().collect());
    let passed = chain(&says(0)).run(&exchange);
    assert_eq!(
        (passed.kind, said(&passed).as_str()),
        (OutcomeKind::Forwarded, "2")
    );
    assert_eq!(passed.request.trailers, exchange.request.trailers);
    assert_eq!(chain(&says(1)).run(&exchange).kind, OutcomeKind::Held);
}

/// Pauses the request; its tick, 5 ms later, lets it go on.
const DELAY: &str = r#"
  (global $held (mut i32) (i32.const 0))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $held (local.get 0)) (drop (call $set_tick (i32.const 5))) (i32.const 1))
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
    (call $digit (local.get 1)) (i32.const 0))
  (func (export "proxy_on_tick") (param i32)
    (drop (call $set_tick (i32.const 0)))
    (drop (call $act_as (global.get $held)))
    (drop (call $go_on (i32.const 0))))"#;

#[test]
fn a_request_resumed_by_a_tick_goes_on_with_its_body() {
    let outcome = chain(DELAY).run(&post(&["ab", "c"]));
    assert_eq!(
        (outcome.kind, outcome.delay_ns),
        (OutcomeKind::Forwarded, 5_000_000)
    );
    assert_eq!(
        said(&outcome),
        "3",
        "the plugin is asked about the body it had stopped"
    );
    assert_eq!(outcome.request.body_bytes(), b"abc");
    assert_eq!(outcome.status, Some(200));
}

#[test]
fn streams_can_interleave() {
    let mut chain = chain(DELAY);
    let (one, two) = (
        chain.open(&Attributes::new()),
        chain.open(&Attributes::new()),
    );
    assert_ne!(one, two);
    let exchange = get("/");
    chain.request_headers(one, &exchange.request.headers, true);
    chain.request_headers(two, &exchange.request.headers, true);
    chain.advance_to(chain.now_ns() + 5_000_000);
    let (first, second) = (chain.close(one), chain.close(two));
    assert_eq!(first.kind, OutcomeKind::Held);
    assert_eq!(
        second.kind,
        OutcomeKind::Forwarded,
        "the guest remembers only the later one"
    );
}

#[test]
fn going_on_from_the_own_callback_is_going_on() {
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (call $go_on (i32.const 0))) (i32.const 1))"#;
    assert_eq!(chain(body).run(&get("/")).kind, OutcomeKind::Forwarded);
}

#[test]
fn a_closed_stream_is_reset() {
    let outcome = chain(&on_request("(drop (call $close (i32.const 0)))")).run(&get("/"));
    assert_eq!((outcome.kind, outcome.status), (OutcomeKind::Reset, None));
    assert_eq!(outcome.plugin.as_deref(), Some("plugin"));
}

#[test]
fn a_reply_to_a_response_goes_straight_to_the_client() {
    let body = r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (call $say (i32.const 114))
        (drop (call $reply (i32.const 502) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const -1))) (i32.const 0))"#;
    let plugins = [(SAYS_RESPONSE, config()), (body, config())];
    let outcome = chain_of(&plugins, World::default()).run(&get("/"));
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Replied, Some(502))
    );
    assert_eq!(said(&outcome), "QrL", "no plugin is asked about it");
}

#[test]
fn repeated_headers_stay_apart_and_the_getter_gives_the_first() {
    let body = format!(
        r#"(data (i32.const 256) "X-Multi") (data (i32.const 272) "three") {}"#,
        on_request(
            "(call $digit (call $get_header (i32.const 0) (i32.const 256) (i32.const 7) (i32.const 0) (i32.const 4))) \
             (call $told) \
             (drop (call $add_header (i32.const 0) (i32.const 256) (i32.const 7) (i32.const 272) (i32.const 5)))"
        )
    );
    let mut exchange = get("/");
    exchange.request.headers.add("x-multi", "one");
    exchange.request.headers.add("x-multi", "two");
    let outcome = chain(&body).run(&exchange);
    assert_eq!(said(&outcome), "0one");
    let values: Vec<_> = outcome.request.headers.get_all(b"x-multi").collect();
    assert_eq!(values, [&b"one"[..], b"two", b"three"]);
    assert!(
        outcome.route_cache_cleared,
        "changing request headers chooses the route anew"
    );
}

#[test]
fn reading_headers_leaves_the_route_alone() {
    let read = "(drop (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 4)))";
    assert!(!chain(&on_request(read)).run(&get("/")).route_cache_cleared);
}

#[test]
fn request_headers_are_forgotten_until_the_log() {
    let read = "(call $digit (call $get_header (i32.const 0) (i32.const 256) (i32.const 5) (i32.const 0) (i32.const 4)))";
    let body = format!(
        r#"(data (i32.const 256) ":path") {}
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) {read} (i32.const 0))
           (func (export "proxy_on_log") (param i32) {read})"#,
        on_request(read)
    );
    assert_eq!(said(&chain(&body).run(&get("/"))), "020");
}

#[test]
fn the_connection_manager_prepares_a_request() {
    let outcome = chain("").run(&get("/x#fragment"));
    let headers = &outcome.request.headers;
    assert_eq!(headers.get(":path"), Some(&b"/x"[..]));
    assert_eq!(headers.get(":scheme"), Some(&b"http"[..]));
    assert_eq!(headers.get("x-forwarded-proto"), Some(&b"http"[..]));
    assert_eq!(headers.get("x-request-id").map(<[u8]>::len), Some(36));
}

#[test]
fn without_a_recorded_response_a_request_is_only_forwarded() {
    let exchange = Exchange {
        response: None,
        ..get("/")
    };
    let outcome = chain("").run(&exchange);
    assert_eq!(
        (outcome.kind, outcome.status, outcome.response),
        (OutcomeKind::Forwarded, None, None)
    );
}

#[test]
fn upstream_latency_is_virtual_time() {
    let exchange = Exchange {
        upstream_latency_ns: 7_000_000,
        ..get("/")
    };
    let mut chain = chain("");
    let start = chain.now_ns();
    let outcome = chain.run(&exchange);
    assert_eq!((chain.now_ns() - start, outcome.delay_ns), (7_000_000, 0));
    assert_eq!(
        outcome.response,
        Some(Message::of_headers([(":status", "200")]))
    );
}

#[test]
fn host_is_another_name_of_the_authority() {
    let body = format!(
        r#"(data (i32.const 256) "Host") (data (i32.const 272) "b") {}"#,
        on_request(
            "(call $digit (call $get_header (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 0) (i32.const 4))) \
             (call $told) \
             (drop (call $set_header (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 272) (i32.const 1)))"
        )
    );
    let outcome = chain(&body).run(&get("/"));
    assert_eq!(said(&outcome), "0a");
    assert_eq!(outcome.request.headers.get(":authority"), Some(&b"b"[..]));
    assert_eq!(outcome.request.headers.get("host"), None);
}
