//! CanaryGuards in a real Envoy with two workers: a canary that is worse gets no more
//! requests, and one that is not keeps its share, whatever one client of it does.

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
use sluice_envoy::service::drawn::{Conduct, Drawn, FAILS};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy, binary::find_module};

const NAMESPACE: &str = "production";
const WINDOW: Duration = Duration::from_secs(10);
/// Whose canary fails more, whose is slower, and whose has a customer with a tenth of the
/// requests, all of which fail.
const FAILING: &str = "failing";
const SLOW: &str = "slow";
const ATTACKED: &str = "attacked";
const CUSTOMER: &str = "x-customer";
const CUSTOMERS: u64 = 5_000;
/// Canaries that do nothing wrong, and the window of their guards.
const EQUALS: usize = 50;
const EQUAL_WINDOW: Duration = Duration::from_secs(15);
/// The default of `minSamples`.
const MIN_SAMPLES: u64 = 200;

const SOUND: Conduct = Conduct {
    median: Duration::from_millis(60),
    p99: 1.8,
    failing: 0.001,
};

const QUICK: Conduct = Conduct {
    median: Duration::from_millis(40),
    ..SOUND
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
    fn start(resources: &[Value], conducts: [fn(&str) -> Conduct; 2], seed: u64) -> Self {
        let [stable, canary] = conducts;
        let stable = Drawn::start(seed, stable).unwrap();
        let canary = Drawn::start(!seed, canary).unwrap();
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

fn guard(host: &str, window: Duration) -> Value {
    json!({"apiVersion": "sluice/v1alpha1", "kind": "CanaryGuard",
           "metadata": {"name": host, "namespace": NAMESPACE},
           "spec": {"virtualService": host, "stable": "v1", "canary": "v2",
                    "window": format!("{}s", window.as_secs())}})
}

fn sticky(host: &str) -> Value {
    json!({"apiVersion": "sluice/v1alpha1", "kind": "StickySplit",
           "metadata": {"name": host, "namespace": NAMESPACE},
           "spec": {"virtualService": host, "by": {"header": CUSTOMER}}})
}

/// Makes a request of a host, by the number of the request.
type Ask<'a> = &'a (dyn Fn(&str, u64) -> Request + Sync);

fn get(host: &str, _: u64) -> Request {
    Request::new("GET", host, "/")
}

/// Clients of several hosts, until they are stopped.
struct Load<'a> {
    target: Target,
    hosts: &'a [String],
    ask: Ask<'a>,
    sent: AtomicU64,
    is_over: AtomicBool,
}

impl<'a> Load<'a> {
    fn new(mesh: &Mesh, hosts: &'a [String], ask: Ask<'a>) -> Self {
        let address = mesh.envoy.listener("guarded").unwrap();
        Self {
            target: Target::new(address, Protocol::Http1),
            hosts,
            ask,
            sent: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Has so many clients ask while `watch` runs.
    fn run<T>(&self, clients: usize, watch: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            for number in 0..clients {
                scope.spawn(move || self.keep_asking(number));
            }
            let seen = watch();
            self.is_over.store(true, Ordering::Relaxed);
            seen
        })
    }

    fn keep_asking(&self, mut number: usize) {
        let client = Client::new().unwrap();
        let mut connection = client.connect(&self.target).unwrap();
        while !self.is_over.load(Ordering::Relaxed) {
            let host = self.hosts.get(number % self.hosts.len()).unwrap();
            let sent = self.sent.fetch_add(1, Ordering::Relaxed);
            connection.send(&(self.ask)(host, sent)).unwrap();
            number += 1;
        }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// The answers to so many requests of a host, by version.
fn versions(mesh: &Mesh, requests: impl IntoIterator<Item = Request>) -> Vec<String> {
    let address = mesh.envoy.listener("guarded").unwrap();
    let target = Target::new(address, Protocol::Http1);
    let client = Client::new().unwrap();
    let mut connection = client.connect(&target).unwrap();
    let version = |request| {
        let response = connection.send(&request).unwrap();
        String::from_utf8_lossy(response.header("x-version").unwrap()).into_owned()
    };
    requests.into_iter().map(version).collect()
}

/// When each of two hosts is drained, if that is within two windows.
fn drained(mesh: &Mesh, hosts: &[String]) -> [Option<Duration>; 2] {
    let start = Instant::now();
    let mut drained = [None; 2];
    while start.elapsed() < WINDOW * 2 && drained.contains(&None) {
        std::thread::sleep(Duration::from_millis(250));
        for (host, drained) in hosts.iter().zip(&mut drained) {
            if drained.is_none() && mesh.is_drained(host) {
                *drained = Some(start.elapsed());
            }
        }
    }
    drained
}

#[test]
fn a_canary_that_is_worse_is_drained_and_one_that_is_not_stays() {
    canaries_that_are_worse_are_drained_within_two_windows();
    equal_canaries_stay();
}

fn canaries_that_are_worse_are_drained_within_two_windows() {
    let hosts = [FAILING, SLOW].map(str::to_owned);
    let attacked = [ATTACKED.to_owned()];
    let mut resources = vec![sticky(ATTACKED)];
    for host in hosts.iter().chain(&attacked) {
        resources.extend([service(host), guard(host, WINDOW)]);
    }
    let mesh = Mesh::start(&resources, [|_| SOUND, canary], 1);
    let bad = bad_customer(&mesh);
    let ask = |host: &str, number: u64| match number % 10 {
        0 => get(host, number).header(CUSTOMER, &bad).header(FAILS, "1"),
        _ => get(host, number).header(CUSTOMER, format!("{}", number % CUSTOMERS)),
    };
    let (load, attack) = (
        Load::new(&mesh, &hosts, &get),
        Load::new(&mesh, &attacked, &ask),
    );
    let watch = || {
        std::thread::sleep(WINDOW);
        let false_alarms = hosts.iter().filter(|host| mesh.is_drained(host)).count();
        assert_eq!(false_alarms, 0, "drained before anything was wrong");
        IS_DEGRADED.store(true, Ordering::Relaxed);
        drained(&mesh, &hosts)
    };
    let drained = load.run(120, || attack.run(20, watch));
    for ((host, what), after) in hosts
        .iter()
        .zip(["+5 points of errors", "+20 % latency"])
        .zip(drained)
    {
        let sent = load.sent();
        assert!(
            after.is_some(),
            "{host}: not drained within two windows, {sent} requests"
        );
        let windows = after.unwrap().as_secs_f64() / WINDOW.as_secs_f64();
        println!("{what}: drained after {windows:.2} windows");
        assert_eq!(mesh.announcements(host), 1, "once for both workers");
        let answers = versions(&mesh, (0..20).map(|number| get(host, number)));
        assert!(answers.iter().all(|version| version == "v1"), "{host}");
    }
    println!(
        "{} requests, and {} of the attack",
        load.sent(),
        attack.sent()
    );
    assert!(!mesh.is_drained(ATTACKED), "by one customer");
    assert!(attack.sent() > 4 * MIN_SAMPLES, "too few to judge");
}

/// A customer of the canary.
fn bad_customer(mesh: &Mesh) -> String {
    let names = || (0..64).map(|number| format!("bad-{number}"));
    let asked = names().map(|name| get(ATTACKED, 0).header(CUSTOMER, name));
    let answers = versions(mesh, asked);
    let found = names().zip(answers).find(|(_, version)| version == "v2");
    found.unwrap().0
}

/// Runs with seeds of their own, side by side in one proxy.
fn equal_canaries_stay() {
    let hosts: Vec<String> = (0..EQUALS)
        .map(|number| format!("equal-{number}"))
        .collect();
    let resources: Vec<Value> = hosts
        .iter()
        .flat_map(|host| [service(host), guard(host, EQUAL_WINDOW)])
        .collect();
    let mesh = Mesh::start(&resources, [|_| QUICK, |_| QUICK], 2);
    let load = Load::new(&mesh, &hosts, &get);
    load.run(80, || std::thread::sleep(EQUAL_WINDOW * 3));
    let false_alarms = hosts.iter().filter(|host| mesh.is_drained(host)).count();
    let in_window = load.sent() / EQUALS as u64 / 3;
    println!(
        "equal canaries: {false_alarms} of {EQUALS} drained in three windows, each with {in_window} requests in a window"
    );
    assert_eq!(false_alarms, 0);
    assert!(
        in_window / 2 > MIN_SAMPLES,
        "too few to judge: {in_window} requests in a window"
    );
}
