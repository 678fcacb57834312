//! Which proxies and which listeners a plugin attaches to.

use std::collections::BTreeMap;

use clap::ValueEnum;
use sluice_policy::{ProxyKind, Workload};

/// The direction of a listener, seen from the workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// Requests to the workload: SERVER.
    #[default]
    Inbound,
    /// Requests that the workload makes, and everything at a gateway: CLIENT.
    Outbound,
}

/// `match[].mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Both directions; also what `UNDEFINED` and nothing mean.
    #[default]
    ClientAndServer,
    /// Outbound, and gateways.
    Client,
    /// Inbound.
    Server,
}

/// One entry of `match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficSelector {
    /// Direction.
    pub mode: Mode,
    /// Destination ports; none listed means every port.
    pub ports: Vec<u16>,
}

impl TrafficSelector {
    /// Whether the entry is about this direction, on some port.
    pub fn selects_direction(&self, direction: Direction) -> bool {
        match self.mode {
            Mode::ClientAndServer => true,
            Mode::Client => direction == Direction::Outbound,
            Mode::Server => direction == Direction::Inbound,
        }
    }
}

/// A reference to what a plugin attaches to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRef {
    /// API group; empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// How a plugin chooses proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// By pod labels; without any, every proxy in scope.
    Selector(BTreeMap<String, String>),
    /// By what a gateway or a waypoint serves.
    Targets(Vec<TargetRef>),
}

impl Attachment {
    /// Whether a plugin of `namespace` attaches to this workload's proxy.
    ///
    /// Waypoints take target references only, sidecars selectors only; a
    /// reference names a gateway or waypoint by the `name` it was given.
    pub fn attaches(
        &self,
        namespace: &str,
        root_namespace: &str,
        workload: &Workload,
        name: Option<&str>,
    ) -> bool {
        if namespace != workload.namespace && namespace != root_namespace {
            return false;
        }
        match self {
            Self::Selector(labels) => {
                let matches = labels
                    .iter()
                    .all(|(key, value)| workload.labels.get(key) == Some(value));
                workload.kind != ProxyKind::Waypoint && matches
            }
            Self::Targets(targets) => {
                workload.kind != ProxyKind::Sidecar
                    && targets
                        .iter()
                        .any(|target| target.is(namespace, root_namespace, workload, name))
            }
        }
    }
}

/// The GatewayClass of Istio's waypoints; only the root namespace may name it.
const WAYPOINT_CLASS: &str = "istio-waypoint";

impl TargetRef {
    fn is(
        &self,
        namespace: &str,
        root_namespace: &str,
        workload: &Workload,
        name: Option<&str>,
    ) -> bool {
        match self.kind.as_str() {
            "GatewayClass" => {
                namespace == root_namespace
                    && workload.kind == ProxyKind::Waypoint
                    && self.name == WAYPOINT_CLASS
            }
            // What a proxy serves is known to the cluster alone; `name=` says which of these it stands for.
            _ => namespace == workload.namespace && name == Some(self.name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(kind: ProxyKind) -> Workload {
        let labels = BTreeMap::from([("app".to_owned(), "pay".to_owned())]);
        Workload {
            namespace: "shop".to_owned(),
            labels,
            kind,
            ..Workload::default()
        }
    }

    fn selector(labels: &[(&str, &str)]) -> Attachment {
        Attachment::Selector(
            labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn selectors_choose_by_namespace_and_labels() {
        let sidecar = workload(ProxyKind::Sidecar);
        let attaches = |attachment: &Attachment, namespace| {
            attachment.attaches(namespace, "istio-system", &sidecar, None)
        };
        assert!(attaches(&selector(&[]), "shop"));
        assert!(attaches(&selector(&[("app", "pay")]), "istio-system"));
        assert!(!attaches(&selector(&[]), "other"));
        assert!(!attaches(&selector(&[("app", "pay"), ("v", "1")]), "shop"));
    }

    #[test]
    fn target_references_choose_gateways_and_waypoints() {
        let target = |kind: &str, name: &str| {
            Attachment::Targets(vec![TargetRef {
                group: String::new(),
                kind: kind.to_owned(),
                name: name.to_owned(),
            }])
        };
        let gateway = workload(ProxyKind::Gateway);
        let waypoint = workload(ProxyKind::Waypoint);
        assert!(target("Gateway", "gw").attaches("shop", "root", &gateway, Some("gw")));
        assert!(!target("Gateway", "gw").attaches("shop", "root", &gateway, Some("other")));
        assert!(!target("Gateway", "gw").attaches(
            "shop",
            "root",
            &workload(ProxyKind::Sidecar),
            Some("gw")
        ));
        assert!(target("GatewayClass", "istio-waypoint").attaches("root", "root", &waypoint, None));
        assert!(
            !target("GatewayClass", "istio-waypoint").attaches("shop", "root", &waypoint, None)
        );
        assert!(!selector(&[]).attaches("shop", "root", &waypoint, None));
    }
}
