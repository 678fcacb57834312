//! The proxy around the plugins: its node, its listener.

use sluice_host::{Attributes, ConnectionManager, LogLevel, Value, World};
use sluice_policy::ProxyKind;

use crate::plugins::Direction;
use crate::workload::WorkloadOption;

/// Builds the world of one worker.
pub fn world(workload: &WorkloadOption, direction: Direction, seed: u64) -> World {
    World {
        seed,
        proxy: proxy_attributes(workload, direction),
        connection_manager: ConnectionManager::default(),
        log_level: LogLevel::Info,
        ..World::default()
    }
}

/// What Istio writes into Envoy's node for this workload, and the listener's direction.
fn proxy_attributes(workload: &WorkloadOption, direction: Direction) -> Attributes {
    // envoy.config.core.v3.TrafficDirection: INBOUND is 1, OUTBOUND 2.
    let direction = match direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
    };
    Attributes::new()
        .with("xds.node", node(workload))
        .with("xds.listener_direction", Value::Int(direction))
}

/// `<type>~<ip>~<pod>.<namespace>~<namespace>.svc.cluster.local`, Istio's node id.
fn node(option: &WorkloadOption) -> Value {
    let namespace = option.workload.namespace.as_str();
    let role = match option.workload.kind {
        ProxyKind::Sidecar => "sidecar",
        ProxyKind::Gateway => "router",
        ProxyKind::Waypoint => "waypoint",
    };
    let name = option.name.clone().unwrap_or_else(|| default_name(option));
    let app = option
        .workload
        .labels
        .get("app")
        .map_or(name.as_str(), String::as_str);
    map([
        (
            "id",
            format!("{role}~127.0.0.1~{name}.{namespace}~{namespace}.svc.cluster.local").into(),
        ),
        ("cluster", format!("{app}.{namespace}").into()),
        ("metadata", metadata(option, &name)),
    ])
}

fn metadata(option: &WorkloadOption, name: &str) -> Value {
    let labels = option
        .workload
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    let mut fields = vec![
        (
            "NAMESPACE".to_owned(),
            option.workload.namespace.as_str().into(),
        ),
        ("NAME".to_owned(), name.into()),
        ("LABELS".to_owned(), Value::Map(labels)),
    ];
    let optional = [
        ("CLUSTER_ID", &option.cluster),
        ("SERVICE_ACCOUNT", &option.service_account),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            fields.push((key.to_owned(), value.as_str().into()));
        }
    }
    Value::Map(fields)
}

/// A pod's name when nobody gave one: what its workload is called.
fn default_name(option: &WorkloadOption) -> String {
    option
        .workload
        .labels
        .get("app")
        .cloned()
        .unwrap_or_else(|| "workload".to_owned())
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_carries_what_policies_attach_to() {
        let workload: WorkloadOption = "namespace=production,app=payment-service".parse().unwrap();
        let attributes = proxy_attributes(&workload, Direction::Inbound);
        let node = attributes.get(b"xds.node").unwrap();
        let metadata = node.member(b"metadata").unwrap();
        assert_eq!(metadata.member(b"NAMESPACE"), Some(&"production".into()));
        assert_eq!(
            metadata.member(b"LABELS").unwrap().member(b"app"),
            Some(&"payment-service".into())
        );
        assert_eq!(
            attributes.get(b"xds.listener_direction"),
            Some(&Value::Int(1))
        );
    }
}
