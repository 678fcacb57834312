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
const CODE: &str = "[unknown-key]";

/// A filter, and a configuration of it with a misspelt key.
struct Misspelt {
    filter: &'static str,
    version: &'static str,
    kind: &'static str,
    spec: &'static str,
    /// What the log must say, wherever the module runs.
    finding: &'static str,
}

const AUTHZ: Misspelt = Misspelt {
    filter: "authz",
    version: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    // Without it, the policy would allow everything.
    spec: r#"{"action": "ALLOW", "rules": [{"too": [{"operation": {"paths": ["/public"]}}]}]}"#,
    finding: "resources[0].spec.rules[0].too",
};

const JWT: Misspelt = Misspelt {
    filter: "jwt",
    version: "security.istio.io/v1",
    kind: "RequestAuthentication",
    // Tokens for anybody else would be good.
    spec: r#"{"jwtRules": [{"issuer": "https://a.example", "audience": ["us"]}]}"#,
    finding: "resources[0].spec.jwtRules[0].audience",
};

const ROUTING: Misspelt = Misspelt {
    filter: "routing",
    version: "networking.istio.io/v1",
    kind: "VirtualService",
    // Everybody would be sent there.
    spec: r#"{"hosts": ["b"], "http": [{"matches": [{"uri": {"exact": "/beta"}}], "route": [{"destination": {"host": "b"}}]}]}"#,
    finding: "resources[0].spec.http[0].matches",
};

/// The experiment that is not to become an outage.
const FAULT: Misspelt = Misspelt {
    filter: "fault",
    ..ROUTING
};

impl Misspelt {
    fn configuration(&self) -> String {
        let spec: Value = serde_json::from_str(self.spec).unwrap();
        json!({"resources": [{
            "apiVersion": self.version,
            "kind": self.kind,
            "metadata": {"name": "misspelt", "namespace": NAMESPACE},
            "spec": spec,
        }]})
        .to_string()
    }
}

#[test]
fn the_harness_refuses_every_request() {
    for misspelt in [AUTHZ, JWT, ROUTING] {
        let mut guest = load(&misspelt);
        assert_eq!(guest.state(), Some(&PluginState::Refused));
        for path in ["/public", "/elsewhere"] {
            let outcome = guest.run(&guest::get(path));
            let became = (outcome.kind, outcome.status);
            let expected = (OutcomeKind::Replied, Some(503));
            assert_eq!(became, expected, "{} {path}", misspelt.filter);
        }
    }
}

#[test]
fn an_experiment_that_is_misspelt_is_none() {
    let mut guest = load(&FAULT);
    assert_eq!(guest.state(), Some(&PluginState::Running));
    let outcome = guest.run(&guest::get("/beta"));
    assert_eq!(outcome.kind, OutcomeKind::Forwarded);
}

/// The plugin in the harness, which has said what is wrong.
fn load(misspelt: &Misspelt) -> Guest {
    let plugin = PluginConfig {
        fail_strategy: FailStrategy::FailClosed,
        ..PluginConfig::new(misspelt.filter, misspelt.configuration())
    };
    let module = find_module(misspelt.filter).unwrap();
    let guest = Guest::load(&module, plugin, guest::world(NAMESPACE)).unwrap();
    let log: String = guest.logs().iter().map(|line| &*line.message).collect();
    assert!(
        log.contains(misspelt.finding) && log.contains(CODE),
        "{log}"
    );
    guest
}

/// FAIL_OPEN is about a module that fails, not about one that says no.
#[test]
fn envoy_does_not_start() {
    for binary in envoys::available().unwrap() {
        for (misspelt, policy) in [
            (AUTHZ, FailurePolicy::FailClosed),
            (AUTHZ, FailurePolicy::FailOpen),
            (JWT, FailurePolicy::FailClosed),
            (ROUTING, FailurePolicy::FailOpen),
        ] {
            let started = Envoy::new(binary.clone()).start(bootstrap(&misspelt, policy));
            let what = format!(
                "envoy {}, {}, {policy:?}",
                binary.version(),
                misspelt.filter
            );
            let error = started.err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{what}: it started"));
            for part in ["Unable to create Wasm", misspelt.finding, CODE] {
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
        let mut bootstrap = bootstrap(&AUTHZ, FailurePolicy::FailClosed);
        std::fs::write(&file, discovered(&mut bootstrap).to_string()).unwrap();
        bootstrap["dynamic_resources"] = json!({"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": file}}});
        let envoy = Envoy::new(binary.clone()).start(bootstrap).unwrap();
        let rejected = envoy.stats().unwrap()["listener_manager.lds.update_rejected"];
        assert_eq!(rejected, 1, "envoy {}", binary.version());
        assert!(envoy.listener("inbound").is_err(), "{}", binary.version());
        assert!(envoy.log().contains(AUTHZ.finding), "{}", envoy.log());
    }
}

fn bootstrap(misspelt: &Misspelt, policy: FailurePolicy) -> Value {
    let module = find_module(misspelt.filter).unwrap();
    let configuration = misspelt.configuration();
    let filter = WasmFilter::new(misspelt.filter, &module, &configuration).failure_policy(policy);
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
