//! Who runs this proxy, from the node that the control plane gave it.

use sluice_policy::{Labels, ProxyKind, Workload};

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
/// namespace, as outside of Istio, or says something that cannot be read: guessing
/// would leave out the policies that attach by it.
pub(crate) fn workload(host: Host<'_>) -> Option<Workload> {
    let namespace = text(host, "xds\0node\0metadata\0NAMESPACE")??;
    let labels = match host.property("xds\0node\0metadata\0LABELS") {
        Ok(bytes) => pairs::decode(bytes)?,
        Err(HostError::NotFound) => Vec::new(),
        Err(HostError::Failed(_)) => return None,
    };
    let mut by_name = Labels::default();
    for (name, value) in labels {
        by_name.insert(lossy(name), lossy(value));
    }
    Some(Workload {
        namespace,
        gateway: by_name.get(GATEWAY_LABEL).cloned(),
        labels: by_name,
        kind: kind(text(host, "xds\0node\0id")?.as_deref()),
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

/// A text that is there, or is not; `None` when the host cannot say.
fn text(host: Host<'_>, path: &str) -> Option<Option<String>> {
    match host.property(path) {
        Ok([]) | Err(HostError::NotFound) => Some(None),
        Ok(bytes) => Some(Some(lossy(bytes))),
        Err(HostError::Failed(_)) => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{kind, workload};
    use crate::abi::Host;
    use crate::pairs;
    use crate::scripted_host::{INTERNAL_FAILURE, script};
    use sluice_policy::{ProxyKind, Workload};

    const NAMESPACE: &str = "property:xds.node.metadata.NAMESPACE";
    const LABELS: &str = "property:xds.node.metadata.LABELS";
    const ID: &str = "property:xds.node.id";

    fn read(answers: &[(&str, Result<Vec<u8>, u32>)]) -> Option<Workload> {
        script(|host| {
            let answers = answers.iter();
            host.answers = answers
                .map(|(key, answer)| ((*key).to_owned(), answer.clone()))
                .collect();
        });
        Host::enter(workload)
    }

    #[test]
    fn a_node_of_istio_is_read_in_full() {
        let labels = pairs::encode(&[
            (b"app", b"a"),
            (b"gateway.networking.k8s.io/gateway-name", b"g"),
        ]);
        let workload = read(&[
            (NAMESPACE, Ok(b"n".to_vec())),
            (LABELS, Ok(labels)),
            (ID, Ok(b"router~1~2~3".to_vec())),
        ]);
        let workload = workload.unwrap();
        assert_eq!(
            (workload.namespace.as_str(), workload.kind),
            ("n", ProxyKind::Gateway)
        );
        assert_eq!(workload.labels.get("app").unwrap(), "a");
        assert_eq!(workload.gateway.as_deref(), Some("g"));
    }

    #[test]
    fn a_node_without_labels_has_none() {
        let workload = read(&[(NAMESPACE, Ok(b"n".to_vec()))]).unwrap();
        assert!(workload.labels.is_empty());
        assert_eq!(workload.kind, ProxyKind::Sidecar);
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let namespace = (NAMESPACE, Ok(b"n".to_vec()));
        let failed = || Err(INTERNAL_FAILURE);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[(NAMESPACE, Ok(Vec::new()))]), None);
        assert_eq!(read(&[(NAMESPACE, failed())]), None);
        assert_eq!(read(&[namespace.clone(), (LABELS, failed())]), None);
        assert_eq!(
            read(&[namespace.clone(), (LABELS, Ok(b"\x01\0\0\0".to_vec()))]),
            None
        );
        assert_eq!(read(&[namespace, (ID, failed())]), None);
    }

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
