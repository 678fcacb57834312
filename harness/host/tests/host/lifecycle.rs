//! Start, configuration, the order of callbacks, failure strategies, ticks.

use crate::guests::{chain, chain_of, chain_with, config, get, on_request, said};
use sluice_host::{Chain, FailStrategy, OutcomeKind, PluginConfig, PluginState, World};

/// Says one letter in each callback, and the context id after it.
const LETTERS: &str = r#"
  (func $note (param $letter i32) (param $id i32) (call $say (local.get $letter)) (call $digit (local.get $id)))
  (func (export "proxy_on_context_create") (param i32 i32)
    (call $note (i32.const 67) (local.get 0)) (call $digit (local.get 1)))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
    (call $note (i32.const 86) (local.get 0)) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (call $note (i32.const 70) (local.get 0)) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $note (i32.const 113) (local.get 0)) (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (call $note (i32.const 114) (local.get 0)) (i32.const 0))
  (func (export "proxy_on_log") (param i32) (call $note (i32.const 76) (local.get 0)))
  (func (export "proxy_on_done") (param i32) (result i32) (call $note (i32.const 79) (local.get 0)) (i32.const 0))
  (func (export "proxy_on_delete") (param i32) (call $note (i32.const 88) (local.get 0)))
"#;

const REFUSE: &str =
    r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))"#;

fn own_log(chain: &Chain) -> String {
    chain
        .logs()
        .iter()
        .map(|line| line.message.as_str())
        .collect()
}

#[test]
fn a_plugin_starts_with_context_one_and_streams_count_up() {
    let mut chain = chain(LETTERS);
    assert_eq!(own_log(&chain), "C10V1F1");
    assert_eq!(
        said(&chain.run(&get("/"))),
        "C21q2r2L2O2X2",
        "log, done, delete: Envoy's order"
    );
    assert_eq!(said(&chain.run(&get("/"))), "C31q3r3L3O3X3");
}

#[test]
fn plugins_are_asked_forwards_and_answer_backwards() {
    let plugins = [
        (LETTERS, config()),
        (
            LETTERS,
            PluginConfig {
                vm_id: "other".to_owned(),
                ..config()
            },
        ),
    ];
    let outcome = chain_of(&plugins, World::default()).run(&get("/"));
    let letters: String = said(&outcome)
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect();
    assert_eq!(letters, "CqCqrrLLOXOX");
}

#[test]
fn plugins_of_one_vm_share_its_context_ids() {
    let engine = crate::guests::engine();
    let wasm = wat::parse_str(crate::guests::text(LETTERS)).expect("well formed");
    let module = sluice_host::Module::compile(&engine, "guest", &wasm).expect("loads");
    let second = PluginConfig {
        name: "second".to_owned(),
        root_id: "second".to_owned(),
        ..config()
    };
    let plugins = vec![(module.clone(), config()), (module, second)];
    let mut chain = Chain::new(&engine, plugins, World::default()).expect("starts");
    assert_eq!(own_log(&chain), "C10V1F1C20V2F2");
    assert!(said(&chain.run(&get("/"))).starts_with("C31q3C42q4r4r3"));
}

#[test]
fn start_functions_are_initialize_and_main_or_else_start() {
    let both = r#"
      (func (export "_initialize") (call $say (i32.const 105)))
      (func (export "main") (param i32 i32) (result i32) (call $say (i32.const 109)) (i32.const 0))
      (func (export "_start") (call $say (i32.const 115)))"#;
    assert_eq!(own_log(&chain(both)), "im");
    assert_eq!(
        own_log(&chain(
            r#"(func (export "_start") (call $say (i32.const 115)))"#
        )),
        "s"
    );
}

#[test]
fn malloc_is_preferred_to_the_specifications_allocator() {
    let body = format!(
        r#"(func (export "malloc") (param i32) (result i32) (call $say (i32.const 109)) (i32.const 65536)) {}"#,
        on_request("(drop (call $get_pairs (i32.const 0) (i32.const 0) (i32.const 4)))")
    );
    assert_eq!(said(&chain(&body).run(&get("/"))), "m");
}

#[test]
fn the_configuration_can_be_read_only_while_it_is_handed_over() {
    let read = "(call $digit (call $get_buffer (i32.const 7) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4)))";
    let body = format!(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) {read} (call $told) (i32.const 1)) {}"#,
        on_request(read)
    );
    let mut chain = chain(&body);
    assert_eq!(own_log(&chain), "0settings");
    assert_eq!(said(&chain.run(&get("/"))), "1");
}

#[test]
fn a_refused_configuration_refuses_requests() {
    let mut chain = chain(REFUSE);
    assert_eq!(chain.plugin_state(0), Some(&PluginState::Refused));
    let outcome = chain.run(&get("/"));
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Replied, Some(503))
    );
    assert_eq!(outcome.plugin.as_deref(), Some("plugin"));
}

#[test]
fn a_refused_configuration_that_fails_open_is_left_out() {
    let open = PluginConfig {
        fail_strategy: FailStrategy::FailOpen,
        ..config()
    };
    let outcome = chain_with(REFUSE, open, World::default()).run(&get("/"));
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Forwarded, Some(200))
    );
}

/// Traps on `/trap`, whose second byte is `t`.
const TRAPS: &str = r#"
  (data (i32.const 256) ":path")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $get_header (i32.const 0) (i32.const 256) (i32.const 5) (i32.const 0) (i32.const 4)))
    (if (i32.eq (i32.load8_u (i32.add (i32.load (i32.const 0)) (i32.const 1))) (i32.const 116))
      (then (unreachable)))
    (i32.const 0))"#;

fn statuses(chain: &mut Chain, paths: &[&str]) -> Vec<Option<u16>> {
    paths
        .iter()
        .map(|path| chain.run(&get(path)).status)
        .collect()
}

#[test]
fn after_a_trap_every_later_request_is_refused() {
    let mut chain = chain(TRAPS);
    assert_eq!(
        statuses(&mut chain, &["/", "/trap", "/", "/"]),
        [Some(200), Some(503), Some(503), Some(503)]
    );
    chain.advance_to(chain.now_ns() + 3_600_000_000_000);
    assert_eq!(
        statuses(&mut chain, &["/"]),
        [Some(503)],
        "an hour later still"
    );
    assert!(matches!(
        chain.plugin_state(0),
        Some(PluginState::Failed(_))
    ));
}

#[test]
fn failing_open_refuses_the_request_that_trapped_and_passes_later_ones() {
    let open = PluginConfig {
        fail_strategy: FailStrategy::FailOpen,
        ..config()
    };
    let mut chain = chain_with(TRAPS, open, World::default());
    assert_eq!(
        statuses(&mut chain, &["/trap", "/", "/trap"]),
        [Some(503), Some(200), Some(200)]
    );
}

#[test]
fn failing_with_reload_starts_again_after_a_second() {
    let reload = PluginConfig {
        fail_strategy: FailStrategy::FailReload,
        ..config()
    };
    let mut chain = chain_with(TRAPS, reload, World::default());
    assert_eq!(
        statuses(&mut chain, &["/trap", "/"]),
        [Some(503), Some(503)]
    );
    chain.advance_to(chain.now_ns() + 999_999_999);
    assert_eq!(statuses(&mut chain, &["/"]), [Some(503)]);
    chain.advance_to(chain.now_ns() + 1);
    assert_eq!(
        statuses(&mut chain, &["/", "/trap", "/"]),
        [Some(200), Some(503), Some(503)]
    );
}

#[test]
fn ticks_come_when_the_clock_says_so() {
    let body = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (drop (call $set_tick (i32.const 10))) (i32.const 1))
      (func (export "proxy_on_tick") (param i32) (call $digit (local.get 0)))"#;
    let mut chain = chain(body);
    let start = chain.now_ns();
    chain.advance_to(start + 9_999_999);
    assert_eq!(own_log(&chain), "");
    chain.advance_to(start + 10_000_000);
    assert_eq!(own_log(&chain), "1");
    chain.advance_to(start + 35_000_000);
    assert_eq!(own_log(&chain), "111");
    assert_eq!(chain.logs()[2].at_ns, start + 30_000_000);
}

/// A stream shortens the period while a tick is planned; the tick lengthens it.
#[test]
fn a_new_period_counts_from_when_it_is_set() {
    let body = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (drop (call $set_tick (i32.const 1000))) (i32.const 1))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (call $set_tick (i32.const 10))) (i32.const 0))
      (func (export "proxy_on_tick") (param i32)
        (call $say (i32.const 116)) (drop (call $set_tick (i32.const 500))))"#;
    let mut chain = chain(body);
    let start = chain.now_ns();
    chain.advance_to(start + 900_000_000);
    chain.run(&get("/"));
    let asked = chain.now_ns();
    chain.advance_to(start + 2_000_000_000);
    let ticks: Vec<_> = chain.logs().iter().map(|line| line.at_ns).collect();
    assert_eq!(
        ticks,
        [
            asked + 10_000_000,
            asked + 510_000_000,
            asked + 1_010_000_000
        ]
    );
}

#[test]
fn a_tick_that_stops_the_ticking_is_the_last() {
    let body = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (drop (call $set_tick (i32.const 10))) (i32.const 1))
      (func (export "proxy_on_tick") (param i32)
        (call $say (i32.const 116)) (drop (call $set_tick (i32.const 0))))"#;
    let mut chain = chain(body);
    chain.advance_to(chain.now_ns() + 1_000_000_000);
    assert_eq!(own_log(&chain), "t");
}

#[test]
fn the_same_seed_gives_the_same_request_id_and_another_seed_another() {
    let id = |seed| {
        let world = World {
            seed,
            ..World::default()
        };
        let outcome = chain_with("", config(), world).run(&get("/"));
        outcome
            .request
            .headers
            .get("x-request-id")
            .expect("Envoy adds one")
            .to_vec()
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn envoys_main_thread_configures_every_plugin_twice_more() {
    let world = World {
        main_thread_starts: 2,
        ..World::default()
    };
    let mut chain = chain_with(LETTERS, config(), world);
    assert_eq!(own_log(&chain), "C10V1F1C10V1F1C10V1F1");
    assert_eq!(said(&chain.run(&get("/"))), "C21q2r2L2O2X2");
}

#[test]
fn a_closed_stream_takes_nothing_more() {
    let mut chain = chain(LETTERS);
    let stream = chain.open(&sluice_host::Attributes::new());
    chain.request_headers(stream, &get("/").request.headers, true);
    assert_eq!(chain.close(stream).kind, OutcomeKind::Forwarded);
    let later = chain.open(&sluice_host::Attributes::new());
    chain.request_headers(stream, &get("/").request.headers, true);
    assert_eq!(chain.close(stream).logs, []);
    assert_eq!(said(&chain.close(later)), "L3O3X3".replace("L3", "C31L3"));
}
