//! Whose fault it is when a request fails, on every Envoy that is here: a client must not
//! be able to take a subset out that does nothing wrong.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::binary::find_module;
use sluice_envoy::bootstrap::{Listener, WasmFilter, extension};
use sluice_envoy::client::{Protocol, Request, Target};
use sluice_envoy::service::scripted::Answer;
use sluice_tests::envoys;

use super::{
    HOST, Mesh, NAMESPACE, config, connect, get, listener, listener_of, name, resource, version,
};

/// What a client meets.
struct Fate {
    what: &'static str,
    /// How the first version answers.
    answer: Answer,
    /// What the client sends.
    headers: &'static [(&'static str, &'static str)],
    protocol: Protocol,
    status: u16,
    /// Whether it is the first version that fails.
    is_failure: bool,
}

const GRPC: &[(&str, &str)] = &[("content-type", "application/grpc"), ("te", "trailers")];
const DEADLINE: &[(&str, &str)] = &[
    ("content-type", "application/grpc"),
    ("grpc-timeout", "20m"),
];

impl Fate {
    fn new(what: &'static str, answer: Answer) -> Self {
        Self {
            what,
            status: answer.status,
            answer,
            headers: &[],
            protocol: Protocol::Http1,
            is_failure: false,
        }
    }

    fn sent(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    fn seen_as(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn fails(mut self) -> Self {
        self.is_failure = true;
        self
    }

    fn request(&self) -> Request {
        // An internal one: of others Envoy takes such headers away.
        let request = get().header("x-forwarded-for", "10.0.0.1");
        let lines = self.headers.iter();
        lines.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

fn late() -> Answer {
    Answer::ok("late").after(Duration::from_millis(400))
}

/// Each has the listener of its number.
fn fates() -> Vec<Fate> {
    let ok = || Answer::ok("v1");
    let grpc = |status: &'static str| ok().header("grpc-status", status);
    let own_timeout = &[("x-envoy-upstream-rq-timeout-ms", "20")];
    let own_try_timeout = &[("x-envoy-upstream-rq-per-try-timeout-ms", "20")];
    let plain_grpc = &[("content-type", "application/grpc")];
    let grpc_web = &[("content-type", "application/grpc-web+proto")];
    vec![
        Fate::new("a route of Envoy that answers", ok()).seen_as(503),
        Fate::new("a later filter that answers", ok()).seen_as(500),
        Fate::new("the route's timeout", late())
            .seen_as(504)
            .fails(),
        Fate::new("the route's timeout for gRPC", late())
            .sent(GRPC)
            .over(Protocol::Http2)
            .fails(),
        Fate::new("no gRPC behind it", ok()).sent(plain_grpc),
        Fate::new("gRPC-Web", ok()).sent(grpc_web),
        Fate::new("an error", Answer::status(503)).fails(),
        Fate::new("the client's own timeout", late())
            .sent(own_timeout)
            .seen_as(504),
        Fate::new("the client's own timeout of a try", late())
            .sent(own_try_timeout)
            .seen_as(504),
        Fate::new("the client's own deadline", late())
            .sent(DEADLINE)
            .over(Protocol::Http2),
        Fate::new("gRPC that is well", grpc("0"))
            .sent(GRPC)
            .over(Protocol::Http2),
        Fate::new("gRPC that fails", grpc("14"))
            .sent(GRPC)
            .over(Protocol::Http2)
            .fails(),
        Fate::new("gRPC for what is not there", grpc("5"))
            .sent(GRPC)
            .over(Protocol::Http2),
    ]
}

/// Requests for v1 alone, which three failures in a row take out.
fn ejecting() -> Value {
    let outlier = json!({"outlierDetection": {"consecutive5xxErrors": 3, "baseEjectionTime": "3600s",
                                              "maxEjectionPercent": 100}});
    let mut config = config(0, Some(outlier));
    let split = &mut config["resources"][0]["spec"]["http"][1];
    split["retries"] = json!({"attempts": 0});
    split["timeout"] = Value::Null;
    config
}

fn listener_of_fate(number: usize) -> Listener {
    let mut config = ejecting();
    // Deadlines of gRPC count, as Istio has it.
    let mut to_v1 = json!({"route": {"cluster": "v1", "timeout": "0s", "max_grpc_timeout": "0s"}});
    let mut later = None;
    match number {
        0 => to_v1 = json!({"direct_response": {"status": 503}}),
        1 => later = Some("function envoy_on_request(r) r:respond({[':status'] = '500'}, '') end"),
        2 | 3 => config["resources"][0]["spec"]["http"][1]["timeout"] = json!("20ms"),
        _ => {}
    }
    let later = later.map(|code| {
        extension(
            "envoy.filters.http.lua",
            "envoy.extensions.filters.http.lua.v3.Lua",
            json!({"default_source_code": {"inline_string": code}}),
        )
    });
    let module = find_module("routing").unwrap();
    let filter = WasmFilter::new(&name(number), &module, &config.to_string());
    listener_of(
        number,
        [Some(filter.to_json()), later].into_iter().flatten(),
        to_v1,
    )
}

/// What went otherwise than it should, if anything did.
fn meet(mesh: &Mesh, number: usize, fate: &Fate) -> Option<String> {
    mesh.v1.answer(fate.answer.clone());
    let target = Target::new(mesh.address(number), fate.protocol);
    let mut connection = connect(&mesh.client, &target);
    for _ in 0..if fate.is_failure { 3 } else { 12 } {
        let response = connection.send(&fate.request()).unwrap();
        if response.status != fate.status {
            return Some(format!("{}: {response:?}", fate.what));
        }
    }
    // The end of a request comes after its response.
    std::thread::sleep(Duration::from_millis(50));
    mesh.v1.answer(Answer::ok("v1"));
    let next = connection.send(&get()).unwrap();
    let is_ejected = next.body == b"no healthy upstream";
    (is_ejected != fate.is_failure).then(|| format!("{}: ejected {is_ejected}", fate.what))
}

#[test]
fn only_what_a_subset_does_is_held_against_it() {
    for binary in envoys::available().unwrap() {
        let version = binary.version().to_owned();
        let fates = fates();
        let mesh = Mesh::of(binary, (0..fates.len()).map(listener_of_fate));
        let fates = fates.iter().enumerate();
        let wrong: Vec<String> = fates
            .filter_map(|(number, fate)| meet(&mesh, number, fate))
            .collect();
        assert!(wrong.is_empty(), "envoy {version}: {wrong:#?}");
    }
}

#[test]
fn a_client_that_leaves_ejects_nobody() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mesh = Mesh::start(&[ejecting()]);
        mesh.v1.answer(late());
        let target = Target::new(mesh.address(0), protocol);
        for _ in 0..12 {
            let sent = mesh.client.begin(&target, &get());
            while mesh.v1.take_received().is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
            drop(sent);
        }
        mesh.v1.answer(Answer::ok("v1"));
        assert_eq!(version(&mesh.connect(0).send(&get()).unwrap()), "v1");
    }
}

/// Sends a body slowly, by hand.
fn upload(mesh: &Mesh, pause: Duration) {
    let mut stream = TcpStream::connect(mesh.address(0)).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\nconnection: close\r\n\r\na"
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(pause);
    stream.write_all(b"b").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_client_that_sends_slowly_is_no_slowness_of_a_subset() {
    let mut config = config(50, None);
    let spec = json!({"virtualService": HOST, "stable": "v1", "canary": "v2", "window": "1h"});
    let guard = resource("CanaryGuard", "orders", &spec);
    config["resources"].as_array_mut().unwrap().push(guard);
    for binary in envoys::available().unwrap() {
        let version = binary.version().to_owned();
        let mesh = Mesh::of(binary, [listener(0, &config)].into_iter());
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| upload(&mesh, Duration::from_millis(400)));
            }
        });
        let latency_us = |subset: &str| {
            let gauge = format!("latency_us.guard.{NAMESPACE}/orders.subset.{subset}");
            let stats = mesh.envoy.stats().unwrap();
            let told = stats.iter().find(|(name, _)| name.ends_with(&gauge));
            told.map_or(0, |(_, value)| *value)
        };
        let start = Instant::now();
        let mut told = [0; 2];
        while told.contains(&0) && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(100));
            told = ["v1", "v2"].map(latency_us);
        }
        println!("envoy {version}: uploads of 400 ms took {told:?} µs");
        assert!(told.iter().all(|us| (1..200_000).contains(us)), "{told:?}");
    }
}
