//! Who runs this proxy, from the node that the control plane gave it.

use std::collections::BTreeMap;

use sluice_policy::{ProxyKind, Workload};

use crate::abi::{Host, HostError};
use crate::pairs;

/// Istio's node ids begin with the kind of proxy: `sidecar~10.0.0.7~pod.ns~…`.
const KINDS: [(&str, ProxyKind); 3] = [
    ("sidecar", ProxyKind::Sidecar),
    ("router", ProxyKind::Gateway),
    ("waypoint", ProxyKind::Waypoint),
];

/// The label by which Kubernetes and Istio name the Gateway that a pod implements.
const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// Namespace, labels and kind of the workload; `None` when the node says no
/// namespace, as outside of Istio, or says labels that cannot be read: guessing
/// would leave out the policies that select by them.
pub(crate) fn workload(host: Host<'_>) -> Option<Workload> {
    let namespace = text(host, "xds\0node\0metadata\0NAMESPACE")?;
    let labels = match host.property("xds\0node\0metadata\0LABELS") {
        Ok(bytes) => pairs::decode(bytes)?,
        Err(HostError::NotFound) => Vec::new(),
        Err(HostError::Failed(_)) => return None,
    };
    let mut by_name = BTreeMap::new();
    for (name, value) in labels {
        by_name.insert(lossy(name), lossy(value));
    }
    Some(Workload {
        namespace,
        gateway: by_name.get(GATEWAY_LABEL).cloned(),
        labels: by_name,
        kind: kind(text(host, "xds\0node\0id").as_deref()),
        // Istio's node metadata does not list the services of a waypoint.
        services: Vec::new(),
    })
}

fn kind(node_id: Option<&str>) -> ProxyKind {
    let prefix = node_id
        .and_then(|id| id.split_once('~'))
        .map(|(prefix, _)| prefix);
    KINDS
        .iter()
        .find(|(name, _)| Some(*name) == prefix)
        .map_or(ProxyKind::default(), |(_, kind)| *kind)
}

fn text(host: Host<'_>, path: &str) -> Option<String> {
    match host.property(path) {
        Ok(bytes) if !bytes.is_empty() => Some(lossy(bytes)),
        _ => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::kind;
    use sluice_policy::ProxyKind;

    #[test]
    fn the_node_id_tells_the_kind_of_proxy() {
        assert_eq!(
            kind(Some("router~10.0.0.1~gw.istio-system~x")),
            ProxyKind::Gateway
        );
        assert_eq!(kind(Some("waypoint~10.0.0.1~w.ns~x")), ProxyKind::Waypoint);
        assert_eq!(kind(Some("sidecar~10.0.0.1~a.ns~x")), ProxyKind::Sidecar);
        assert_eq!(kind(Some("envoy-1")), ProxyKind::Sidecar);
        assert_eq!(kind(None), ProxyKind::Sidecar);
    }
}
