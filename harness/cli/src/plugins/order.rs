//! The order of plugins in the filter chain.

use std::cmp::{Ordering, Reverse};

use super::manifest::Extension;

/// Where in the chain a plugin stands, first to last on the request path.
///
/// Plugins without a phase come last, after STATS: that is Istio's order,
/// though the names suggest otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before authentication.
    Authn,
    /// Before authorization.
    Authz,
    /// Before statistics.
    Stats,
    /// Where the control plane wants it: at the end.
    #[default]
    Unspecified,
}

/// Phase, then priority descending (none is lowest), then the older, then the
/// name, then the namespace. A missing creation time sorts first.
pub fn compare(left: &Extension, right: &Extension) -> Ordering {
    let key = |extension: &Extension| {
        (
            extension.spec.phase,
            Reverse(extension.spec.priority.unwrap_or(i32::MIN)),
        )
    };
    key(left)
        .cmp(&key(right))
        .then_with(|| left.created.cmp(&right.created))
        .then_with(|| left.name.cmp(&right.name))
        .then_with(|| left.namespace.cmp(&right.namespace))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plugins::manifest;

    fn plugin(name: &str, created: &str, spec: serde_json::Value) -> Extension {
        let mut spec = spec;
        spec["url"] = json!("x");
        let resource = json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
            "metadata": {"name": name, "namespace": "a", "creationTimestamp": created}, "spec": spec,
        });
        manifest::parse(&resource).0.unwrap()
    }

    #[test]
    fn orders_as_istio_does() {
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let mut plugins = [
            plugin("last", early, json!({})),
            plugin("stats", early, json!({"phase": "STATS"})),
            plugin("authz-none", early, json!({"phase": "AUTHZ"})),
            plugin(
                "authz-negative",
                early,
                json!({"phase": "AUTHZ", "priority": -5}),
            ),
            plugin(
                "authz-late",
                late,
                json!({"phase": "AUTHZ", "priority": 10}),
            ),
            plugin("authz-z", early, json!({"phase": "AUTHZ", "priority": 10})),
            plugin("authz-a", early, json!({"phase": "AUTHZ", "priority": 10})),
            plugin("authn", late, json!({"phase": "AUTHN"})),
        ];
        plugins.sort_by(compare);
        let names: Vec<_> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        let expected = [
            "authn",
            "authz-a",
            "authz-z",
            "authz-late",
            "authz-negative",
            "authz-none",
            "stats",
            "last",
        ];
        assert_eq!(names, expected);
    }
}
