//! The fields of Istio's MeshConfig that change what policies mean.

pub mod extension_provider;

pub use extension_provider::{AuthorizerProtocol, ExtensionProvider, HttpAuthorizer};

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::Node;
use crate::path_normalization::Normalization;

/// Key of the external authorizers in `mesh`.
pub(crate) const EXTENSION_PROVIDERS: &str = "extensionProviders";

/// `mesh` of pluginConfig, under MeshConfig's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mesh {
    /// `trustDomain`.
    pub trust_domain: String,
    /// `trustDomainAliases`.
    pub trust_domain_aliases: Vec<String>,
    /// `rootNamespace`: its policies apply to every namespace.
    pub root_namespace: String,
    /// `pathNormalization.normalization`: what Envoy did to `:path` before.
    pub path_normalization: Normalization,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            root_namespace: "istio-system".to_owned(),
            path_normalization: Normalization::default(),
        }
    }
}

impl Mesh {
    /// Reads `mesh`. A field that is wrong keeps its default: there is an error
    /// then, and nothing uses the value.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut mesh = Self::default();
        let Some(mut object) = node.object(diagnostics) else {
            return mesh;
        };
        if let Some(domain) = object
            .take("trustDomain")
            .and_then(|node| read_trust_domain(&node, diagnostics))
        {
            mesh.trust_domain = domain.to_owned();
        }
        if let Some(aliases) = object
            .take("trustDomainAliases")
            .and_then(|node| node.items(diagnostics))
        {
            mesh.trust_domain_aliases = aliases
                .iter()
                .flat_map(|node| read_trust_domain(node, diagnostics))
                .map(str::to_owned)
                .collect();
        }
        if let Some(namespace) = object
            .take("rootNamespace")
            .and_then(|node| node.text(diagnostics))
        {
            mesh.root_namespace = namespace.to_owned();
        }
        if let Some(node) = object.take("pathNormalization")
            && let Some(normalization) = read_normalization(&node, diagnostics)
        {
            mesh.path_normalization = normalization;
        }
        // Who needs them reads them (`PluginConfig::extension_providers`).
        object.take(EXTENSION_PROVIDERS);
        object.finish(diagnostics);
        mesh
    }
}

/// A trust domain goes into principals as it stands: a wildcard would widen
/// every one of them to other domains, a slash to other paths.
fn read_trust_domain<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let domain = node.text(diagnostics)?;
    if domain.contains(['*', '/']) {
        let expected = "a trust domain without `*`, scheme and path";
        node.error(DiagnosticCode::InvalidTrustDomain, expected, diagnostics);
        return None;
    }
    Some(domain)
}

/// `None` for nothing, and for what is wrong.
fn read_normalization(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Normalization> {
    let mut object = node.object(diagnostics)?;
    let mode = object.take("normalization");
    object.finish(diagnostics);
    mode?.one_of(&Normalization::NAMES, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(value: &Value) -> (Mesh, Vec<DiagnosticCode>) {
        let mut diagnostics = Diagnostics::default();
        let mesh = Mesh::read(&Node::new(value, "mesh"), &mut diagnostics);
        (
            mesh,
            diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code)
                .collect(),
        )
    }

    #[test]
    fn nothing_said_is_istios_defaults() {
        let (mesh, codes) = read(&json!({}));
        assert_eq!((mesh, codes), (Mesh::default(), vec![]));
        assert_eq!(Mesh::default().trust_domain, "cluster.local");
        assert_eq!(Mesh::default().root_namespace, "istio-system");
    }

    #[test]
    fn every_field_is_read() {
        let (mesh, codes) = read(&json!({
            "trustDomain": "td", "trustDomainAliases": ["old"], "rootNamespace": "root",
            "pathNormalization": {"normalization": "MERGE_SLASHES"},
            "extensionProviders": [{"name": 1}],
        }));
        assert_eq!(codes, []);
        assert_eq!(mesh.trust_domain_aliases, ["old"]);
        assert_eq!(mesh.root_namespace, "root");
        assert_eq!(mesh.path_normalization, Normalization::MergeSlashes);
    }

    #[test]
    fn unknown_settings_are_refused() {
        use DiagnosticCode as C;
        assert_eq!(read(&json!({"trustDomian": "x"})).1, [C::UnknownKey]);
        assert_eq!(
            read(&json!({"pathNormalization": {"normalization": "base"}})).1,
            [C::UnknownValue]
        );
        assert_eq!(
            read(&json!({"pathNormalization": {"mode": "BASE"}})).1,
            [C::UnknownKey]
        );
        assert_eq!(read(&json!([])).1, [C::WrongType]);
        assert_eq!(read(&json!({"trustDomain": ""})).1, [C::EmptyValue]);
    }

    #[test]
    fn trust_domains_are_plain_names() {
        use DiagnosticCode as C;
        let (mesh, codes) = read(&json!({"trustDomain": "a.b", "trustDomainAliases": ["c"]}));
        assert_eq!(codes, []);
        assert_eq!(mesh.trust_domain_aliases, ["c"]);
        for wrong in ["*", "*.local", "td*", "a/b", "spiffe://td"] {
            assert_eq!(
                read(&json!({"trustDomain": wrong})).1,
                [C::InvalidTrustDomain],
                "{wrong}"
            );
            let aliases = json!({"trustDomainAliases": [wrong, "good", ""]});
            assert_eq!(
                read(&aliases).1,
                [C::InvalidTrustDomain, C::EmptyValue],
                "{wrong}"
            );
        }
    }
}
