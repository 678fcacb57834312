//! A whole VirtualService.

use std::sync::Arc;

use sluice_policy::diagnostic::quote;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, Resource, field};

use super::http_route::{self, HttpRoute};
use super::unreachable::Taken;

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
    pub http: Vec<Arc<HttpRoute>>,
    /// Where its `spec` stands.
    pub path: Box<str>,
}

/// What stands for the sidecars among gateways.
pub const MESH_GATEWAY: &str = "mesh";

impl VirtualService {
    /// Reads the resource; a field that is wrong is left empty, and there is an error.
    pub fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let metadata = &resource.metadata;
        let spec = resource.require_spec(diagnostics)?;
        let mut object = spec.object(diagnostics)?;
        let hosts = object.take("hosts");
        let gateways = read_gateways(object.take("gateways"), diagnostics);
        let export_to = texts(object.take("exportTo"), diagnostics);
        let http = object.take("http");
        let others = ["tls", "tcp"].map(|key| object.take(key));
        if http.is_none() && others.iter().all(Option::is_none) {
            let expected = "http, tls or tcp";
            let code = DiagnosticCode::MissingKey;
            diagnostics.error(code, spec.path(), "none of them", expected);
        }
        for node in others.into_iter().flatten() {
            diagnostics.warning(
                DiagnosticCode::LeftToEnvoy,
                node.path(),
                "routes of connections",
                "routes of requests: a filter of requests sees no others",
            );
        }
        object.finish(diagnostics);
        Some(Self {
            name: metadata.name.into(),
            namespace: metadata.namespace.unwrap_or_default().into(),
            created: metadata.created.unwrap_or_default().into(),
            hosts: read_hosts(hosts.as_ref(), spec.path(), diagnostics),
            gateways: match gateways.is_empty() {
                true => vec![MESH_GATEWAY.into()],
                false => gateways,
            },
            export_to,
            http: routes(http, diagnostics),
            path: spec.path().into(),
        })
    }
}

/// One without hosts is a part of others, which name it as their `delegate`.
fn read_hosts(node: Option<&Node<'_>>, spec: &str, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let items = match node {
        Some(node) => match node.items(diagnostics) {
            Some(items) => items,
            None => return Vec::new(),
        },
        None => Vec::new(),
    };
    if items.is_empty() {
        let expected =
            "hosts: without them it is a delegate, and a filter sees one resource at a time";
        let code = DiagnosticCode::NotPossibleInWasm;
        diagnostics.error(code, spec, "no host", expected);
    }
    let mut hosts: Vec<Box<str>> = Vec::new();
    for item in items {
        let Some(host) = field::host_or_address(&item, diagnostics) else {
            continue;
        };
        let host = host.to_ascii_lowercase();
        if hosts.iter().any(|other| overlap(other, &host)) {
            let expected = "a host that none of the others takes in";
            item.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
        }
        hosts.push(host.into());
    }
    hosts
}

/// Whether there are names that both hosts take.
fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_prefix('*'), other.strip_prefix('*')) {
        (None, None) => one == other,
        (Some(one), None) => other.ends_with(one),
        (None, Some(other)) => one.ends_with(other),
        (Some(one), Some(other)) => one.ends_with(other) || other.ends_with(one),
    }
}

/// `mesh`, `NAME` or `NAMESPACE/NAME`. An older form, `NAME.NAMESPACE`, is one that Istio
/// warns of, and no gateway is known by here.
fn read_gateways(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    const EXPECTED: &str = "NAMESPACE/NAME of a Gateway, a NAME, or \"mesh\"";
    let texts = node.and_then(|node| node.texts(diagnostics));
    let mut gateways = Vec::new();
    for (text, node) in texts.unwrap_or_default() {
        let name = |part: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            !part.is_empty() && part.bytes().all(is_letter)
        };
        let is_right = match text.split_once('/') {
            Some((namespace, own)) => name(namespace) && name(own),
            None => name(text),
        };
        if !is_right {
            node.error(DiagnosticCode::InvalidGateway, EXPECTED, diagnostics);
        } else if !text.contains('/') && text.contains('.') {
            let code = DiagnosticCode::InvalidGateway;
            diagnostics.warning(code, node.path(), quote(text), EXPECTED);
        }
        gateways.push(text.into());
    }
    gateways
}

/// A list of texts that may be left out.
pub(super) fn texts(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let texts = node.and_then(|node| node.texts(diagnostics));
    let texts = texts.unwrap_or_default().into_iter();
    texts.map(|(text, _)| text.into()).collect()
}

fn routes(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Arc<HttpRoute>> {
    let items = node.and_then(|node| node.items(diagnostics));
    let mut routes = Vec::new();
    let mut taken = Taken::default();
    for item in items.unwrap_or_default() {
        let route = http_route::read(&item, diagnostics).map(Arc::new);
        if let Some(route) = &route {
            taken.add(&item, &route.matches, diagnostics);
        }
        routes.extend(route);
    }
    routes
}
