//! Where a resource applies: selectors and target references.

mod placement;
mod target_ref;

pub use placement::demand_placement;
pub use target_ref::TargetRef;

use crate::diagnostic::{DiagnosticCode, Diagnostics, describe, quote};
use crate::json::{Node, Object};
use crate::labels::Labels;
use crate::workload::{ProxyKind, Workload};

/// `selector`, `targetRef` and `targetRefs` of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Labels that a workload must have.
    pub labels: Labels,
    /// Objects, any of which is enough; empty when the resource uses a selector.
    pub targets: Vec<TargetRef>,
}

impl Attachment {
    /// Reads the three fields of a `spec`. A field that is wrong is left empty:
    /// there is an error then, and nothing uses the value.
    pub fn read(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Self {
        Self::read_fields(spec, true, diagnostics)
    }

    /// The same for kinds that never had `targetRef`, which came before `targetRefs`.
    pub fn read_plural(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Self {
        Self::read_fields(spec, false, diagnostics)
    }

    fn read_fields(
        spec: &mut Object<'_>,
        has_singular: bool,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let selector = spec.take("selector");
        let target = has_singular.then(|| spec.take("targetRef")).flatten();
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
        if let Some(labels) = selector.and_then(|node| read_labels(&node, diagnostics)) {
            attachment.labels = labels;
        }
        if let Some(target) = target.and_then(|node| TargetRef::read(&node, diagnostics)) {
            attachment.targets.push(target);
        }
        if let Some(targets) = targets.and_then(|node| target_ref::read_all(&node, diagnostics)) {
            attachment.targets = targets;
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

/// Longest label value (Kubernetes' limit).
const LONGEST_LABEL_BYTES: usize = 63;

/// Reads `matchLabels` of a selector that stands under any key.
pub fn read_labels(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Labels> {
    let mut selector = node.object(diagnostics)?;
    let labels = selector.take("matchLabels");
    selector.finish(diagnostics);
    let entries = labels.map_or(Some(Vec::new()), |labels| labels.entries(diagnostics))?;
    if entries.is_empty() {
        let expected = "labels; without any, every workload is selected";
        diagnostics.warning(
            DiagnosticCode::MatchesEverything,
            node.path(),
            describe(node.value()),
            expected,
        );
    }
    let mut labels = Labels::default();
    for (key, node) in entries {
        if let Some(value) = node.string(diagnostics) {
            check_label(&node, key, value, diagnostics);
            labels.insert(key.to_owned(), value.to_owned());
        }
    }
    Some(labels)
}

fn check_label(node: &Node<'_>, key: &str, value: &str, diagnostics: &mut Diagnostics) {
    let rules = [
        (key.is_empty(), key, "a label key that is not empty"),
        (key.contains('*'), key, "a label key without wildcard"),
        (value.contains('*'), value, "a label value without wildcard"),
        (
            value.len() > LONGEST_LABEL_BYTES,
            value,
            "a label value of at most 63 bytes",
        ),
    ];
    for (_, found, expected) in rules.into_iter().filter(|(is_broken, ..)| *is_broken) {
        diagnostics.error(
            DiagnosticCode::InvalidSelector,
            node.path(),
            quote(found),
            expected,
        );
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
        let longest = "x".repeat(63);
        assert_eq!(
            read(&json!({"selector": {"matchLabels": {"a": longest}}})).1,
            []
        );
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
        let services = |count: usize| vec![json!({"kind": "Service", "name": "x"}); count];
        assert_eq!(read(&json!({"targetRefs": services(16)})).1, []);
        assert_eq!(read(&json!({"targetRefs": services(17)})).1, [C::TooMany]);
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
