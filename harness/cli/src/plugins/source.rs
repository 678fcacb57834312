//! Manifests in a file, each with the place of every node.

use serde_json::Value;
use sluice_policy::Diagnostics;

use super::manifest::{self, Extension, KINDS};
use crate::yaml::{self, Node, Span, YamlError, YamlFile};

/// One manifest in a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// The document, with the place of every node.
    pub node: Node,
    /// What it holds, unless it is refused.
    pub extension: Option<Extension>,
    /// What was found in it.
    pub diagnostics: Diagnostics,
}

/// What a file holds.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// Plugins.
    pub plugins: Vec<Document>,
    /// Kinds and places of everything else.
    pub others: Vec<(String, Span)>,
}

/// Reads every document of a file.
///
/// # Errors
/// When the text is not YAML.
pub fn documents(file: &YamlFile) -> Result<Documents, YamlError> {
    let mut documents = Documents::default();
    for node in yaml::parse(&file.text)? {
        if node.is_empty() {
            continue;
        }
        let resource = node.to_json();
        if !is_plugin(&resource) {
            let place = node.locate("kind", false);
            documents.others.push((kind_of(&resource), place));
            continue;
        }
        let (extension, diagnostics) = manifest::parse(&resource);
        documents.plugins.push(Document {
            node,
            extension,
            diagnostics,
        });
    }
    Ok(documents)
}

/// By kind, or by API group for a kind that may be misspelt.
fn is_plugin(resource: &Value) -> bool {
    let text = |key: &str| {
        resource
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    KINDS.iter().any(|kind| kind.name == text("kind"))
        || text("apiVersion").starts_with("extensions.istio.io/")
}

fn kind_of(resource: &Value) -> String {
    resource
        .get("kind")
        .and_then(Value::as_str)
        .map_or_else(|| "a document without kind".to_owned(), str::to_owned)
}
