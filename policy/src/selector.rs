//! Where a resource applies: selectors and target references.

use std::collections::BTreeMap;

use crate::diagnostic::{DiagnosticCode, Diagnostics, describe, quote, suggest};
use crate::json::{Node, Object, one_of};
use crate::workload::{ProxyKind, Workload};

/// Most references in one list (the API's limit).
const MOST_REFERENCES: usize = 16;
/// Longest label value (Kubernetes' limit), in bytes.
const LONGEST_LABEL: usize = 63;

/// What policies can be attached to: group, kind.
const TARGET_KINDS: [(&str, &str); 4] = [
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

/// `selector`, `targetRef` and `targetRefs` of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Labels that a workload must have.
    pub labels: BTreeMap<String, String>,
    /// Objects, any of which is enough; empty when the resource uses a selector.
    pub targets: Vec<TargetRef>,
}

impl Attachment {
    /// Reads the three fields of a `spec`.
    pub fn read(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Self {
        let selector = spec.take("selector");
        let target = spec.take("targetRef");
        let targets = spec.take("targetRefs");
        let given: Vec<&Node<'_>> = [&selector, &target, &targets]
            .into_iter()
            .flatten()
            .collect();
        if let [_, second, ..] = given.as_slice() {
            let expected = "only one of selector, targetRef and targetRefs";
            second.error(DiagnosticCode::ConflictingTargets, expected, diagnostics);
        }
        let mut attachment = Self::default();
        if let Some(node) = &selector {
            attachment.labels = labels(node, diagnostics);
        }
        if let Some(node) = &target {
            attachment.targets.extend(target_ref(node, diagnostics));
        }
        if let Some(node) = &targets {
            attachment.targets.extend(target_refs(node, diagnostics));
        }
        attachment
    }

    /// Whether a resource of `namespace` with this attachment applies to
    /// `workload` in a mesh with that root namespace.
    ///
    /// Sidecars ignore resources with target references, and waypoints those
    /// without (semantics of Istio 1.24 and later).
    pub fn applies_to(&self, namespace: &str, workload: &Workload, root_namespace: &str) -> bool {
        if self.targets.is_empty() {
            return workload.kind != ProxyKind::Waypoint
                && (namespace == workload.namespace || namespace == root_namespace)
                && self.selects(workload);
        }
        workload.kind != ProxyKind::Sidecar
            && self
                .targets
                .iter()
                .any(|target| target.names(namespace, workload, root_namespace))
    }

    /// Whether the labels of `workload` satisfy the selector.
    pub fn selects(&self, workload: &Workload) -> bool {
        self.labels
            .iter()
            .all(|(key, value)| workload.labels.get(key) == Some(value))
    }
}

impl TargetRef {
    fn names(&self, namespace: &str, workload: &Workload, root_namespace: &str) -> bool {
        match self.kind.as_str() {
            "GatewayClass" => {
                workload.kind == ProxyKind::Waypoint
                    && self.name == WAYPOINT_CLASS
                    && namespace == root_namespace
            }
            "Gateway" => {
                namespace == workload.namespace
                    && workload.gateway.as_deref() == Some(self.name.as_str())
            }
            _ => workload.services.iter().any(|service| {
                service.kind == self.kind
                    && service.name == self.name
                    && service.namespace == namespace
            }),
        }
    }
}

fn labels(node: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<String, String> {
    let Some(mut selector) = node.object(diagnostics) else {
        return BTreeMap::new();
    };
    let matched = selector.take("matchLabels");
    selector.finish(diagnostics);
    let Some(matched) = matched else {
        warn_of_everything(node, diagnostics);
        return BTreeMap::new();
    };
    let pairs = matched.string_map(diagnostics).unwrap_or_default();
    if pairs.is_empty() {
        warn_of_everything(&matched, diagnostics);
    }
    for (key, value) in &pairs {
        check_label(&matched, key, value, diagnostics);
    }
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn warn_of_everything(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let expected = "labels; without any, every workload is selected";
    diagnostics.warning(
        DiagnosticCode::MatchesEverything,
        node.path(),
        describe(node.value()),
        expected,
    );
}

fn check_label(node: &Node<'_>, key: &str, value: &str, diagnostics: &mut Diagnostics) {
    let mut complain = |code, found: &str, expected: &str| {
        diagnostics.error(code, node.path(), quote(found), expected);
    };
    if key.is_empty() {
        complain(
            DiagnosticCode::InvalidSelector,
            key,
            "a label key that is not empty",
        );
    }
    if key.contains('*') {
        complain(
            DiagnosticCode::InvalidSelector,
            key,
            "a label key without wildcard",
        );
    }
    if value.contains('*') {
        complain(
            DiagnosticCode::InvalidSelector,
            value,
            "a label value without wildcard",
        );
    }
    if value.len() > LONGEST_LABEL {
        complain(
            DiagnosticCode::InvalidSelector,
            value,
            "a label value of at most 63 bytes",
        );
    }
}

fn target_refs(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<TargetRef> {
    let nodes = node.items(diagnostics).unwrap_or_default();
    if nodes.len() > MOST_REFERENCES {
        node.error(
            DiagnosticCode::TooMany,
            format!("at most {MOST_REFERENCES} references"),
            diagnostics,
        );
    }
    nodes
        .iter()
        .filter_map(|node| target_ref(node, diagnostics))
        .collect()
}

fn target_ref(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<TargetRef> {
    let mut object = node.object(diagnostics)?;
    let group = object.take("group").map(|group| group.string(diagnostics));
    let kind = object.require("kind", diagnostics);
    let name = object.require("name", diagnostics);
    let namespace = object.take("namespace");
    object.finish(diagnostics);
    if let Some(namespace) = namespace
        && namespace
            .string(diagnostics)
            .is_some_and(|namespace| !namespace.is_empty())
    {
        let expected = "no namespace: a policy attaches to objects of its own only";
        namespace.error(DiagnosticCode::InvalidTargetRef, expected, diagnostics);
    }
    let name = name?.text(diagnostics)?;
    let kind_node = kind?;
    let kind = kind_node.text(diagnostics)?;
    check_kind(
        &kind_node,
        group.flatten().unwrap_or_default(),
        kind,
        diagnostics,
    );
    Some(TargetRef {
        kind: kind.to_owned(),
        name: name.to_owned(),
    })
}

fn check_kind(node: &Node<'_>, group: &str, kind: &str, diagnostics: &mut Diagnostics) {
    // Kubernetes calls its own group both "" and "core".
    let group = if group == "core" { "" } else { group };
    if TARGET_KINDS.contains(&(group, kind)) {
        return;
    }
    let names: Vec<String> = TARGET_KINDS
        .iter()
        .map(|(group, kind)| qualified(group, kind))
        .collect();
    let found = qualified(group, kind);
    let names = || names.iter().map(String::as_str);
    diagnostics
        .error(
            DiagnosticCode::InvalidTargetRef,
            node.path(),
            quote(&found),
            one_of(names()),
        )
        .help = suggest(&found, names());
}

fn qualified(group: &str, kind: &str) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{group}/{kind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Service;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(spec: &Value) -> (Attachment, Vec<DiagnosticCode>) {
        let mut diagnostics = Diagnostics::default();
        let mut object = Node::new(spec, "spec").object(&mut diagnostics).unwrap();
        let attachment = Attachment::read(&mut object, &mut diagnostics);
        (
            attachment,
            diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code)
                .collect(),
        )
    }

    fn gateway_ref(kind: &str, name: &str) -> Attachment {
        Attachment {
            targets: vec![TargetRef {
                kind: kind.into(),
                name: name.into(),
            }],
            ..Attachment::default()
        }
    }

    #[test]
    fn a_selector_needs_all_of_its_labels() {
        let (attachment, codes) =
            read(&json!({"selector": {"matchLabels": {"app": "a", "v": "1"}}}));
        assert_eq!(codes, []);
        let mut workload = Workload {
            namespace: "n".into(),
            ..Workload::default()
        };
        workload.labels.insert("app".into(), "a".into());
        assert!(!attachment.applies_to("n", &workload, "root"));
        workload.labels.insert("v".into(), "1".into());
        assert!(attachment.applies_to("n", &workload, "root"));
        assert!(attachment.applies_to("root", &workload, "root"));
        assert!(!attachment.applies_to("other", &workload, "root"));
    }

    #[test]
    fn odd_labels_are_refused() {
        use DiagnosticCode as C;
        let long = "x".repeat(64);
        for (labels, code) in [
            (json!({"": "x"}), C::InvalidSelector),
            (json!({"a*": "x"}), C::InvalidSelector),
            (json!({"a": "x*"}), C::InvalidSelector),
            (json!({"a": long}), C::InvalidSelector),
            (json!({"a": 1}), C::WrongType),
        ] {
            let (_, codes) = read(&json!({"selector": {"matchLabels": labels}}));
            assert!(codes.contains(&code), "{labels}: {codes:?}");
        }
        assert_eq!(read(&json!({"selector": {}})).1, [C::MatchesEverything]);
        assert_eq!(
            read(&json!({"selector": {"matchLabel": {}}})).1,
            [C::UnknownKey, C::MatchesEverything]
        );
    }

    #[test]
    fn only_one_way_of_attaching_is_allowed() {
        let target = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"});
        let (_, codes) =
            read(&json!({"selector": {"matchLabels": {"a": "b"}}, "targetRef": target}));
        assert_eq!(codes, [DiagnosticCode::ConflictingTargets]);
        let (_, codes) = read(&json!({"targetRef": target, "targetRefs": [target]}));
        assert_eq!(codes, [DiagnosticCode::ConflictingTargets]);
    }

    #[test]
    fn references_to_anything_else_are_refused() {
        use DiagnosticCode as C;
        for (target, code) in [
            (json!({"kind": "Gateway", "name": "g"}), C::InvalidTargetRef),
            (
                json!({"group": "core", "kind": "Pod", "name": "g"}),
                C::InvalidTargetRef,
            ),
            (json!({"kind": "Service", "name": ""}), C::EmptyValue),
            (json!({"kind": "Service"}), C::MissingKey),
            (json!({"name": "x"}), C::MissingKey),
            (
                json!({"kind": "Service", "name": "x", "namespace": "y"}),
                C::InvalidTargetRef,
            ),
        ] {
            assert_eq!(read(&json!({"targetRef": target})).1, [code], "{target}");
        }
        let many: Vec<_> = (0..17)
            .map(|_| json!({"kind": "Service", "name": "x"}))
            .collect();
        assert_eq!(read(&json!({"targetRefs": many})).1, [C::TooMany]);
        assert_eq!(
            read(&json!({"targetRef": {"group": "core", "kind": "Service", "name": "x"}})).1,
            []
        );
    }

    #[test]
    fn sidecars_ignore_references_and_waypoints_selectors() {
        let everything = Attachment::default();
        let mut workload = Workload {
            namespace: "n".into(),
            gateway: Some("g".into()),
            ..Workload::default()
        };
        assert!(everything.applies_to("n", &workload, "root"));
        assert!(!gateway_ref("Gateway", "g").applies_to("n", &workload, "root"));
        workload.kind = ProxyKind::Waypoint;
        assert!(!everything.applies_to("n", &workload, "root"));
        assert!(gateway_ref("Gateway", "g").applies_to("n", &workload, "root"));
        assert!(!gateway_ref("Gateway", "other").applies_to("n", &workload, "root"));
        assert!(!gateway_ref("Gateway", "g").applies_to("other", &workload, "root"));
        workload.kind = ProxyKind::Gateway;
        assert!(gateway_ref("Gateway", "g").applies_to("n", &workload, "root"));
        assert!(everything.applies_to("n", &workload, "root"));
    }

    #[test]
    fn a_class_in_the_root_namespace_is_every_waypoint() {
        let class = gateway_ref("GatewayClass", "istio-waypoint");
        let mut workload = Workload {
            namespace: "n".into(),
            kind: ProxyKind::Waypoint,
            ..Workload::default()
        };
        assert!(class.applies_to("root", &workload, "root"));
        assert!(!class.applies_to("n", &workload, "root"));
        workload.kind = ProxyKind::Gateway;
        assert!(!class.applies_to("root", &workload, "root"));
    }

    #[test]
    fn a_service_reference_applies_to_the_waypoint_that_serves_it() {
        let service = Service {
            kind: "Service".into(),
            name: "s".into(),
            namespace: "n".into(),
        };
        let workload = Workload {
            namespace: "w".into(),
            kind: ProxyKind::Waypoint,
            services: vec![service],
            ..Workload::default()
        };
        assert!(gateway_ref("Service", "s").applies_to("n", &workload, "root"));
        assert!(!gateway_ref("Service", "s").applies_to("w", &workload, "root"));
        assert!(!gateway_ref("ServiceEntry", "s").applies_to("n", &workload, "root"));
    }
}
