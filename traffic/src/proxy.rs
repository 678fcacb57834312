//! The proxy that the filter runs in, as routes see it.

use sluice_policy::Workload;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, ProxyKind};

use crate::config::{HttpMatch, VirtualService};

/// What stands for the sidecars among gateways.
const MESH: &str = "mesh";

/// A proxy: it takes the routes that Istio's control plane would send to it.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    workload: Workload,
    /// Gateways that it serves, as `NAMESPACE/NAME`, or `mesh`.
    gateways: Vec<Box<str>>,
}

impl Proxy {
    /// A proxy of a workload. Without names of gateways a gateway serves the one that it
    /// implements, and any other proxy is a sidecar's.
    pub fn new(workload: Workload, mut gateways: Vec<Box<str>>) -> Self {
        if gateways.is_empty() {
            gateways.push(match (&workload.gateway, workload.kind) {
                (Some(name), ProxyKind::Gateway) => {
                    [&workload.namespace, "/", name].concat().into()
                }
                _ => MESH.into(),
            });
        }
        Self { workload, gateways }
    }

    /// Reads the option `gateways`: names as in a VirtualService, but with their
    /// namespaces.
    pub fn read_gateways(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
        let mut gateways = Vec::new();
        for (text, node) in node.texts(diagnostics).unwrap_or_default() {
            let is_name = text == MESH
                || text
                    .split_once('/')
                    .is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
            if !is_name {
                let expected = "NAMESPACE/NAME of a Gateway, or \"mesh\"";
                node.error(DiagnosticCode::InvalidGateway, expected, diagnostics);
            }
            gateways.push(text.into());
        }
        gateways
    }

    /// The workload.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Whether it is a sidecar's, and not a gateway.
    pub fn is_in_mesh(&self) -> bool {
        self.gateways.iter().any(|gateway| **gateway == *MESH)
    }

    /// Whether the routes of a service are for it.
    pub fn takes(&self, service: &VirtualService) -> bool {
        let is_exported = match service.export_to.as_slice() {
            [] => true,
            namespaces => namespaces.iter().any(|namespace| match &**namespace {
                "*" => true,
                "." => self.workload.namespace == *service.namespace,
                namespace => self.workload.namespace == namespace,
            }),
        };
        is_exported && self.serves(&service.gateways, &service.namespace)
    }

    /// Whether a match of a service may be for its requests. What says something about
    /// the client counts for no gateway that is named.
    pub(crate) fn takes_match(&self, item: &HttpMatch, service: &VirtualService) -> bool {
        if !item.gateways.is_empty() {
            return self.serves(&item.gateways, &service.namespace);
        }
        let is_there = item
            .source_namespace
            .as_ref()
            .is_none_or(|namespace| self.workload.namespace == **namespace);
        let labels = &self.workload.labels;
        let mut wanted = item.source_labels.iter();
        is_there && wanted.all(|(key, value)| labels.get(key) == Some(value))
    }

    fn serves(&self, gateways: &[Box<str>], namespace: &str) -> bool {
        gateways.iter().any(|gateway| {
            let is_whole = gateway.contains('/') || **gateway == *MESH;
            self.gateways.iter().any(|served| match is_whole {
                true => served == gateway,
                false => served.split_once('/') == Some((namespace, gateway)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn gateways_are_named_with_their_namespaces() {
        let read = |names: &Value| {
            let mut diagnostics = Diagnostics::new();
            let gateways = Proxy::read_gateways(&Node::new(names, "gateways"), &mut diagnostics);
            let found = diagnostics
                .iter()
                .map(|found| (found.code, found.path.clone()));
            (gateways, found.collect::<Vec<_>>())
        };
        let (gateways, found) = read(&json!(["mesh", "istio-system/public"]));
        assert_eq!(gateways, ["mesh".into(), "istio-system/public".into()]);
        assert_eq!(found, []);
        for name in ["public", "/public", "istio-system/", "/"] {
            let (_, found) = read(&json!(["mesh", name]));
            let expected = (DiagnosticCode::InvalidGateway, "gateways[1]".to_owned());
            assert_eq!(found, [expected], "{name}");
        }
    }
}
