//! What the tests of guards have in common: a configuration, and the data that VMs share.

use serde_json::{Value, json};
use sluice_policy::json::Node;
use sluice_policy::resource::CANARY_GUARD;
use sluice_policy::{Diagnostics, Resource};

use super::config::{self, CanaryGuard};
pub(super) use sluice_policy::shared_data::testing::Shared;

/// When a test begins.
pub(super) const START: u64 = 1_790_000_000_000;

/// A guard as somebody declares it.
pub(super) fn resource(spec: &Value) -> Value {
    json!({"apiVersion": "sluice/v1alpha1", "kind": "CanaryGuard",
           "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec})
}

/// What a spec comes to, and what is wrong with it.
pub(super) fn read(spec: &Value) -> (CanaryGuard, Diagnostics) {
    let (resource, mut diagnostics) = (resource(spec), Diagnostics::new());
    let node = Node::new(&resource, "r");
    let resource = Resource::read(&node, &[&CANARY_GUARD], &mut diagnostics).unwrap();
    (config::read(&resource, &mut diagnostics), diagnostics)
}

/// The defaults.
pub(super) fn config() -> CanaryGuard {
    let spec = json!({"virtualService": "orders", "stable": "v1", "canary": "v2"});
    let (config, diagnostics) = read(&spec);
    assert_eq!(diagnostics.to_string(), "");
    config
}

/// A short window, so that runs are.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn short() -> CanaryGuard {
    CanaryGuard {
        window_ms: 20_000,
        ..config()
    }
}
