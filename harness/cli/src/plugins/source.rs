//! Manifests in files, with the text that findings point into.

use serde_json::Value;
use sluice_policy::{Diagnostic, DiagnosticCode, Diagnostics};

use super::manifest::{self, Extension, KINDS};
use crate::console::{self, Console, Severity};
use crate::yaml::{self, Node, Span};

/// One file of manifests.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

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

impl ManifestFile {
    /// Reads every document of the file.
    ///
    /// # Errors
    /// When the text is not YAML.
    pub fn documents(&self) -> Result<Documents, yaml::YamlError> {
        let mut documents = Documents::default();
        for node in yaml::parse(&self.text)? {
            if node.is_empty() {
                continue;
            }
            let resource = node.to_json();
            if !is_plugin(&resource) {
                documents
                    .others
                    .push((kind_of(&resource), node.locate("kind", false)));
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

    /// Shows a finding at its place.
    pub fn show(&self, console: &mut Console, document: &Document, diagnostic: &Diagnostic) {
        let prefer_key = diagnostic.code == DiagnosticCode::UnknownKey;
        let span = document.node.locate(&diagnostic.path, prefer_key);
        console.point(
            diagnostic.severity.into(),
            &diagnostic.to_string(),
            self.source(),
            span,
        );
    }

    /// Shows why the file could not be read.
    pub fn show_yaml_error(&self, console: &mut Console, error: &yaml::YamlError) {
        let message = format!(
            "found {}, expected {} [invalid-yaml]",
            error.found, error.expected
        );
        console.point(Severity::Error, &message, self.source(), error.span);
    }

    /// The text for messages that point into it.
    pub fn source(&self) -> console::Source<'_> {
        console::Source {
            name: &self.name,
            text: &self.text,
        }
    }
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
