//! `routing.wasm` in a real Envoy, whose own routes take its hints: where requests come
//! out, how often they are tried, and who stays where.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its module or Envoy this test can only fail"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
};
use sluice_envoy::client::{Client, Connection, Protocol, Request, Response, Target};
use sluice_envoy::service::scripted::{Answer, Scripted};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy, binary::find_module};

#[path = "routing/gauges.rs"]
mod gauges;
#[path = "routing/outcomes.rs"]
mod outcomes;

const NAMESPACE: &str = "production";
const HOST: &str = "order-service";

/// Two versions of a service behind one Envoy.
struct Mesh {
    envoy: RunningEnvoy,
    client: Client,
    v1: Scripted,
    v2: Scripted,
}

impl Mesh {
    /// A listener for each configuration, by number.
    fn start(configs: &[Value]) -> Self {
        let listeners = configs.iter().enumerate();
        let listeners = listeners.map(|(number, config)| listener(number, config));
        Self::of(EnvoyBinary::find_default().unwrap(), listeners)
    }

    fn of(binary: EnvoyBinary, listeners: impl Iterator<Item = Listener>) -> Self {
        let [v1, v2] = ["v1", "v2"].map(|name| Scripted::start(Answer::ok(name)).unwrap());
        let mut bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
            .cluster(&Cluster::http1("v1", v1.address()))
            .cluster(&Cluster::http1("v2", v2.address()));
        for listener in listeners {
            bootstrap = bootstrap.listener(listener);
        }
        Self {
            envoy: Envoy::new(binary).start(bootstrap.into_json()).unwrap(),
            client: Client::new().unwrap(),
            v1,
            v2,
        }
    }

    fn connect(&self, listener: usize) -> Connection<'_> {
        connect(&self.client, &self.target(listener))
    }

    fn target(&self, listener: usize) -> Target {
        Target::new(self.address(listener), Protocol::Http1)
    }

    fn address(&self, listener: usize) -> SocketAddr {
        self.envoy.listener(&name(listener)).unwrap()
    }

    /// Requests that each version got since the last call.
    fn received(&self) -> [usize; 2] {
        [&self.v1, &self.v2].map(|version| version.take_received().len())
    }

    /// What Envoy has counted of the first version.
    fn count(&self, name: &str) -> u64 {
        self.envoy.stats().unwrap()[&format!("cluster.v1.{name}")]
    }
}

fn connect<'c>(client: &'c Client, target: &Target) -> Connection<'c> {
    client.connect(target).unwrap()
}

fn name(listener: usize) -> String {
    format!("listener-{listener}")
}

/// Routes that do what the VirtualService of the documentation does: they go by the hint.
fn listener(number: usize, config: &Value) -> Listener {
    let module = find_module("routing").unwrap();
    let filter = WasmFilter::new(&name(number), &module, &config.to_string());
    let forward = json!({"route": {"cluster": "v1", "timeout": "0s"}});
    listener_of(number, [filter.to_json()], forward)
}

/// The same with filters of the caller's choice, and with what becomes of requests for v1.
fn listener_of(number: usize, filters: impl IntoIterator<Item = Value>, to_v1: Value) -> Listener {
    let to = |subset: &str, mut route: Value| {
        let hint = json!({"name": "x-sluice-subset", "string_match": {"exact": subset}});
        route["match"] = json!({"prefix": "/", "headers": [hint]});
        route
    };
    let manager = HttpConnectionManager::to_cluster("v1");
    let manager = filters
        .into_iter()
        .fold(manager, HttpConnectionManager::filter)
        .field(
            "internal_address_config",
            json!({"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}),
        )
        .field(
            "route_config",
            json!({"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                to("v1", to_v1),
                to("v2", json!({"route": {"cluster": "v2", "timeout": "0s"}})),
                {"match": {"prefix": "/"}, "direct_response": {"status": 421}},
            ]}]}),
        );
    Listener::new(&name(number)).chain(FilterChain::new(&manager))
}

fn resource(kind: &str, name: &str, spec: &Value) -> Value {
    let version = match kind {
        "VirtualService" | "DestinationRule" => "networking.istio.io/v1",
        _ => "sluice/v1alpha1",
    };
    json!({"apiVersion": version, "kind": kind,
           "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
}

/// The example of the documentation, with that weight for v2 and that policy.
fn config(weight: u32, policy: Option<Value>) -> Value {
    let to = |subset: &str| json!({"host": HOST, "subset": subset});
    let service = json!({"hosts": [HOST], "http": [
        {"match": [{"headers": {"x-canary-test": {"exact": "true"}}}],
         "route": [{"destination": to("v2")}]},
        {"name": "split",
         "route": [{"destination": to("v1"), "weight": 100 - weight},
                   {"destination": to("v2"), "weight": weight}],
         "timeout": "3s",
         "retries": {"attempts": 3, "perTryTimeout": "1s",
                     "retryOn": "gateway-error,connect-failure,refused-stream"}},
    ]});
    let mut rule = json!({"host": HOST, "subsets": [
        {"name": "v1", "labels": {"version": "v1"}},
        {"name": "v2", "labels": {"version": "v2"}},
    ]});
    if let Some(policy) = policy {
        rule["trafficPolicy"] = policy;
    }
    json!({"resources": [
        resource("VirtualService", HOST, &service),
        resource("DestinationRule", HOST, &rule),
    ]})
}

fn get() -> Request {
    Request::new("GET", HOST, "/")
}

fn version(response: &Response) -> String {
    assert_eq!(response.status, 200);
    String::from_utf8(response.body.clone()).unwrap()
}

#[test]
fn requests_come_out_where_the_weights_say() {
    let mesh = Mesh::start(&[config(5, None)]);
    let mut connection = mesh.connect(0);
    let requests = 20_000;
    for _ in 0..requests {
        assert_eq!(connection.send(&get()).unwrap().status, 200);
    }
    let [stable, canary] = mesh.received();
    println!("{requests} requests at 95/5: {stable} and {canary}");
    assert_eq!(stable + canary, requests);
    // The 99 % interval of 20,000 independent draws.
    assert!((921..=1_079).contains(&canary), "{canary}");

    for (value, to_v2) in [("true", 200), ("false", 0)] {
        let canary_only = get().header("x-canary-test", value);
        let before = mesh.received();
        assert_eq!(before, [0, 0]);
        for _ in 0..200 {
            connection.send(&canary_only).unwrap();
        }
        let [_, canary] = mesh.received();
        match to_v2 {
            0 => assert!(canary < 30, "{canary}"),
            all => assert_eq!(canary, all),
        }
    }
}

#[test]
fn a_hint_of_a_client_leads_nowhere() {
    let mesh = Mesh::start(&[config(0, None)]);
    let mut connection = mesh.connect(0);
    let forged = get().header("x-sluice-subset", "v2");
    assert_eq!(version(&connection.send(&forged).unwrap()), "v1");
    let other_host = Request::new("GET", "other", "/").header("x-sluice-subset", "v2");
    assert_eq!(connection.send(&other_host).unwrap().status, 421);
}

/// The example with clients that stay, at growing weights.
fn sticky(by: &Value) -> Vec<Value> {
    let mut configs: Vec<Value> = [5, 20, 50, 100].map(|weight| config(weight, None)).into();
    for config in &mut configs {
        let spec = json!({"virtualService": HOST, "route": "split", "by": by});
        let split = resource("StickySplit", "users", &spec);
        config["resources"].as_array_mut().unwrap().push(split);
    }
    configs
}

#[test]
fn clients_stay_on_the_canary_while_it_grows() {
    let mesh = Mesh::start(&sticky(&json!({"header": "x-user"})));
    let mut steps: Vec<Connection<'_>> = (0..4).map(|step| mesh.connect(step)).collect();
    let mut on_canary = [0; 4];
    let mut moved_back = 0;
    for user in 0..1_000 {
        let request = get().header("x-user", format!("user-{user}"));
        let places: Vec<bool> = steps
            .iter_mut()
            .map(|step| version(&step.send(&request).unwrap()) == "v2")
            .collect();
        moved_back += usize::from(!places.is_sorted());
        for (count, is_there) in on_canary.iter_mut().zip(places) {
            *count += usize::from(is_there);
        }
    }
    println!("of 1,000 users on the canary at 5, 20, 50, 100: {on_canary:?}");
    assert_eq!(moved_back, 0);
    // Five standard deviations.
    for (count, expected) in on_canary.into_iter().zip([50_usize, 200, 500, 1_000]) {
        assert!(count.abs_diff(expected) < 80, "{on_canary:?}");
    }
}

#[test]
fn a_client_without_a_cookie_gets_one_and_stays() {
    let by = json!({"cookie": {"name": "version", "ttl": "1h"}});
    let mesh = Mesh::start(&sticky(&by));
    let mut steps: Vec<Connection<'_>> = (0..4).map(|step| mesh.connect(step)).collect();
    for _ in 0..100 {
        let first = steps[0].send(&get()).unwrap();
        let cookie = first.header("set-cookie").unwrap();
        let cookie = String::from_utf8(cookie.to_vec()).unwrap();
        let value = cookie.split(';').next().unwrap();
        let request = get().header("cookie", value);
        let mut places = vec![version(&first)];
        for step in &mut steps {
            let response = step.send(&request).unwrap();
            assert!(response.header("set-cookie").is_none());
            places.push(version(&response));
        }
        assert_eq!(places[0], places[1]);
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[test]
fn a_failing_upstream_is_tried_as_often_as_declared() {
    let mut mesh = Mesh::start(&[config(0, None)]);
    mesh.v1.answer(Answer::status(503));
    assert_eq!(mesh.connect(0).send(&get()).unwrap().status, 503);
    assert_eq!(mesh.received(), [4, 0]);

    // Not an error of a gateway.
    mesh.v1.answer(Answer::status(500));
    assert_eq!(mesh.connect(0).send(&get()).unwrap().status, 500);
    assert_eq!(mesh.received(), [1, 0]);

    // Too slow for a try, and three tries are too slow for all of it: which of Envoy's
    // timers ended what is counted, since a clock would only tell how busy the machine is.
    mesh.v1
        .answer(Answer::ok("late").after(Duration::from_secs(30)));
    let start = Instant::now();
    assert_eq!(mesh.connect(0).send(&get()).unwrap().status, 504);
    let took = start.elapsed();
    let [tries, _] = mesh.received();
    println!("a silent upstream: {tries} tries, 504 after {took:?}");
    assert_eq!(tries, 3);
    assert_eq!(mesh.count("upstream_rq_per_try_timeout"), 2);
    assert_eq!(mesh.count("upstream_rq_timeout"), 1);

    mesh.v1.kill();
    assert_eq!(mesh.connect(0).send(&get()).unwrap().status, 503);
    let failures = mesh.count("upstream_cx_connect_fail");
    println!("connect failures: {failures}");
    assert_eq!(failures, 4);
}

/// Attempts at a dead upstream for each request that is offered.
fn load_on_a_dead_upstream(policy: Option<Value>) -> f64 {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 200;
    let mesh = Mesh::start(&[config(0, policy)]);
    mesh.v1.answer(Answer::status(503));
    let target = mesh.target(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = Client::new().unwrap();
                let mut connection = connect(&client, &target);
                for _ in 0..REQUESTS {
                    assert_eq!(connection.send(&get()).unwrap().status, 503);
                }
            });
        }
    });
    let [attempts, _] = mesh.received();
    let multiple = |attempts: usize| {
        let attempts = u32::try_from(attempts).unwrap();
        f64::from(attempts) / f64::from(u32::try_from(CLIENTS * REQUESTS).unwrap())
    };
    multiple(attempts)
}

#[test]
fn a_budget_spares_a_dead_upstream_the_storm() {
    let without = load_on_a_dead_upstream(None);
    let with = load_on_a_dead_upstream(Some(json!({"retryBudget": {"percent": 20.0}})));
    println!(
        "load on a dead upstream: {with:.3} times what is offered; without a budget {without:.3}"
    );
    assert!(with < 1.2, "{with}");
    assert!(without > 3.99, "{without}");
}

/// A canary of 10 % without retries that is ejected for so long after five failures.
fn ejecting(base_ejection_time: &str) -> Value {
    let outlier = json!({"outlierDetection": {"consecutive5xxErrors": 5, "interval": "1s",
        "baseEjectionTime": base_ejection_time, "maxEjectionPercent": 10}});
    let mut config = config(10, Some(outlier));
    config["resources"][0]["spec"]["http"][1]["retries"] = json!({"attempts": 0});
    config
}

#[test]
fn an_ejected_canary_comes_back_when_its_time_is_over() {
    let mesh = Mesh::start(&[ejecting("2s")]);
    let mut connection = mesh.connect(0);
    mesh.v2.answer(Answer::status(503));
    let mut failed = 0;
    while failed < 5 {
        failed += usize::from(connection.send(&get()).unwrap().status == 503);
    }
    let ejected = Instant::now();
    mesh.v2.answer(Answer::ok("v2"));
    while version(&connection.send(&get()).unwrap()) == "v1" {
        assert!(ejected.elapsed() < Duration::from_secs(60), "it stays away");
        std::thread::sleep(Duration::from_millis(5));
    }
    let away = ejected.elapsed();
    println!("an ejected canary comes back after {away:?}");
    // The clocks of a filter and of this test may be read some time apart, but not so far.
    assert!(away > Duration::from_millis(1_500), "{away:?}");
}

#[test]
fn a_canary_gets_nothing_while_it_is_ejected() {
    let mesh = Mesh::start(&[ejecting("3600s")]);
    mesh.v2.answer(Answer::status(503));
    let mut connection = mesh.connect(0);
    let failed = (0..1_000)
        .filter(|_| connection.send(&get()).unwrap().status == 503)
        .count();
    let [stable, canary] = mesh.received();
    println!("of 1,000 requests {failed} fail at a dead canary of 10 %");
    assert_eq!((failed, stable, canary), (5, 995, 5));
    // What it is to replace is never taken out: it is more than may be.
    mesh.v1.answer(Answer::status(503));
    for _ in 0..20 {
        assert_eq!(connection.send(&get()).unwrap().status, 503);
    }
    assert_eq!(mesh.received(), [20, 0]);
}

#[test]
fn a_full_subset_refuses_at_once() {
    let limits = json!({"connectionPool": {"http": {"http2MaxRequests": 2}}});
    let mut config = config(0, Some(limits));
    config["resources"][0]["spec"]["http"][1]["retries"] = json!({"attempts": 0});
    let mesh = Mesh::start(&[config]);
    // Later than the route's timeout: until then, those who were sent are under way.
    mesh.v1
        .answer(Answer::ok("late").after(Duration::from_secs(30)));
    let target = mesh.target(0);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let client = Client::new().unwrap();
                    connect(&client, &target).send(&get()).unwrap()
                })
            })
            .collect();
        let answers = sent.into_iter().map(|sent| sent.join().unwrap());
        answers
            .map(|answer| {
                let is_overloaded = answer.header("x-envoy-overloaded").is_some();
                assert_eq!(is_overloaded, answer.status == 503);
                answer.status
            })
            .collect()
    });
    let [stable, _] = mesh.received();
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    println!(
        "8 at once where 2 may be: {} refused, {stable} sent",
        count(503)
    );
    assert_eq!((count(503), count(504), stable), (6, 2, 2));
    // What is over counts no more.
    mesh.v1.answer(Answer::ok("v1"));
    for _ in 0..10 {
        assert_eq!(version(&mesh.connect(0).send(&get()).unwrap()), "v1");
    }
}
