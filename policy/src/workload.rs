//! The workload whose proxy runs the filter: decides which policies apply.

use std::collections::BTreeMap;

/// What kind of proxy a workload has; it decides how policies attach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyKind {
    /// A sidecar: policies attach by selector only.
    #[default]
    Sidecar,
    /// A Kubernetes or Istio gateway: targetRefs to it, or a selector.
    Gateway,
    /// An ambient waypoint: targetRefs only.
    Waypoint,
}

/// Facts about the workload, from Envoy's node metadata or `--workload`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Kubernetes namespace (`NAMESPACE` in node metadata).
    pub namespace: String,
    /// Pod labels (`LABELS` in node metadata).
    pub labels: BTreeMap<String, String>,
    /// Kind of proxy.
    pub kind: ProxyKind,
}
