//! Who the proxy is: what a filter reads from `xds.node`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A workload's proxy, with the metadata that Istio's injector gives it.
#[derive(Debug, Clone, Default)]
pub struct Node {
    namespace: String,
    labels: BTreeMap<String, String>,
}

impl Node {
    /// A workload in `namespace` with `labels`.
    #[must_use]
    pub fn new<'a>(namespace: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Self {
            namespace: namespace.to_owned(),
            labels: labels.into_iter().map(owned).collect(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": format!("sidecar~127.0.0.1~workload.{0}~{0}.svc.cluster.local", self.namespace),
            "cluster": format!("workload.{}", self.namespace),
            "metadata": {"NAMESPACE": self.namespace, "LABELS": self.labels},
        })
    }
}
