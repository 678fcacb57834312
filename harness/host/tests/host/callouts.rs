//! HTTP callouts against a scripted service.

use crate::guests::{chain_with, config, get, said};
use sluice_host::{
    CalloutResult, Callouts, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Message, Outcome,
    OutcomeKind, Timed, World,
};

/// One cluster, `c`, that answers alike whatever it is asked.
struct Service {
    after_ns: u64,
    answer: HttpAnswer,
}

impl Callouts for Service {
    fn has_cluster(&self, cluster: &str) -> bool {
        cluster == "c"
    }

    fn http(&mut self, call: &HttpCall) -> Timed<HttpAnswer> {
        assert_eq!(call.message.headers.get(":path"), Some(&b"/p"[..]));
        Timed {
            after_ns: self.after_ns,
            what: self.answer.clone(),
        }
    }

    fn grpc(&mut self, _call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        Vec::new()
    }
}

fn answering(after_ns: u64, answer: HttpAnswer) -> World {
    World {
        callouts: Box::new(Service { after_ns, answer }),
        ..World::default()
    }
}

fn ok() -> HttpAnswer {
    HttpAnswer::Response(Message {
        body: vec![b"yes".to_vec()],
        ..Message::of_headers([(":status", "200"), ("a", "b")])
    })
}

/// Calls `cluster` with `:method GET`, `:authority a`, `:path /p`, pauses, and
/// goes on when the answer comes. Says the status and token of the call, the
/// sizes of the answer, its body or the status of the failure.
fn caller(cluster: &str, timeout_ms: i32) -> String {
    format!(
        r#"
  (global $held (mut i32) (i32.const 0))
  (data (i32.const 256) "{cluster}")
  (data (i32.const 272) "\03\00\00\00\07\00\00\00\03\00\00\00\0a\00\00\00\01\00\00\00\05\00\00\00\02\00\00\00")
  (data (i32.const 300) ":method\00GET\00:authority\00a\00:path\00/p\00")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $held (local.get 0))
    (call $digit (call $http_call (i32.const 256) (i32.const 1) (i32.const 272) (i32.const 62)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const {timeout_ms}) (i32.const 8)))
    (call $digit (i32.load (i32.const 8)))
    (i32.const 1))
  (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
    (call $digit (local.get 0)) (call $digit (local.get 1)) (call $digit (local.get 2)) (call $digit (local.get 3))
    (if (local.get 2)
      (then (drop (call $get_buffer (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4)))
            (call $told))
      (else (drop (call $get_status (i32.const 8) (i32.const 0) (i32.const 4)))
            (call $digit (i32.load (i32.const 8))) (call $told)))
    (drop (call $act_as (global.get $held)))
    (drop (call $go_on (i32.const 0))))"#
    )
}

fn run(guest: &str, world: World) -> Outcome {
    chain_with(guest, config(), world).run(&get("/"))
}

#[test]
fn an_answer_reaches_the_root_context_and_the_stream_goes_on() {
    let outcome = run(&caller("c", 1000), answering(3_000_000, ok()));
    assert_eq!(said(&outcome), "04".to_owned() + "1423yes");
    assert_eq!(
        (outcome.kind, outcome.status, outcome.delay_ns),
        (OutcomeKind::Forwarded, Some(200), 3_000_000)
    );
    let [record] = outcome.callouts.as_slice() else {
        panic!("{:?}", outcome.callouts)
    };
    assert_eq!(
        (record.cluster.as_str(), record.target.as_str()),
        ("c", "GET /p")
    );
    assert_eq!(
        (&record.result, record.took_ns),
        (&CalloutResult::Http(Some(200)), 3_000_000)
    );
}

#[test]
fn a_failed_call_has_no_headers_and_a_status() {
    let outcome = run(&caller("c", 1000), answering(0, HttpAnswer::Reset));
    // 11 is BrokenConnection: the character after ':'.
    assert_eq!(said(&outcome), "041400;reset");
    assert_eq!(outcome.callouts[0].result, CalloutResult::Failed);
}

#[test]
fn a_late_answer_is_a_504_at_the_timeout() {
    let outcome = run(&caller("c", 5), answering(9_000_000, ok()));
    assert!(
        said(&outcome).ends_with("upstream request timeout"),
        "{}",
        said(&outcome)
    );
    assert_eq!(
        (outcome.delay_ns, &outcome.callouts[0].result),
        (5_000_000, &CalloutResult::Http(Some(504)))
    );
}

#[test]
fn calls_that_cannot_be_made_are_bad_arguments() {
    let unknown = run(&caller("d", 1000), answering(0, ok()));
    assert_eq!(
        (said(&unknown).as_str(), unknown.kind),
        ("20", OutcomeKind::Held)
    );
    assert_eq!(said(&run(&caller("c", -1), answering(0, ok()))), "20");
    let incomplete = caller("c", 1000).replace(":path\\00", ":patt\\00");
    assert_eq!(said(&run(&incomplete, answering(0, ok()))), "20");
    assert!(unknown.callouts.is_empty());
}

/// Makes one gRPC call or stream to cluster `c` when configured to, and says
/// what comes of it: initial metadata `i`, message `m` and its text, trailing
/// metadata `t`, close `z` and the status.
fn grpc_caller(open: &str) -> String {
    format!(
        r#"
  (data (i32.const 256) "csm")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {open} (i32.const 0))
  (func (export "proxy_on_grpc_receive_initial_metadata") (param i32 i32 i32)
    (call $say (i32.const 105)) (call $digit (local.get 2)))
  (func (export "proxy_on_grpc_receive") (param i32 i32 i32)
    (call $say (i32.const 109)) (call $digit (local.get 1))
    (drop (call $get_buffer (i32.const 5) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4))) (call $told))
  (func (export "proxy_on_grpc_receive_trailing_metadata") (param i32 i32 i32) (call $say (i32.const 116)))
  (func (export "proxy_on_grpc_close") (param i32 i32 i32) (call $say (i32.const 122)) (call $digit (local.get 2)))"#
    )
}

struct Grpc(Vec<GrpcEvent>);

impl Callouts for Grpc {
    fn has_cluster(&self, cluster: &str) -> bool {
        cluster == "c"
    }

    fn http(&mut self, _call: &HttpCall) -> Timed<HttpAnswer> {
        Timed {
            after_ns: 0,
            what: HttpAnswer::Reset,
        }
    }

    fn grpc(&mut self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        assert_eq!((call.service.as_str(), call.method.as_str()), ("s", "m"));
        self.0
            .iter()
            .map(|event| Timed {
                after_ns: 1,
                what: event.clone(),
            })
            .collect()
    }
}

const CALL: &str = r#"(call $digit (call $grpc_call (i32.const 256) (i32.const 1) (i32.const 257) (i32.const 1)
    (i32.const 258) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 8)))
    (call $digit (i32.load (i32.const 8)))"#;
const STREAM: &str = r#"(call $digit (call $grpc_stream (i32.const 256) (i32.const 1) (i32.const 257) (i32.const 1)
    (i32.const 258) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 8)))
    (call $digit (i32.load (i32.const 8)))"#;

fn hear_grpc(open: &str, events: &[GrpcEvent]) -> String {
    let imports = r#"(import "env" "proxy_grpc_call" (func $grpc_call
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_stream" (func $grpc_stream
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))"#;
    let text = crate::guests::text(&grpc_caller(open)).replacen(
        "(module",
        &format!("(module {imports}"),
        1,
    );
    let engine = crate::guests::engine();
    let wasm = wat::parse_str(text).expect("well formed");
    let module = sluice_host::Module::compile(&engine, "guest", &wasm).expect("loads");
    let world = World {
        callouts: Box::new(Grpc(events.to_vec())),
        ..World::default()
    };
    let mut chain =
        sluice_host::Chain::new(&engine, vec![(module, config())], world).expect("starts");
    let stream = chain.open(&sluice_host::Attributes::new());
    chain.request_headers(stream, &get("/").request.headers, true);
    chain.advance_to(chain.now_ns() + 1_000_000_000);
    said(&chain.close(stream))
}

#[test]
fn a_grpc_call_delivers_its_message_or_its_failure() {
    let metadata = || [("a", "b")].into_iter().collect();
    let answer = [
        GrpcEvent::InitialMetadata(metadata()),
        GrpcEvent::Message(b"hi".to_vec()),
        GrpcEvent::Close(0, String::new()),
    ];
    assert_eq!(
        hear_grpc(CALL, &answer),
        "05m5hi",
        "id 5; Envoy keeps the rest of a call to itself"
    );
    assert_eq!(
        hear_grpc(CALL, &[GrpcEvent::Close(7, "no".to_owned())]),
        "05z7"
    );
}

#[test]
fn a_grpc_stream_delivers_everything() {
    let metadata = || [("a", "b")].into_iter().collect();
    let answer = [
        GrpcEvent::InitialMetadata(metadata()),
        GrpcEvent::Message(b"hi".to_vec()),
        GrpcEvent::TrailingMetadata(metadata()),
        GrpcEvent::Close(0, String::new()),
    ];
    assert_eq!(hear_grpc(STREAM, &answer), "06i1m6hitz0");
}

#[test]
fn a_grpc_target_that_is_no_cluster_is_a_parse_failure() {
    let elsewhere = CALL.replacen(
        "(i32.const 256) (i32.const 1)",
        "(i32.const 257) (i32.const 1)",
        1,
    );
    assert_eq!(hear_grpc(&elsewhere, &[]), "40");
}
