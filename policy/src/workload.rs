//! The workload whose proxy runs the filter: decides which policies apply.

use crate::diagnostic::Diagnostics;
use crate::json::Node;
use crate::labels::Labels;

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

/// The kinds by their names in `workload.kind`.
pub const PROXY_KINDS: [(&str, ProxyKind); 3] = [
    ("sidecar", ProxyKind::Sidecar),
    ("gateway", ProxyKind::Gateway),
    ("waypoint", ProxyKind::Waypoint),
];

/// A service that a waypoint stands before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `Service` or `ServiceEntry`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// Facts about the workload, from Envoy's node metadata or from configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Kubernetes namespace (`NAMESPACE` in node metadata).
    pub namespace: String,
    /// Pod labels (`LABELS` in node metadata).
    pub labels: Labels,
    /// Kind of proxy.
    pub kind: ProxyKind,
    /// Name of the Gateway that this proxy implements, if it does.
    pub gateway: Option<String>,
    /// Services that a waypoint stands before.
    pub services: Vec<Service>,
}

impl Workload {
    /// Reads the option `workload`, for proxies without Istio's node metadata.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let namespace = object.require("namespace", diagnostics);
        let labels = object.take("labels");
        let kind = object.take("kind");
        let gateway = object.take("gateway");
        let services = object.take("services");
        object.finish(diagnostics);
        let labels = labels.map_or(Some(Vec::new()), |labels| labels.string_map(diagnostics))?;
        let mut by_name = Labels::default();
        for (key, value) in labels {
            by_name.insert(key.to_owned(), value.to_owned());
        }
        Some(Self {
            namespace: namespace?.text(diagnostics)?.to_owned(),
            labels: by_name,
            kind: kind.map_or(Some(ProxyKind::default()), |kind| {
                kind.one_of(&PROXY_KINDS, diagnostics)
            })?,
            gateway: gateway.map_or(Some(None), |name| {
                name.text(diagnostics).map(|name| Some(name.to_owned()))
            })?,
            services: services.map_or(Some(Vec::new()), |services| {
                read_services(&services, diagnostics)
            })?,
        })
    }
}

fn read_services(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Service>> {
    let nodes = node.items(diagnostics)?;
    // Every service is read before the first failure counts: all errors in one pass.
    let services: Vec<Option<Service>> = nodes
        .iter()
        .map(|node| read_service(node, diagnostics))
        .collect();
    services.into_iter().collect()
}

fn read_service(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Service> {
    let mut object = node.object(diagnostics)?;
    let kind = object.take("kind");
    let name = object.require("name", diagnostics);
    let namespace = object.require("namespace", diagnostics);
    object.finish(diagnostics);
    let kinds = [("Service", "Service"), ("ServiceEntry", "ServiceEntry")];
    Some(Service {
        kind: kind
            .map_or(Some("Service"), |kind| kind.one_of(&kinds, diagnostics))?
            .to_owned(),
        name: name?.text(diagnostics)?.to_owned(),
        namespace: namespace?.text(diagnostics)?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_workload_is_read_in_full() {
        let value = json!({
            "namespace": "n", "labels": {"app": "a"}, "kind": "waypoint", "gateway": "g",
            "services": [{"name": "s", "namespace": "n"}],
        });
        let mut diagnostics = Diagnostics::default();
        let workload = Workload::read(&Node::new(&value, "workload"), &mut diagnostics).unwrap();
        assert!(diagnostics.is_empty());
        assert_eq!(workload.kind, ProxyKind::Waypoint);
        assert_eq!(workload.gateway.as_deref(), Some("g"));
        assert_eq!(workload.labels.get("app").unwrap(), "a");
        assert_eq!(workload.services[0].kind, "Service");
    }

    #[test]
    fn a_workload_without_namespace_or_with_unknown_parts_is_refused() {
        for value in [
            json!({}),
            json!({"namespace": ""}),
            json!({"namespace": "n", "label": {}}),
            json!({"namespace": "n", "kind": "pod"}),
            json!({"namespace": "n", "services": [{"name": "s"}]}),
        ] {
            let mut diagnostics = Diagnostics::default();
            Workload::read(&Node::new(&value, "workload"), &mut diagnostics);
            assert!(diagnostics.has_errors(), "{value}");
        }
    }
}
