//! A configuration with an error lets nothing through, in the built module: a real Envoy
//! does not start with it or does not serve its listener, and the harness refuses every
//! request.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its module or Envoy this test can only fail"
)]

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
    http_filter::FailurePolicy,
};
use sluice_envoy::{Envoy, binary::find_module};
use sluice_host::{FailStrategy, OutcomeKind, PluginConfig, PluginState};
use sluice_tests::envoys;
use sluice_tests::guest::{self, Guest};

const NAMESPACE: &str = "production";
/// What the log must say, wherever the module runs.
const FINDING: &str = "resources[0].spec.rules[0].too";
const CODE: &str = "[unknown-key]";

/// `to`, misspelt: without it, the policy would allow everything.
fn configuration() -> String {
    let rule = json!({"too": [{"operation": {"paths": ["/public"]}}]});
    json!({"resources": [{
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "misspelt", "namespace": NAMESPACE},
        "spec": {"action": "ALLOW", "rules": [rule]},
    }]})
    .to_string()
}

#[test]
fn the_harness_refuses_every_request() {
    let plugin = PluginConfig {
        fail_strategy: FailStrategy::FailClosed,
        ..PluginConfig::new("authz", configuration())
    };
    let module = find_module("authz").unwrap();
    let mut guest = Guest::load(&module, plugin, guest::world(NAMESPACE)).unwrap();
    assert_eq!(guest.state(), Some(&PluginState::Refused));
    let log: String = guest.logs().iter().map(|line| &*line.message).collect();
    assert!(log.contains(FINDING) && log.contains(CODE), "{log}");
    for path in ["/public", "/elsewhere"] {
        let outcome = guest.run(&guest::get(path));
        assert_eq!(
            (outcome.kind, outcome.status),
            (OutcomeKind::Replied, Some(503)),
            "{path}"
        );
    }
}

/// FAIL_OPEN is about a module that fails, not about one that says no.
#[test]
fn envoy_does_not_start() {
    for binary in envoys::available().unwrap() {
        for policy in [FailurePolicy::FailClosed, FailurePolicy::FailOpen] {
            let started = Envoy::new(binary.clone()).start(bootstrap(policy));
            let what = format!("envoy {}, {policy:?}", binary.version());
            let error = started.err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{what}: it started"));
            for part in ["Unable to create Wasm", FINDING, CODE] {
                assert!(error.contains(part), "{what}: no {part} in {error}");
            }
        }
    }
}

/// As Istio delivers it, over xDS: the listener is refused, and none is there.
#[test]
fn envoy_does_not_serve_the_listener() {
    for binary in envoys::available().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("listeners.json");
        let mut bootstrap = bootstrap(FailurePolicy::FailClosed);
        std::fs::write(&file, discovered(&mut bootstrap).to_string()).unwrap();
        bootstrap["dynamic_resources"] = json!({"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": file}}});
        let envoy = Envoy::new(binary.clone()).start(bootstrap).unwrap();
        let rejected = envoy.stats().unwrap()["listener_manager.lds.update_rejected"];
        assert_eq!(rejected, 1, "envoy {}", binary.version());
        assert!(envoy.listener("inbound").is_err(), "{}", binary.version());
        assert!(envoy.log().contains(FINDING), "{}", envoy.log());
    }
}

fn bootstrap(policy: FailurePolicy) -> Value {
    let module = find_module("authz").unwrap();
    let filter = WasmFilter::new("authz", &module, &configuration()).failure_policy(policy);
    let manager = HttpConnectionManager::direct_response(200, "ok").filter(filter.to_json());
    Bootstrap::new(Node::new(NAMESPACE, []))
        .listener(Listener::new("inbound").chain(FilterChain::new(&manager)))
        .into_json()
}

/// Moves the static listeners into a discovery response.
fn discovered(bootstrap: &mut Value) -> Value {
    let mut listeners = bootstrap["static_resources"]["listeners"].take();
    for listener in listeners.as_array_mut().unwrap() {
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    json!({"resources": listeners})
}
