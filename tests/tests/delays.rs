//! Delayed requests in a real Envoy: none is lost and none is early, and none is held for
//! nobody; whether the client leaves first, the configuration changes, the proxy drains,
//! or the fault expires meanwhile.
//!
//! How late they are is printed, and decides nothing here: `cargo xtask bench faults`
//! holds it against its bar.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its module or Envoy this test can only fail"
)]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node,
};
use sluice_envoy::client::{Client, Protocol, Request, Target, Underway};
use sluice_envoy::service::Upstream;
use sluice_envoy::{Envoy, RunningEnvoy, binary::find_module};
use sluice_host::{OutcomeKind, PluginConfig};
use sluice_tests::delays::{self, AUTHORITY, NAMESPACE, Whose};
use sluice_tests::envoys;
use sluice_tests::guest::{self, Guest};

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests of a test that needs many.
const MANY: u64 = 300;

#[test]
fn a_thousand_delayed_requests_come_back_and_none_is_early() {
    for binary in envoys::available().unwrap() {
        let lateness = delays::measure(&binary, Whose::Ours).unwrap();
        println!("envoy {}: {lateness}", binary.version());
        assert_eq!((lateness.count(), lateness.early()), (delays::REQUESTS, 0));
    }
}

#[test]
fn who_leaves_first_is_forgotten_and_never_reaches_the_upstream() {
    for binary in envoys::available().unwrap() {
        let upstream = Upstream::echo().unwrap();
        let configuration = delays::configuration(&delays::delays(&[60_000]), &json!({}));
        let manager = HttpConnectionManager::to_cluster("upstream")
            .filter(delays::filter(&configuration).unwrap());
        let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
            .cluster(&Cluster::http1("upstream", upstream.address()))
            .listener(Listener::new("inbound").chain(FilterChain::new(&manager)));
        let envoy = Envoy::new(binary).start(bootstrap.into_json()).unwrap();
        let client = Client::new().unwrap();
        let underway = delayed(&client, &envoy, 60_000);
        drop(underway);
        until("all are forgotten", || active(&envoy) == 0);
        assert_eq!(get(&client, &envoy, "/"), 200);
        assert_eq!(upstream.take_received().len(), 1);
        let injected = stat(&envoy, "sluice_fault_injected_total.kind.delay");
        assert_eq!(injected, MANY);
    }
}

#[test]
fn who_is_delayed_when_the_configuration_changes_comes_back_in_time() {
    for binary in envoys::available().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let listen = |faults: &[(String, Value)]| {
            let configuration = delays::configuration(faults, &json!({}));
            listeners(folder.path(), &bootstrap(&configuration));
        };
        listen(&delays::delays(&[6_000]));
        let mut discovered = bootstrap("{}");
        discovered["static_resources"]["listeners"] = json!([]);
        let file = folder.path().join("listeners.json");
        discovered["dynamic_resources"] = json!({"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": file}}});
        let envoy = Envoy::new(binary).start(discovered).unwrap();
        let client = Client::new().unwrap();
        let underway = delayed(&client, &envoy, 6_000);
        let abort = json!({"abort": {"httpStatus": 418, "percentage": {"value": 100}}});
        listen(&[(delays::path(6_000), abort)]);
        until("the new faults are there", || {
            get(&client, &envoy, &delays::path(6_000)) == 418
        });
        come_back(underway, 6_000);
        until("none is held", || active(&envoy) == 0);
    }
}

#[test]
fn who_is_delayed_when_the_proxy_drains_comes_back_in_time() {
    for binary in envoys::available().unwrap() {
        let configuration = delays::configuration(&delays::delays(&[4_000]), &json!({}));
        let envoy = Envoy::new(binary).start(bootstrap(&configuration)).unwrap();
        let client = Client::new().unwrap();
        let underway = delayed(&client, &envoy, 4_000);
        let drain = "/drain_listeners?graceful";
        assert_eq!(envoy.admin().post(drain).unwrap().trim(), "OK");
        come_back(underway, 4_000);
        envoy.stop().unwrap();
    }
}

#[test]
fn a_fault_that_expires_lets_go_whom_it_holds_and_never_fires_again() {
    // 2030-01-01T00:00:00Z, but for a few seconds.
    let start = UNIX_EPOCH + Duration::from_secs(1_893_456_000 - 4);
    let fault = json!({
        "delay": {"fixedDelay": "60s", "percentage": {"value": 100}},
        "abort": {"httpStatus": 503, "percentage": {"value": 100}},
    });
    let options = json!({"faults": {"expires": "2030-01-01T00:00:00Z"}});
    let configuration = delays::configuration(&[(delays::path(60_000), fault)], &options);
    for binary in envoys::available().unwrap() {
        let envoy = Envoy::new(binary)
            .clock(start)
            .start(bootstrap(&configuration))
            .unwrap();
        let client = Client::new().unwrap();
        // Whoever comes too late for the fault is let through at once.
        for request in begin(&client, &envoy, 60_000) {
            assert_eq!(request.wait().unwrap().0.status, 200);
        }
        until("nobody is held", || active(&envoy) == 0);
        assert_eq!(get(&client, &envoy, &delays::path(60_000)), 200);
        until("all were let go", || {
            stat(&envoy, "sluice_fault_withheld_total.reason.expired") == MANY + 1
        });
        assert_eq!(stat(&envoy, "sluice_fault_injected_total.kind.abort"), 0);
    }
}

#[test]
fn one_seed_aborts_the_same_requests_in_the_harness_and_in_envoy() {
    let fault = json!({"abort": {"httpStatus": 418, "percentage": {"value": 12.5}}});
    let options = json!({"seed": 11});
    let configuration = delays::configuration(&[("/".to_owned(), fault)], &options);
    let id = |number: u64| format!("4b6d9e3a-0000-4000-8000-{number:012x}");
    let expected = in_harness(&configuration, id);
    let aborted = expected.iter().filter(|status| **status == 418).count();
    println!("{aborted} of {MANY} aborted, 12.5 % wanted");
    // Within four standard deviations.
    assert!((15..=60).contains(&aborted));
    for binary in envoys::available().unwrap() {
        let version = binary.version().to_string();
        let envoy = Envoy::new(binary).start(bootstrap(&configuration)).unwrap();
        let target = target(&envoy);
        let client = Client::new().unwrap();
        let statuses = (0..MANY).map(|number| {
            let request = Request::new("GET", AUTHORITY, "/").header("x-request-id", id(number));
            client.send(&target, &request).unwrap().status
        });
        assert_eq!(statuses.collect::<Vec<_>>(), expected, "envoy {version}");
    }
}

fn in_harness(configuration: &str, id: impl Fn(u64) -> String) -> Vec<u16> {
    let plugin = PluginConfig::new("fault", configuration.to_owned());
    let module = find_module("fault").unwrap();
    let mut guest = Guest::load(&module, plugin, guest::world(NAMESPACE)).unwrap();
    let statuses = (0..MANY).map(|number| {
        let mut exchange = guest::get("/");
        exchange.request.headers.set(":authority", AUTHORITY);
        exchange.request.headers.set("x-request-id", id(number));
        guest.run(&exchange).status.unwrap()
    });
    statuses.collect()
}

/// The harness has time pass for a request that is held back, and no longer than that.
#[test]
fn the_harness_holds_a_request_for_its_delay() {
    let fault = json!({
        "delay": {"fixedDelay": "2500ms", "percentage": {"value": 100}},
        "abort": {"httpStatus": 418, "percentage": {"value": 100}},
    });
    let configuration = delays::configuration(&[("/".to_owned(), fault)], &json!({}));
    let plugin = PluginConfig::new("fault", configuration);
    let module = find_module("fault").unwrap();
    let mut guest = Guest::load(&module, plugin, guest::world(NAMESPACE)).unwrap();
    let mut exchange = guest::get("/");
    exchange.request.headers.set(":authority", AUTHORITY);
    let begin_ns = guest.now_ns();
    let outcome = guest.run(&exchange);
    assert_eq!(
        (outcome.kind, outcome.status),
        (OutcomeKind::Replied, Some(418))
    );
    assert_eq!(guest.now_ns() - begin_ns, 2_500_000_000);
}

fn bootstrap(configuration: &str) -> Value {
    let manager = HttpConnectionManager::direct_response(200, "ok")
        .filter(delays::filter(configuration).unwrap());
    Bootstrap::new(Node::new(NAMESPACE, []))
        .listener(Listener::new("inbound").chain(FilterChain::new(&manager)))
        .into_json()
}

/// Moves the listeners of a bootstrap into the file where Envoy looks for them. It looks
/// again when a file is moved there.
fn listeners(folder: &Path, bootstrap: &Value) {
    let mut listeners = bootstrap["static_resources"]["listeners"].clone();
    for listener in listeners.as_array_mut().unwrap() {
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    let part = folder.join("listeners.part");
    std::fs::write(&part, json!({"resources": listeners}).to_string()).unwrap();
    std::fs::rename(part, folder.join("listeners.json")).unwrap();
}

fn target(envoy: &RunningEnvoy) -> Target {
    Target::new(envoy.listener("inbound").unwrap(), Protocol::Wire)
}

/// Many requests at the same time.
fn begin<'c>(client: &'c Client, envoy: &RunningEnvoy, delay_ms: u32) -> Vec<Underway<'c>> {
    let target = target(envoy);
    let request = Request::new("GET", AUTHORITY, delays::path(delay_ms));
    let begin = |_| client.begin(&target, &request);
    (0..MANY).map(begin).collect()
}

/// Many requests that are delayed now.
fn delayed<'c>(client: &'c Client, envoy: &RunningEnvoy, delay_ms: u32) -> Vec<Underway<'c>> {
    let underway = begin(client, envoy, delay_ms);
    until("all are delayed", || active(envoy) == MANY);
    underway
}

/// Each is answered, and not before its time.
fn come_back(underway: Vec<Underway<'_>>, delay_ms: u64) {
    for request in underway {
        let (response, after) = request.wait().unwrap();
        assert_eq!(response.status, 200);
        assert!(after >= Duration::from_millis(delay_ms), "{after:?}");
    }
}

fn get(client: &Client, envoy: &RunningEnvoy, path: &str) -> u16 {
    let request = Request::new("GET", AUTHORITY, path);
    client.send(&target(envoy), &request).unwrap().status
}

/// How many requests are delayed, as of the last tick.
fn active(envoy: &RunningEnvoy) -> u64 {
    stat(envoy, "sluice_fault_active")
}

/// The sum of the stats whose names have this in them.
fn stat(envoy: &RunningEnvoy, part: &str) -> u64 {
    let stats = envoy.stats().unwrap();
    let found = stats.iter().filter(|(name, _)| name.contains(part));
    found.map(|(_, value)| value).sum()
}

fn until(what: &str, mut happens: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happens() {
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
