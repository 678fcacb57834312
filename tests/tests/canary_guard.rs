//! CanaryGuards in a real Envoy with two workers: a canary that is worse gets no more
//! requests, and one that is not keeps its share.

#![expect(
    clippy::unwrap_used,
    reason = "without its module or Envoy this test can only fail"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
};
use sluice_envoy::client::{Client, Protocol, Request, Target};
use sluice_envoy::service::drawn::{Conduct, Drawn};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy, binary::find_module};

const NAMESPACE: &str = "production";
const WINDOW: Duration = Duration::from_secs(10);
/// Whose canary fails more, whose is slower, and the rest, which do nothing wrong.
const FAILING: &str = "failing";
const SLOW: &str = "slow";
const EQUALS: usize = 50;

const SOUND: Conduct = Conduct {
    median: Duration::from_millis(100),
    p99: 1.8,
    failing: 0.001,
};

/// Whether what is wrong with the canaries has begun.
static IS_DEGRADED: AtomicBool = AtomicBool::new(false);

/// 5 percentage points of errors, or a fifth more time for every answer.
fn canary(host: &str) -> Conduct {
    match host {
        _ if !IS_DEGRADED.load(Ordering::Relaxed) => SOUND,
        FAILING => Conduct {
            failing: SOUND.failing + 0.05,
            ..SOUND
        },
        SLOW => Conduct {
            median: SOUND.median.mul_f64(1.2),
            ..SOUND
        },
        _ => SOUND,
    }
}

struct Mesh {
    envoy: RunningEnvoy,
    _versions: [Drawn; 2],
}

impl Mesh {
    fn start(hosts: &[String], min_samples: u32, seed: u64) -> Self {
        let stable = Drawn::start(seed, |_| SOUND).unwrap();
        let canary = Drawn::start(!seed, canary).unwrap();
        let resources: Vec<Value> = hosts
            .iter()
            .flat_map(|host| [service(host), guard(host, min_samples)])
            .collect();
        let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
            .cluster(&Cluster::http1("v1", stable.address()))
            .cluster(&Cluster::http1("v2", canary.address()))
            .listener(listener(&json!({"resources": resources})));
        let envoy = Envoy::new(EnvoyBinary::find_default().unwrap()).concurrency(2);
        Self {
            envoy: envoy.start(bootstrap.into_json()).unwrap(),
            _versions: [stable, canary],
        }
    }

    fn is_drained(&self, host: &str) -> bool {
        let stats = self.envoy.stats().unwrap();
        let gauge = format!("sluice_routing_guard_drained.guard.{NAMESPACE}/{host}");
        let mut found = stats.iter().filter(|(name, _)| name.ends_with(&gauge));
        found.any(|(_, value)| *value == 1)
    }

    /// How often the log says that a canary was drained.
    fn announcements(&self, host: &str) -> usize {
        let line = format!("guard={NAMESPACE}/{host} subset=v2 state=drained");
        self.envoy.log().matches(&line).count()
    }
}

fn listener(config: &Value) -> Listener {
    let module = find_module("routing").unwrap();
    let filter = WasmFilter::new("routing", &module, &config.to_string());
    let hint = json!({"name": "x-sluice-subset", "string_match": {"exact": "v2"}});
    let routes = json!([
        {"match": {"prefix": "/", "headers": [hint]}, "route": {"cluster": "v2"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
    ]);
    let manager = HttpConnectionManager::to_cluster("v1")
        .filter(filter.to_json())
        .field(
            "route_config",
            json!({"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes,
                "response_headers_to_add": [{"header": {"key": "x-version", "value": "%UPSTREAM_CLUSTER%"}}]}]}),
        );
    Listener::new("guarded").chain(FilterChain::new(&manager))
}

fn service(host: &str) -> Value {
    let to = |subset: &str| json!({"destination": {"host": host, "subset": subset}, "weight": 50});
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
           "metadata": {"name": host, "namespace": NAMESPACE},
           "spec": {"hosts": [host], "http": [{"route": [to("v1"), to("v2")]}]}})
}

fn guard(host: &str, min_samples: u32) -> Value {
    json!({"apiVersion": "sluice/v1alpha1", "kind": "CanaryGuard",
           "metadata": {"name": host, "namespace": NAMESPACE},
           "spec": {"virtualService": host, "stable": "v1", "canary": "v2",
                    "window": format!("{}s", WINDOW.as_secs()), "minSamples": min_samples}})
}

/// Clients of several hosts, until they are stopped.
struct Load {
    target: Target,
    hosts: Vec<String>,
    sent: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    fn new(mesh: &Mesh, hosts: &[String]) -> Self {
        let address = mesh.envoy.listener("guarded").unwrap();
        Self {
            target: Target::new(address, Protocol::Http1),
            hosts: hosts.to_vec(),
            sent: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Has so many clients ask while `watch` runs.
    fn run<T>(&self, clients: usize, watch: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            for number in 0..clients {
                scope.spawn(move || self.ask(number));
            }
            let seen = watch();
            self.is_over.store(true, Ordering::Relaxed);
            seen
        })
    }

    fn ask(&self, mut number: usize) {
        let client = Client::new().unwrap();
        let mut connection = client.connect(&self.target).unwrap();
        while !self.is_over.load(Ordering::Relaxed) {
            let host = self.hosts.get(number % self.hosts.len()).unwrap();
            connection.send(&Request::new("GET", host, "/")).unwrap();
            self.sent.fetch_add(1, Ordering::Relaxed);
            number += 1;
        }
    }
}

fn windows(time: Duration) -> f64 {
    time.as_secs_f64() / WINDOW.as_secs_f64()
}

#[test]
fn a_canary_that_is_worse_is_drained_and_one_that_is_not_stays() {
    let hosts = [FAILING, SLOW].map(str::to_owned);
    let mesh = Mesh::start(&hosts, 200, 1);
    let load = Load::new(&mesh, &hosts);
    let drained = load.run(80, || {
        std::thread::sleep(WINDOW);
        let false_alarms = hosts.iter().filter(|host| mesh.is_drained(host)).count();
        assert_eq!(false_alarms, 0, "drained before anything was wrong");
        IS_DEGRADED.store(true, Ordering::Relaxed);
        let start = Instant::now();
        let mut drained: [Option<Duration>; 2] = [None; 2];
        while start.elapsed() < WINDOW * 4 && drained.contains(&None) {
            std::thread::sleep(Duration::from_millis(250));
            for (host, drained) in hosts.iter().zip(&mut drained) {
                if drained.is_none() && mesh.is_drained(host) {
                    *drained = Some(start.elapsed());
                }
            }
        }
        drained
    });
    IS_DEGRADED.store(false, Ordering::Relaxed);
    let sent = load.sent.load(Ordering::Relaxed);
    for ((host, what), after) in hosts
        .iter()
        .zip(["+5 points of errors", "+20 % latency"])
        .zip(drained)
    {
        let after = after
            .unwrap_or_else(|| panic!("{host}: not drained within four windows, {sent} requests"));
        println!("{what}: drained after {:.2} windows", windows(after));
        assert_eq!(mesh.announcements(host), 1, "once for both workers");
        let client = Client::new().unwrap();
        let mut connection = client.connect(&load.target).unwrap();
        for _ in 0..20 {
            let response = connection.send(&Request::new("GET", host, "/")).unwrap();
            assert_eq!(response.header("x-version"), Some(&b"v1"[..]));
        }
    }
    println!("{sent} requests in all");

    let hosts: Vec<String> = (0..EQUALS)
        .map(|number| format!("equal-{number}"))
        .collect();
    let mesh = Mesh::start(&hosts, 30, 2);
    let load = Load::new(&mesh, &hosts);
    load.run(80, || std::thread::sleep(WINDOW * 3));
    let false_alarms = hosts.iter().filter(|host| mesh.is_drained(host)).count();
    let sent = load.sent.load(Ordering::Relaxed);
    println!(
        "equal canaries: {false_alarms} of {EQUALS} drained in three windows, {sent} requests"
    );
    assert_eq!(false_alarms, 0);
}
