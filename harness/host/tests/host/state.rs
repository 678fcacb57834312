//! Metrics, shared data, queues, foreign functions, WASI, cost.

use crate::guests::{chain, chain_of, config, get, hear, on_request, said, text};
use sluice_host::{Chain, MetricKind, Module, PluginConfig, World};

#[test]
fn metrics_are_counted_by_exchange_and_in_total() {
    let body = format!(
        r#"(data (i32.const 256) "hits")
           (func (export "proxy_on_configure") (param i32 i32) (result i32)
             (drop (call $define (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 8))) (i32.const 1)) {}"#,
        on_request(
            "(call $digit (i32.load (i32.const 8))) \
             (call $digit (call $increment (i32.load (i32.const 8)) (i64.const 2))) \
             (call $digit (call $increment (i32.load (i32.const 8)) (i64.const 0)))"
        )
    );
    let mut chain = chain(&body);
    let outcome = chain.run(&get("/"));
    assert_eq!(said(&outcome), "402");
    let [delta] = outcome.metrics.as_slice() else {
        panic!("{:?}", outcome.metrics)
    };
    assert_eq!(
        (&*delta.name, delta.kind, delta.change, delta.operations),
        ("hits", MetricKind::Counter, 2, 1)
    );
    chain.run(&get("/"));
    assert_eq!(chain.metrics(), [("hits", MetricKind::Counter, 4)]);
}

const SHARE: &str = r#"(data (i32.const 256) "k")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $digit (call $get_shared (i32.const 256) (i32.const 1) (i32.const 0) (i32.const 4) (i32.const 8)))
    (call $digit (call $set_shared (i32.const 256) (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 0)))
    (call $digit (call $set_shared (i32.const 256) (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 999)))
    (i32.const 0))"#;

#[test]
fn shared_data_lives_by_vm_id_and_swaps_only_what_it_compared() {
    let mut one = chain(SHARE);
    assert_eq!(said(&one.run(&get("/"))), "108");
    assert_eq!(said(&one.run(&get("/"))), "008");
    assert_eq!(
        one.shared_data("", b"k").map(|(value, _)| value),
        Some(&b"k"[..])
    );
    let other = PluginConfig {
        vm_id: "other".to_owned(),
        ..config()
    };
    let outcome = chain_of(&[(SHARE, config()), (SHARE, other)], World::default()).run(&get("/"));
    assert_eq!(said(&outcome), "108108");
}

#[test]
fn a_filled_queue_is_announced_to_its_owner() {
    let body = format!(
        r#"(data (i32.const 256) "queue") (data (i32.const 272) "item")
           (func (export "proxy_on_configure") (param i32 i32) (result i32)
             (drop (call $register (i32.const 256) (i32.const 5) (i32.const 8))) (i32.const 1))
           (func (export "proxy_on_queue_ready") (param i32 i32)
             (call $digit (call $dequeue (local.get 1) (i32.const 0) (i32.const 4))) (call $told)
             (call $digit (call $dequeue (local.get 1) (i32.const 0) (i32.const 4)))) {}"#,
        on_request(
            "(call $digit (call $enqueue (i32.load (i32.const 8)) (i32.const 272) (i32.const 4)))"
        )
    );
    let mut chain = chain(&body);
    assert_eq!(said(&chain.run(&get("/"))), "0");
    chain.advance_to(chain.now_ns());
    let own: String = chain
        .logs()
        .iter()
        .map(|line| line.message.as_str())
        .collect();
    assert_eq!(own, "0item7", "7 is Empty");
}

fn call_foreign(name: &str, argument: &str, argument_len: usize) -> String {
    let body = format!(
        r#"(data (i32.const 256) "{name}") (data (i32.const 512) "{argument}") {}"#,
        on_request(&format!(
            "(call $digit (call $foreign (i32.const 256) (i32.const {}) (i32.const 512) (i32.const {argument_len}) \
             (i32.const 0) (i32.const 4))) (call $digit (i32.load (i32.const 4)))",
            name.len()
        ))
    );
    hear(&body)
}

#[test]
fn foreign_functions_are_envoys() {
    assert_eq!(call_foreign("resolve_dns", "", 0), "10");
    assert_eq!(call_foreign("clear_route_cache", "", 0), "00");
    assert_eq!(call_foreign("uncompress", "garbage", 7), "30");
    // zlib of nothing is eight bytes.
    assert_eq!(call_foreign("compress", "", 0), "08");
    assert_eq!(call_foreign("verify_signature", "x", 1), "20");
    assert_eq!(call_foreign("sign", "", 0), "20");
    assert_eq!(call_foreign("declare_property", "\\0a\\01a", 3), "00");
    // SetEnvoyFilterState{path: "envoy.string", value: "v"}, and an unknown path.
    assert_eq!(
        call_foreign(
            "set_envoy_filter_state",
            "\\0a\\0cenvoy.string\\12\\01v",
            17
        ),
        "00"
    );
    assert_eq!(
        call_foreign("set_envoy_filter_state", "\\0a\\01a\\12\\01v", 6),
        "10"
    );
}

#[test]
fn clearing_the_route_cache_shows_in_the_outcome() {
    let body = format!(
        r#"(data (i32.const 256) "clear_route_cache") {}"#,
        on_request(
            "(drop (call $foreign (i32.const 256) (i32.const 17) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))"
        )
    );
    assert!(chain(&body).run(&get("/")).route_cache_cleared);
}

/// Calls one WASI function and says its result.
fn wasi(module: &str, name: &str, parameters: &str, arguments: &str) -> String {
    let import =
        format!(r#"(import "{module}" "{name}" (func $wasi (param {parameters}) (result i32)))"#);
    let body = on_request(&format!(
        "(call $digit (i32.rem_u (call $wasi {arguments}) (i32.const 100)))"
    ));
    let text = text(&body).replacen("(module", &format!("(module {import}"), 1);
    let engine = crate::guests::engine();
    let wasm = wat::parse_str(text).expect("well formed");
    let module = Module::compile(&engine, "guest", &wasm).expect("loads");
    let mut chain =
        Chain::new(&engine, vec![(module, config())], World::default()).expect("starts");
    said(&chain.run(&get("/")))
}

fn digit(number: u8) -> String {
    char::from(b'0' + number).to_string()
}

#[test]
fn wasi_answers_as_envoys_does() {
    let zero = "(i32.const 256)";
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        let answer = |name, parameters, arguments: &str| wasi(module, name, parameters, arguments);
        assert_eq!(
            answer("random_get", "i32 i32", "(i32.const 256) (i32.const 65536)"),
            digit(0)
        );
        assert_eq!(
            answer("random_get", "i32 i32", "(i32.const 256) (i32.const 65537)"),
            digit(28)
        );
        assert_eq!(
            answer("random_get", "i32 i32", "(i32.const 131072) (i32.const 1)"),
            digit(21)
        );
        assert_eq!(
            answer(
                "clock_time_get",
                "i32 i64 i32",
                "(i32.const 0) (i64.const 0) (i32.const 256)"
            ),
            digit(0)
        );
        assert_eq!(
            answer(
                "clock_time_get",
                "i32 i64 i32",
                "(i32.const 2) (i64.const 0) (i32.const 256)"
            ),
            digit(58)
        );
        assert_eq!(
            answer(
                "fd_prestat_get",
                "i32 i32",
                &format!("(i32.const 3) {zero}")
            ),
            digit(8)
        );
        assert_eq!(
            answer("fd_fdstat_get", "i32 i32", &format!("(i32.const 1) {zero}")),
            digit(0)
        );
        assert_eq!(
            answer("fd_fdstat_get", "i32 i32", &format!("(i32.const 0) {zero}")),
            digit(8)
        );
        assert_eq!(answer("sched_yield", "", ""), digit(0));
    }
}

#[test]
fn standard_output_is_the_log_without_its_last_newline() {
    let import = r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#;
    let body = format!(
        r#"(data (i32.const 256) "\10\01\00\00\03\00\00\00") (data (i32.const 272) "hi\0a") {}"#,
        on_request(
            "(drop (call $write (i32.const 2) (i32.const 256) (i32.const 1) (i32.const 8))) \
             (call $digit (i32.load (i32.const 8))) \
             (call $digit (call $write (i32.const 3) (i32.const 256) (i32.const 1) (i32.const 8))) \
             (call $digit (i32.rem_u (call $write (i32.const 1) (i32.const 131070) (i32.const 1) (i32.const 8)) \
               (i32.const 100)))"
        )
    );
    let text = text(&body).replacen("(module", &format!("(module {import}"), 1);
    let engine = crate::guests::engine();
    let module = Module::compile(
        &engine,
        "guest",
        &wat::parse_str(text).expect("well formed"),
    )
    .expect("loads");
    let mut chain =
        Chain::new(&engine, vec![(module, config())], World::default()).expect("starts");
    let outcome = chain.run(&get("/"));
    assert_eq!(said(&outcome), format!("hi3{}{}", digit(8), digit(21)));
    assert_eq!(outcome.logs[0].level, sluice_host::LogLevel::Error);
}

#[test]
fn cost_is_exact_and_repeats() {
    let body = on_request("(drop (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 4)))");
    let run = || chain(&body).run(&get("/")).costs[0].cost;
    let cost = run();
    assert_eq!(cost, run());
    assert_eq!(cost.host_calls, 1);
    assert!(cost.fuel > 0 && cost.bytes_copied > 40, "{cost:?}");
}
