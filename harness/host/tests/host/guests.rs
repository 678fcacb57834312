//! Guests in WebAssembly text, and reading what they say.
//!
//! A guest reports through its log: `$say` writes one character, `$digit` a
//! status as `0` to `9` and then `:`, `;`, …, `$told` the bytes that a host
//! call handed over through the out-pointers at 0 and 4.

use sluice_host::{
    Chain, Engine, EngineOptions, Exchange, Message, Module, ModuleError, Outcome, PluginConfig,
    World,
};

const PRELUDE: &str = r#"
  (memory (export "memory") 2)
  (func (export "proxy_abi_version_0_2_1"))
  (func $alloc (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
  (func $say (param $c i32)
    (i32.store8 (i32.const 16) (local.get $c))
    (drop (call $log (i32.const 2) (i32.const 16) (i32.const 1))))
  (func $digit (param $n i32) (call $say (i32.add (local.get $n) (i32.const 48))))
  (func $told (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
"#;

const IMPORTS: &str = r#"
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $get_pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $set_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $get_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $go_on (param i32) (result i32)))
  (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $set_tick (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $act_as (param i32) (result i32)))
  (import "env" "proxy_http_call" (func $http_call
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_status" (func $get_status (param i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
  (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
"#;

pub fn engine() -> Engine {
    Engine::new(EngineOptions {
        quick_compile: true,
    })
    .expect("wasmtime runs here")
}

/// Text of a module: every import, the prelude and `body`. Data may lie from
/// address 256 on.
pub fn text(body: &str) -> String {
    format!("(module {IMPORTS} {PRELUDE} {body})")
}

pub fn compile_text(text: &str) -> Result<Module, ModuleError> {
    let wasm = wat::parse_str(text).expect("the test's guest is well formed");
    Module::compile(&engine(), "guest", &wasm)
}

pub fn config() -> PluginConfig {
    PluginConfig::new("plugin", "settings")
}

/// A chain of one guest.
pub fn chain(body: &str) -> Chain {
    chain_with(body, config(), World::default())
}

pub fn chain_with(body: &str, config: PluginConfig, world: World) -> Chain {
    chain_of(&[(body, config)], world)
}

pub fn chain_of(plugins: &[(&str, PluginConfig)], world: World) -> Chain {
    let engine = engine();
    let compiled = plugins.iter().map(|(body, config)| {
        let wasm = wat::parse_str(text(body)).expect("the test's guest is well formed");
        (
            Module::compile(&engine, "guest", &wasm).expect("the test's guest loads"),
            config.clone(),
        )
    });
    Chain::new(&engine, compiled.collect(), world).expect("the test's guest starts")
}

pub fn get(path: &str) -> Exchange {
    Exchange {
        request: Message::of_headers([(":method", "GET"), (":authority", "a"), (":path", path)]),
        response: Some(Message::of_headers([(":status", "200")])),
        ..Exchange::default()
    }
}

/// What the guest said during the exchange, in one string.
pub fn said(outcome: &Outcome) -> String {
    outcome
        .logs
        .iter()
        .map(|line| line.message.as_str())
        .collect()
}

/// Runs one request through one guest and gives what it said.
pub fn hear(body: &str) -> String {
    said(&chain(body).run(&get("/")))
}

/// A guest whose `on_request_headers` is `code` and lets everything pass.
pub fn on_request(code: &str) -> String {
    format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {code} (i32.const 0))"#
    )
}
