//! From the path of a finding to its place in the text.

use sluice_policy::{Diagnostic, DiagnosticCode};

use super::{Content, Node, Span};

impl Node {
    /// Where to point for a finding whose path leads, from here, along `path`: of a key that
    /// is unknown at the key, else at the value.
    pub fn place_of(&self, diagnostic: &Diagnostic, path: &str) -> Span {
        self.locate(path, diagnostic.code == DiagnosticCode::UnknownKey)
    }

    /// Where the value at `path` stands, for example `spec.match[0].ports[1]`.
    ///
    /// A path that leads to a missing key gives the place of the deepest part
    /// that exists: the collection in which the key is missing. With
    /// `prefer_key`, the key of the last step is meant instead of its value.
    pub fn locate(&self, path: &str, prefer_key: bool) -> Span {
        match self.step(path) {
            None => self.opening(),
            Some(Step {
                key_span: Some(key),
                rest: "",
                ..
            }) if prefer_key => key,
            Some(Step { node, rest: "", .. }) => node.opening(),
            Some(Step {
                node,
                rest,
                key_span,
            }) => match node.step(rest) {
                // What is missing is best shown at the key of the collection it is missing from.
                None => key_span.unwrap_or_else(|| node.opening()),
                Some(_) => node.locate(rest, prefer_key),
            },
        }
    }

    /// The first line of a node: a caret under forty lines points at nothing.
    fn opening(&self) -> Span {
        if self.span.line == self.span.end_line {
            return self.span;
        }
        Span {
            end_line: self.span.line,
            end_column: self.span.column + 1,
            ..self.span
        }
    }

    fn step<'a>(&'a self, path: &'a str) -> Option<Step<'a>> {
        match &self.content {
            Content::Scalar(_) => None,
            Content::Sequence(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let Ok(index) = index.parse::<usize>() else {
                    return None;
                };
                let node = items.get(index)?;
                Some(Step {
                    node,
                    rest,
                    key_span: None,
                })
            }
            // Keys may hold dots, so the longest key that fits is the one meant.
            Content::Mapping(entries) => entries
                .iter()
                .filter_map(|entry| Some((entry, after_key(path, &entry.key)?)))
                .min_by_key(|(_, rest)| rest.len())
                .map(|(entry, rest)| Step {
                    node: &entry.value,
                    rest,
                    key_span: Some(entry.key_span),
                }),
        }
    }
}

struct Step<'a> {
    node: &'a Node,
    rest: &'a str,
    key_span: Option<Span>,
}

/// What follows `key` in `path`, whether written `.key`, `key` or `["key"]`.
fn after_key<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let bare = path.strip_prefix('.').unwrap_or(path);
    let quoted = format!("[{}]", serde_json::Value::from(key));
    if let Some(rest) = path.strip_prefix(quoted.as_str()) {
        return Some(rest);
    }
    let rest = bare.strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse;

    const TEXT: &str = "spec:\n  url: x\n  match:\n  - mode: CLIENT\n    ports:\n    - number: 8080\n  labels:\n    a.b/c: v\n";

    fn place(path: &str, prefer_key: bool) -> (usize, usize) {
        let span = parse(TEXT).unwrap()[0].locate(path, prefer_key);
        (span.line, span.column)
    }

    #[test]
    fn finds_values_and_keys() {
        assert_eq!(place("spec.url", false), (2, 8));
        assert_eq!(place("spec.url", true), (2, 3));
        assert_eq!(place("spec.match[0].ports[0].number", false), (6, 15));
    }

    #[test]
    fn a_key_with_dots_is_one_step() {
        assert_eq!(place("spec.labels.a.b/c", false), (8, 12));
        assert_eq!(place("spec.labels[\"a.b/c\"]", false), (8, 12));
    }

    #[test]
    fn a_missing_key_is_shown_at_what_lacks_it() {
        assert_eq!(place("spec.sha256", false), (1, 1));
        assert_eq!(place("kind", false), (1, 1));
        assert_eq!(place("spec.match[0].ports[0].protocol", false), (6, 7));
    }
}
