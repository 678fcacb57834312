//! Services and proxies for tests.

use serde_json::{Value, json};
use sluice_policy::json::Node;
use sluice_policy::resource::VIRTUAL_SERVICE;
use sluice_policy::{Diagnostics, Resource, Workload};

use crate::{Proxy, VirtualService};

/// A VirtualService of namespace `n`.
pub(crate) fn service(spec: &Value, diagnostics: &mut Diagnostics) -> Option<VirtualService> {
    let resource = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "s", "namespace": "n"}, "spec": spec,
    });
    let node = Node::new(&resource, "resources[0]");
    let resource = Resource::read(&node, &[&VIRTUAL_SERVICE], diagnostics)?;
    VirtualService::read(&resource, diagnostics)
}

/// Services that are right.
pub(crate) fn services(specs: &[Value]) -> Vec<VirtualService> {
    let mut diagnostics = Diagnostics::new();
    let services = specs
        .iter()
        .filter_map(|spec| service(spec, &mut diagnostics))
        .collect();
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    services
}

/// The sidecar of a workload with the label `app: a`.
pub(crate) fn proxy(namespace: &str) -> Proxy {
    let mut workload = Workload {
        namespace: namespace.into(),
        ..Workload::default()
    };
    workload.labels.insert("app".into(), "a".into());
    Proxy::new(workload, Vec::new())
}
