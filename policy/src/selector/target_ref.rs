//! References to the objects that a policy attaches to.

use crate::diagnostic::{DiagnosticCode, Diagnostics, quote, suggest};
use crate::json::{Node, one_of};
use crate::workload::{ProxyKind, Workload};

/// Most references in one list (the API's limit).
const MOST_REFERENCES: usize = 16;

/// What policies can be attached to: group, kind.
const KINDS: [(&str, &str); 4] = [
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
];

/// The class whose policies apply to every waypoint.
const WAYPOINT_CLASS: &str = "istio-waypoint";

/// An object that a policy is attached to, in the policy's own namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetRef {
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
}

impl TargetRef {
    /// Reads one reference.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let group = object.take("group");
        let kind = object.require("kind", diagnostics);
        let name = object.require("name", diagnostics);
        let namespace = object.take("namespace");
        object.finish(diagnostics);
        if let Some(namespace) = namespace {
            refuse_namespace(&namespace, diagnostics);
        }
        let group = group.map_or(Some(""), |group| group.string(diagnostics));
        let name = name.and_then(|name| name.text(diagnostics));
        let kind = read_kind(group?, &kind?, diagnostics)?;
        Some(Self {
            kind: kind.to_owned(),
            name: name?.to_owned(),
        })
    }

    /// Whether a policy of `namespace` with this reference applies to the
    /// workload, which is no sidecar.
    pub(super) fn names(&self, namespace: &str, workload: &Workload, root_namespace: &str) -> bool {
        match self.kind.as_str() {
            "GatewayClass" => {
                workload.kind == ProxyKind::Waypoint
                    && self.name == WAYPOINT_CLASS
                    && namespace == root_namespace
            }
            "Gateway" => {
                namespace == workload.namespace && workload.gateway.as_ref() == Some(&self.name)
            }
            _ => workload.services.iter().any(|service| {
                service.kind == self.kind
                    && service.name == self.name
                    && service.namespace == namespace
            }),
        }
    }
}

/// Reads `targetRefs`; `None` if one of them could not be read.
pub(super) fn read_all(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<TargetRef>> {
    let nodes = node.items(diagnostics)?;
    if nodes.len() > MOST_REFERENCES {
        let expected = format!("at most {MOST_REFERENCES} references");
        node.error(DiagnosticCode::TooMany, expected, diagnostics);
    }
    // Every one is read before the first failure counts: all errors in one pass.
    let targets: Vec<_> = nodes
        .iter()
        .map(|node| TargetRef::read(node, diagnostics))
        .collect();
    targets.into_iter().collect()
}

fn refuse_namespace(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if node
        .string(diagnostics)
        .is_some_and(|namespace| !namespace.is_empty())
    {
        let expected = "no namespace: a policy attaches to objects of its own only";
        node.error(DiagnosticCode::InvalidTargetRef, expected, diagnostics);
    }
}

fn read_kind<'v>(group: &str, node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let kind = node.text(diagnostics)?;
    // Kubernetes calls its own group both "" and "core".
    let group = if group == "core" { "" } else { group };
    if KINDS.contains(&(group, kind)) {
        return Some(kind);
    }
    let known = KINDS.map(|(group, kind)| qualified(group, kind));
    let found = qualified(group, kind);
    let expected = one_of(known.iter().map(String::as_str));
    let help = suggest(&found, known.iter().map(String::as_str));
    diagnostics
        .error(
            DiagnosticCode::InvalidTargetRef,
            node.path(),
            quote(&found),
            expected,
        )
        .help = help;
    None
}

fn qualified(group: &str, kind: &str) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{group}/{kind}")
    }
}
