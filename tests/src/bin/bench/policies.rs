//! The same policies twice: as Istio's resources, and as the native rbac
//! configuration that istiod makes of them.

use serde_json::{Map, Value, json};

/// Namespace of the workload that the policies protect.
pub const NAMESPACE: &str = "bench";

/// `count` ALLOW policies, each for one service's paths.
///
/// The request of the bench is allowed by the last of them in rbac's order.
/// That is what a linear scan finds dearest, and also what a refused request
/// costs it, since that one passes every policy too.
pub struct Policies {
    count: usize,
}

impl Policies {
    /// So many.
    pub fn new(count: usize) -> Self {
        Self { count }
    }

    /// The path that only the last policy allows.
    pub fn allowed_path(&self) -> String {
        format!("{}charges", prefix(self.count - 1))
    }

    /// pluginConfig for `authz.wasm`.
    pub fn plugin_config(&self) -> String {
        let resources: Vec<Value> = (0..self.count).map(authorization_policy).collect();
        json!({"resources": resources}).to_string()
    }

    /// Fields of the native filter, in the shape that istiod generates.
    pub fn rbac(&self) -> Value {
        let policies: Map<String, Value> = (0..self.count)
            .map(|index| {
                (
                    format!("ns[{NAMESPACE}]-policy[{}]-rule[0]", name(index)),
                    native_policy(index),
                )
            })
            .collect();
        json!({"rules": {"action": "ALLOW", "policies": policies}})
    }
}

/// Of equal length, so that the order of the names is the order of the numbers.
fn name(index: usize) -> String {
    format!("service-{index:05}")
}

fn prefix(index: usize) -> String {
    format!("/{}/v1/", name(index))
}

fn authorization_policy(index: usize) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name(index), "namespace": NAMESPACE},
        "spec": {
            "action": "ALLOW",
            "rules": [{"to": [{"operation": {"methods": ["GET"], "paths": [format!("{}*", prefix(index))]}}]}],
        },
    })
}

fn native_policy(index: usize) -> Value {
    let method = json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}});
    let path = json!({"url_path": {"path": {"prefix": prefix(index)}}});
    let any_of = |rule: Value| json!({"or_rules": {"rules": [rule]}});
    json!({
        "permissions": [{"and_rules": {"rules": [any_of(method), any_of(path)]}}],
        "principals": [{"and_ids": {"ids": [{"any": true}]}}],
    })
}
