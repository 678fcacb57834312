//! YAML as Kubernetes reads it, with the place of every node kept.
//!
//! A finding names its value by path (`spec.match[0].ports[1].number`); people
//! want a line and a column. serde throws places away, so the documents are
//! composed here from parser events into [`Node`]s that know both.

mod compose;
mod file;
mod locate;
mod scalar;

use serde_json::{Map, Value};

pub use compose::parse;
pub use file::YamlFile;

/// Where something stands in the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First line of it, counted from 1.
    pub line: usize,
    /// First column of it in characters, counted from 1.
    pub column: usize,
    /// Last line of it, counted from 1.
    pub end_line: usize,
    /// Column after its last character, counted from 1.
    pub end_column: usize,
}

/// One node of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it holds.
    pub content: Content,
}

/// What a node holds: JSON's kinds, for that is what the API server makes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Null, a boolean, a number or a string.
    Scalar(Value),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping in the order written.
    Mapping(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

/// A text that is not YAML, or YAML that has no JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Where the reader stopped.
    pub span: Span,
    /// What was found.
    pub found: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl Node {
    /// The JSON that the API server would store.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Content::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Whether the document holds nothing, as between two `---` lines.
    pub fn is_empty(&self) -> bool {
        self.content == Content::Scalar(Value::Null)
    }
}
