//! Istio resources as users write them.

mod kind;
mod metadata;

pub use kind::{
    AUTHORIZATION_POLICY, CANARY_GUARD, DESTINATION_RULE, Kind, PEER_AUTHENTICATION,
    REQUEST_AUTHENTICATION, STICKY_SPLIT, VIRTUAL_SERVICE,
};
pub use metadata::Metadata;

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::Node;

/// One resource: what every kind has, and its `spec`.
#[derive(Debug, Clone)]
pub struct Resource<'v> {
    /// Where it stands.
    pub path: String,
    /// `kind`.
    pub kind: &'static Kind,
    /// `metadata`.
    pub metadata: Metadata<'v>,
    /// `spec`; `None` when it is missing or null.
    pub spec: Option<Node<'v>>,
}

impl<'v> Resource<'v> {
    /// The `spec` of a kind that means nothing without one.
    pub fn require_spec(&self, diagnostics: &mut Diagnostics) -> Option<&Node<'v>> {
        if self.spec.is_none() {
            let path = format!("{}.spec", self.path);
            diagnostics.error(DiagnosticCode::MissingKey, &path, "nothing", "a value");
        }
        self.spec.as_ref()
    }

    /// Reads one resource of any of `kinds`.
    pub fn read(
        node: &Node<'v>,
        kinds: &[&'static Kind],
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let api_version = object.require("apiVersion", diagnostics);
        let kind = object.require("kind", diagnostics);
        // Of a kind that is not known, no other key is either.
        let kind = kind::read(&kind?, kinds, diagnostics)?;
        let metadata = object.require("metadata", diagnostics);
        let spec = object.take("spec");
        object.ignore(&["status"]);
        object.finish(diagnostics);
        kind.check_api_version(api_version.as_ref(), diagnostics);
        let metadata = Metadata::read(&metadata?, diagnostics)?;
        Some(Self {
            path: node.path().to_owned(),
            kind,
            metadata,
            spec,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const KINDS: [&Kind; 2] = [&AUTHORIZATION_POLICY, &PEER_AUTHENTICATION];

    fn policy() -> Value {
        json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
               "metadata": {"name": "a", "namespace": "n"}, "spec": {}})
    }

    fn changed(key: &str, value: Value) -> Vec<(String, DiagnosticCode)> {
        let mut resource = policy();
        resource[key] = value;
        let mut diagnostics = Diagnostics::new();
        Resource::read(
            &Node::new(&resource, "resources[0]"),
            &KINDS,
            &mut diagnostics,
        );
        diagnostics
            .iter()
            .map(|finding| (finding.path.clone(), finding.code))
            .collect()
    }

    #[test]
    fn a_resource_from_a_cluster_is_taken_verbatim() {
        let mut resource = policy();
        resource["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
        resource["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        resource["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
        resource["metadata"]["resourceVersion"] = json!("1");
        resource["status"] = json!({"conditions": []});
        let mut diagnostics = Diagnostics::new();
        let resource = Resource::read(
            &Node::new(&resource, "resources[0]"),
            &KINDS,
            &mut diagnostics,
        )
        .unwrap();
        assert_eq!(diagnostics.to_string(), "");
        assert_eq!(resource.kind, &AUTHORIZATION_POLICY);
        assert_eq!(
            (resource.metadata.name, resource.metadata.namespace),
            ("a", Some("n"))
        );
        assert_eq!(
            resource.metadata.annotation("istio.io/dry-run"),
            Some("true")
        );
        assert_eq!(resource.metadata.created, Some("2026-01-01T00:00:00Z"));
        assert_eq!(resource.spec.unwrap().path(), "resources[0].spec");
    }

    #[test]
    fn what_is_wrong_with_the_envelope_is_named() {
        use DiagnosticCode as C;
        let at = |path: &str, code| vec![(format!("resources[0].{path}"), code)];
        assert_eq!(
            changed("kind", json!("VirtualService")),
            at("kind", C::UnsupportedKind)
        );
        assert_eq!(changed("kind", Value::Null), at("kind", C::MissingKey));
        assert_eq!(
            changed("apiVersion", json!("v1")),
            at("apiVersion", C::UnsupportedVersion)
        );
        assert_eq!(
            changed("apiVersion", Value::Null),
            at("apiVersion", C::MissingKey)
        );
        assert_eq!(changed("specs", json!({})), at("specs", C::UnknownKey));
        assert_eq!(
            changed("metadata", json!({"namespace": "n"})),
            at("metadata.name", C::MissingKey)
        );
        assert_eq!(
            changed("metadata", json!({"name": "a", "x": 1})),
            at("metadata.x", C::UnknownKey)
        );
        let created = json!({"name": "a", "creationTimestamp": "yesterday"});
        assert_eq!(
            changed("metadata", created),
            at("metadata.creationTimestamp", C::InvalidTimestamp)
        );
    }
}
