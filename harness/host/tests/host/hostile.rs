//! Guests that do what no guest should. Each ends in a status, a trap of the
//! guest or a refusal to load, and never in a failure of the host.

use crate::guests::{
    chain, chain_with, compile_text, config, engine, get, hear, on_request, said, text,
};
use sluice_host::{Chain, Limits, Module, Outcome, OutcomeKind, PluginConfig, PluginState, World};

fn refused_by_failure(outcome: &Outcome) {
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Replied, Some(503))
    );
    assert_eq!(outcome.details.as_deref(), Some(&b"wasm_fail_stream"[..]));
}

fn code_of(module: Result<Module, sluice_host::ModuleError>) -> &'static str {
    module.err().expect("the module must not load").code
}

#[test]
fn pointers_outside_memory_are_answered_with_invalid_memory_access() {
    let log = |ptr: &str, len: &str| {
        hear(&on_request(&format!(
            "(call $digit (call $log (i32.const 2) (i32.const {ptr}) (i32.const {len})))"
        )))
    };
    // Two pages are 131072 bytes.
    assert_eq!(log("131073", "0"), "6");
    assert_eq!(log("131072", "1"), "6");
    assert_eq!(log("-1", "1"), "6");
    assert_eq!(log("1", "-1"), "6");
    assert_eq!(log("-1", "-1"), "6");
    assert_eq!(
        log("131072", "0"),
        "0",
        "an empty range at the very end is inside"
    );
}

#[test]
fn out_pointers_outside_memory_are_answered_with_invalid_memory_access() {
    let body =
        on_request("(call $digit (call $get_pairs (i32.const 0) (i32.const -4) (i32.const 0)))");
    assert_eq!(hear(&body), "6");
    let body = on_request(
        "(call $digit (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 131069)))",
    );
    assert_eq!(hear(&body), "6");
}

#[test]
fn levels_and_maps_that_do_not_exist_are_bad_arguments() {
    assert_eq!(
        hear(&on_request(
            "(call $digit (call $log (i32.const 6) (i32.const 0) (i32.const 0)))"
        )),
        "2"
    );
    assert_eq!(
        hear(&on_request(
            "(call $digit (call $get_pairs (i32.const 8) (i32.const 0) (i32.const 4)))"
        )),
        "2"
    );
    assert_eq!(
        hear(&on_request(
            "(call $digit (call $get_buffer (i32.const 9) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4)))"
        )),
        "2"
    );
}

/// The same guest with another allocator; it asks for the header pairs.
fn with_allocator(allocator: &str) -> Outcome {
    let usual = "(param i32) (result i32) (i32.const 65536))";
    let body =
        on_request("(call $digit (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 4)))");
    let text = text(&body).replacen(
        usual,
        &format!("(param $n i32) (result i32) {allocator})"),
        1,
    );
    let engine = engine();
    let module = Module::compile(
        &engine,
        "guest",
        &wat::parse_str(&text).expect("well formed"),
    )
    .expect("loads");
    Chain::new(&engine, vec![(module, config())], World::default())
        .expect("starts")
        .run(&get("/"))
}

#[test]
fn an_allocator_may_return_anything() {
    assert_eq!(said(&with_allocator("(i32.const 65536)")), "0");
    for garbage in ["0", "-1", "131072", "131060"] {
        assert_eq!(
            said(&with_allocator(&format!("(i32.const {garbage})"))),
            "6",
            "allocator returns {garbage}"
        );
    }
}

#[test]
fn an_allocator_that_traps_takes_the_guest_down() {
    let outcome = with_allocator("(unreachable)");
    refused_by_failure(&outcome);
    assert_eq!(outcome.traps.len(), 1);
    assert_eq!(outcome.traps[0].callback, "proxy_on_request_headers");
}

#[test]
fn an_allocator_may_log_but_must_not_call_back_for_more() {
    assert_eq!(
        said(&with_allocator(
            "(call $say (i32.const 97)) (i32.const 65536)"
        )),
        "a0"
    );
    let outcome = with_allocator(
        "(drop (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 4))) (i32.const 65536)",
    );
    refused_by_failure(&outcome);
    assert!(
        outcome.traps[0]
            .reason
            .contains("restricted import proxy_get_header_map_pairs"),
        "{:?}",
        outcome.traps
    );
}

#[test]
fn a_start_function_may_not_use_the_proxy() {
    let body = r#"(func (export "_initialize") (drop (call $set_tick (i32.const 1))))"#;
    let chain = chain(body);
    let Some(PluginState::Failed(reason)) = chain.plugin_state(0) else {
        panic!("it must fail")
    };
    assert!(reason.contains("restricted import"), "{reason}");
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    let limits = Limits {
        fuel_per_callback: 100_000,
        ..Limits::default()
    };
    let body = on_request("(loop $again (br $again))");
    let mut chain = chain_with(&body, PluginConfig { limits, ..config() }, World::default());
    let outcome = chain.run(&get("/"));
    refused_by_failure(&outcome);
    assert!(outcome.traps[0].limit);
    assert!(
        outcome.traps[0].reason.contains("100000 instructions"),
        "{:?}",
        outcome.traps
    );
    assert!(outcome.costs[0].cost.fuel >= 99_000, "{:?}", outcome.costs);
}

#[test]
fn memory_beyond_the_limit_is_not_granted() {
    let limits = Limits {
        memory_bytes: 3 * 65536,
        ..Limits::default()
    };
    let body = on_request(
        "(call $digit (memory.grow (i32.const 1))) \
         (call $digit (i32.add (memory.grow (i32.const 1)) (i32.const 1)))",
    );
    let mut chain = chain_with(&body, PluginConfig { limits, ..config() }, World::default());
    // Two pages before; the second growth gives -1.
    assert_eq!(said(&chain.run(&get("/"))), "20");
    assert_eq!(chain.memory_bytes(0), Some(3 * 65536));
}

#[test]
fn endless_recursion_overflows_the_guests_own_stack() {
    let body = format!(
        "(func $down (call $down) (call $say (i32.const 97))) {}",
        on_request("(call $down)")
    );
    let outcome = chain(&body).run(&get("/"));
    refused_by_failure(&outcome);
    assert!(
        outcome.traps[0].reason.contains("stack"),
        "{:?}",
        outcome.traps
    );
}

#[test]
fn malformed_pairs_set_an_empty_map() {
    // Envoy answers OK and clears the map: a count of 2^32 - 1 and nothing else.
    let body = r#"(import "env" "proxy_set_header_map_pairs" (func $set_pairs (param i32 i32 i32) (result i32)))"#;
    let request = r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (i32.store (i32.const 256) (i32.const -1))
        (call $digit (call $set_pairs (i32.const 2) (i32.const 256) (i32.const 4))) (i32.const 0))"#;
    let text = text(request).replacen("(module", &format!("(module {body}"), 1);
    let engine = engine();
    let module = Module::compile(
        &engine,
        "guest",
        &wat::parse_str(&text).expect("well formed"),
    )
    .expect("loads");
    let outcome = Chain::new(&engine, vec![(module, config())], World::default())
        .expect("starts")
        .run(&get("/"));
    assert_eq!(said(&outcome), "0");
    assert_eq!(
        outcome.status,
        Some(502),
        "a response without :status is replaced"
    );
}

#[test]
fn modules_that_envoy_would_not_load_are_refused_with_a_reason() {
    let engine = engine();
    let bytes = |bytes: &[u8]| code_of(Module::compile(&engine, "m", bytes));
    assert_eq!(bytes(b""), "module-not-wasm");
    assert_eq!(bytes(b"#!/bin/sh"), "module-not-wasm");
    assert_eq!(bytes(b"\0asm\x01\0\0\0\x7f"), "module-invalid");
    assert_eq!(code_of(compile_text("(module)")), "module-abi-missing");
    let marker = r#"(func (export "proxy_abi_version_0_2_1"))"#;
    assert_eq!(
        code_of(compile_text(&format!("(module {marker})"))),
        "module-memory-missing"
    );
    let memory = r#"(memory (export "memory") 1)"#;
    assert_eq!(
        code_of(compile_text(&format!("(module {marker} {memory})"))),
        "module-allocator-missing"
    );
}

/// A module with one import and all that is needed.
fn importing(import: &str, marker: &str) -> String {
    format!(
        r#"(module (import {import}) (memory (export "memory") 1) (func (export "{marker}"))
           (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#
    )
}

#[test]
fn imports_that_envoy_does_not_offer_are_refused() {
    let now = "proxy_abi_version_0_2_1";
    let unknown = importing(r#""env" "proxy_levitate" (func)"#, now);
    let error = compile_text(&unknown).err().expect("refused");
    assert_eq!(error.code, "module-import-unknown");
    assert!(error.found.contains("proxy_levitate"), "{error}");
    let mistyped = importing(r#""env" "proxy_log" (func (param i64))"#, now);
    assert_eq!(code_of(compile_text(&mistyped)), "module-import-unknown");
    let raise = importing(
        r#""wasi_snapshot_preview1" "proc_raise" (func (param i32) (result i32))"#,
        now,
    );
    assert_eq!(
        code_of(compile_text(&raise)),
        "module-import-unknown",
        "the one function of preview 1 Envoy lacks"
    );
}

#[test]
fn each_abi_version_has_its_own_functions() {
    let level = r#""env" "proxy_get_log_level" (func (param i32) (result i32))"#;
    assert!(compile_text(&importing(level, "proxy_abi_version_0_2_1")).is_ok());
    assert_eq!(
        code_of(compile_text(&importing(level, "proxy_abi_version_0_2_0"))),
        "module-import-unknown"
    );
    let old = r#""env" "proxy_continue_request" (func (result i32))"#;
    assert!(compile_text(&importing(old, "proxy_abi_version_0_1_0")).is_ok());
    assert_eq!(
        code_of(compile_text(&importing(old, "proxy_abi_version_0_2_0"))),
        "module-import-unknown"
    );
}

#[test]
fn a_callback_of_the_wrong_type_does_not_start() {
    let engine = engine();
    let wasm =
        wat::parse_str(text(r#"(func (export "proxy_on_log") (param i64))"#)).expect("well formed");
    let module = Module::compile(&engine, "guest", &wasm)
        .expect("Envoy, too, only finds out when it starts it");
    let error = Chain::new(&engine, vec![(module, config())], World::default())
        .err()
        .expect("refused");
    assert_eq!(error.code, "module-not-instantiable");
    assert!(error.message.contains("proxy_on_log"), "{error}");
}
