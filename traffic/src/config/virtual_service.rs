//! A whole VirtualService.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, Resource};

use super::http_route::{self, HttpRoute};

/// One VirtualService.
#[derive(Debug, Clone)]
pub struct VirtualService {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `metadata.creationTimestamp`: the older of two is the lesser text.
    pub created: Box<str>,
    /// `hosts`, as they are named.
    pub hosts: Vec<Box<str>>,
    /// `gateways`, as they are named; `mesh` if there are none.
    pub gateways: Vec<Box<str>>,
    /// `exportTo`.
    pub export_to: Vec<Box<str>>,
    /// `http`.
    pub http: Vec<HttpRoute>,
}

/// What stands for the sidecars among gateways.
pub const MESH_GATEWAY: &str = "mesh";

impl VirtualService {
    /// Reads the resource; a field that is wrong is left empty, and there is an error.
    pub fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let metadata = &resource.metadata;
        let Some(spec) = &resource.spec else {
            let path = format!("{}.spec", resource.path);
            diagnostics.error(DiagnosticCode::MissingKey, &path, "nothing", "a value");
            return None;
        };
        let mut object = spec.object(diagnostics)?;
        let hosts = object.require("hosts", diagnostics);
        let gateways = texts(object.take("gateways"), diagnostics);
        let export_to = texts(object.take("exportTo"), diagnostics);
        let http = object.take("http");
        for key in ["tls", "tcp"] {
            if let Some(node) = object.take(key) {
                diagnostics.warning(
                    DiagnosticCode::LeftToEnvoy,
                    node.path(),
                    "routes of connections",
                    "routes of requests: a filter of requests sees no others",
                );
            }
        }
        object.finish(diagnostics);
        Some(Self {
            name: metadata.name.into(),
            namespace: metadata.namespace.unwrap_or_default().into(),
            created: metadata.created.unwrap_or_default().into(),
            hosts: read_hosts(hosts, diagnostics),
            gateways: match gateways.is_empty() {
                true => vec![MESH_GATEWAY.into()],
                false => gateways,
            },
            export_to,
            http: routes(http, diagnostics),
        })
    }
}

fn read_hosts(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let Some(node) = node else { return Vec::new() };
    let items = node.some_items(diagnostics).unwrap_or_default();
    let mut hosts = Vec::new();
    for item in items {
        let Some(host) = item.text(diagnostics) else {
            continue;
        };
        let name = host.strip_prefix("*.").unwrap_or(host);
        if host != "*" && (name.contains('*') || name.is_empty()) {
            let expected = "a host, perhaps with `*.` in front, or `*`";
            item.error(DiagnosticCode::InvalidWildcard, expected, diagnostics);
        }
        hosts.push(host.to_ascii_lowercase().into());
    }
    hosts
}

/// A list of texts that may be left out.
pub(super) fn texts(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let texts = node.and_then(|node| node.texts(diagnostics));
    let texts = texts.unwrap_or_default().into_iter();
    texts.map(|(text, _)| text.into()).collect()
}

fn routes(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<HttpRoute> {
    let items = node.and_then(|node| node.items(diagnostics));
    let mut routes = Vec::new();
    for item in items.unwrap_or_default() {
        routes.extend(http_route::read(&item, diagnostics));
    }
    routes
}
