//! The same policies twice: as Istio's resources, and as the native rbac
//! configuration that istiod makes of them.

use serde_json::{Map, Value, json};

/// Namespace of the workload that the policies protect.
pub const NAMESPACE: &str = "bench";

/// What each policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As the example in `wasm-plugins`: a method, a path and all below it. The
    /// callers it names are left out, so that requests can be plain text.
    Example,
    /// A method and all below one path: the least that a linear scan can be asked.
    Least,
    /// The example with a caller: what most policies of a mesh look like. Each names
    /// another, by `principals`.
    Callers,
}

/// `count` ALLOW policies, each for one service's paths.
///
/// The request of the bench is allowed by the last of them in rbac's order.
/// That is what a linear scan finds dearest, and also what a refused request
/// costs it, since that one passes every policy too.
pub struct Policies {
    count: usize,
    shape: Shape,
}

impl Policies {
    /// So many of one shape.
    pub fn new(count: usize, shape: Shape) -> Self {
        Self { count, shape }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Of which shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The path that only the last policy allows.
    pub fn allowed_path(&self) -> String {
        format!("{}/41", base(self.count - 1))
    }

    /// SPIFFE identity of the only caller that the last policy allows, if it names one.
    pub fn allowed_caller(&self) -> String {
        spiffe(&name(self.count - 1))
    }

    /// pluginConfig for `authz.wasm`.
    pub fn plugin_config(&self) -> String {
        let resources: Vec<Value> = (0..self.count)
            .map(|index| self.authorization_policy(index))
            .collect();
        json!({"resources": resources}).to_string()
    }

    /// Fields of the native filter, in the shape that istiod generates.
    pub fn rbac(&self) -> Value {
        let policies: Map<String, Value> = (0..self.count)
            .map(|index| {
                (
                    format!("ns[{NAMESPACE}]-policy[{}]-rule[0]", name(index)),
                    self.native_policy(index),
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

fn principal(account: &str) -> String {
    format!("cluster.local/ns/{NAMESPACE}/sa/{account}")
}

/// Identity of a service account, as in the URI SAN of its certificate.
pub fn spiffe(account: &str) -> String {
    format!("spiffe://{}", principal(account))
}

fn base(index: usize) -> String {
    format!("/{}/v1/charges", name(index))
}

impl Policies {
    fn authorization_policy(&self, index: usize) -> Value {
        let below = format!("{}/*", base(index));
        let paths = match self.shape {
            Shape::Example | Shape::Callers => vec![base(index), below],
            Shape::Least => vec![below],
        };
        let to = json!([{"operation": {"methods": ["GET"], "paths": paths}}]);
        let rule = if self.shape == Shape::Callers {
            let caller = principal(&name(index));
            json!({"from": [{"source": {"principals": [caller]}}], "to": to})
        } else {
            json!({"to": to})
        };
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": name(index), "namespace": NAMESPACE},
            "spec": {"action": "ALLOW", "rules": [rule]},
        })
    }

    fn native_policy(&self, index: usize) -> Value {
        let method = json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}});
        let path = |test: Value| json!({"url_path": {"path": test}});
        let below = path(json!({"prefix": format!("{}/", base(index))}));
        let paths = match self.shape {
            Shape::Example | Shape::Callers => {
                vec![path(json!({"exact": base(index)})), below]
            }
            Shape::Least => vec![below],
        };
        let any_of = |rules: Vec<Value>| json!({"or_rules": {"rules": rules}});
        json!({
            "permissions": [{"and_rules": {"rules": [any_of(vec![method]), any_of(paths)]}}],
            "principals": [{"and_ids": {"ids": [self.native_caller(index)]}}],
        })
    }

    fn native_caller(&self, index: usize) -> Value {
        if self.shape != Shape::Callers {
            return json!({"any": true});
        }
        let name = json!({"exact": spiffe(&name(index))});
        json!({"or_ids": {"ids": [{"authenticated": {"principal_name": name}}]}})
    }
}
