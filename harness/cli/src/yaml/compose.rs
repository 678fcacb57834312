//! Parser events → [`Node`]s, within bounds on depth and size.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as ParserSpan};
use serde_json::Value;

use super::{Content, Entry, Node, Span, YamlError, scalar};

/// Deeper nesting than any resource has; deeper input is an attack on the stack.
const MAX_DEPTH: usize = 64;

/// Nodes of one file, aliases expanded. Without it nine lines of aliases to
/// aliases ("billion laughs") fill the memory.
const MAX_NODES: usize = 1_000_000;

/// Reads every document of `text`.
///
/// # Errors
/// The first place that is not YAML or has no JSON form: duplicate keys,
/// keys that are not scalars, merge keys, custom tags, infinities.
pub fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut composer = Composer::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax_error(&error))?;
        composer.take(event, from_parser(span))?;
    }
    Ok(composer.documents)
}

#[derive(Default)]
struct Composer {
    documents: Vec<Node>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Frame {
    span: Span,
    anchor: usize,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<(String, Span)>,
    },
}

impl Composer {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(&text, style, tag.as_deref(), span)?;
                self.complete(
                    Node {
                        span,
                        content: Content::Scalar(value),
                    },
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => self.begin(
                span,
                anchor,
                tag.as_deref(),
                Collection::Sequence(Vec::new()),
            ),
            Event::MappingStart(anchor, tag) => self.begin(
                span,
                anchor,
                tag.as_deref(),
                Collection::Mapping {
                    entries: Vec::new(),
                    key: None,
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<&saphyr_parser::Tag>,
        collection: Collection,
    ) -> Result<(), YamlError> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(error(
                span,
                format!("tag `{tag}`"),
                "a value without a custom tag",
            ));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(error(
                span,
                "a collection nested too deep".to_owned(),
                "at most 64 levels",
            ));
        }
        self.open.push(Frame {
            span,
            anchor,
            collection,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(frame) = self.open.pop() else {
            return Ok(());
        };
        let content = match frame.collection {
            Collection::Sequence(items) => Content::Sequence(items),
            Collection::Mapping { entries, .. } => Content::Mapping(entries),
        };
        let whole = Span {
            end_line: span.end_line,
            end_column: span.end_column,
            ..frame.span
        };
        self.complete(
            Node {
                span: whole,
                content,
            },
            frame.anchor,
        )
    }

    /// An alias means a copy of what it names; anchors close before they can be named.
    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let Some(named) = self.anchors.get(&anchor) else {
            return Err(error(
                span,
                "an alias inside the value it names".to_owned(),
                "an alias of a finished value",
            ));
        };
        let copy = Node {
            span,
            content: named.content.clone(),
        };
        self.count(count_nodes(&copy), span)?;
        self.complete(copy, 0)
    }

    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        self.count(1, node.span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Frame {
                collection: Collection::Sequence(items),
                ..
            }) => items.push(node),
            Some(Frame {
                collection: Collection::Mapping { entries, key },
                ..
            }) => match key.take() {
                None => *key = Some(new_key(&node, entries)?),
                Some((key, key_span)) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
            },
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(error(
                span,
                "too many values".to_owned(),
                "at most 1,000,000 values in one file",
            ));
        }
        Ok(())
    }
}

fn count_nodes(node: &Node) -> usize {
    match &node.content {
        Content::Scalar(_) => 1,
        Content::Sequence(items) => items.iter().map(count_nodes).sum::<usize>() + 1,
        Content::Mapping(entries) => {
            entries
                .iter()
                .map(|entry| count_nodes(&entry.value))
                .sum::<usize>()
                + 1
        }
    }
}

fn new_key(node: &Node, entries: &[Entry]) -> Result<(String, Span), YamlError> {
    let key = match &node.content {
        Content::Scalar(Value::String(text)) => text.clone(),
        Content::Scalar(Value::Null) => {
            return Err(error(node.span, "an empty key".to_owned(), "a key"));
        }
        Content::Scalar(other) => other.to_string(),
        _ => {
            return Err(error(
                node.span,
                "a collection as key".to_owned(),
                "a string as key",
            ));
        }
    };
    if key == "<<" {
        return Err(error(
            node.span,
            "a merge key `<<`".to_owned(),
            "the merged keys written out",
        ));
    }
    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
        let found = format!("key `{key}` again, first on line {}", first.key_span.line);
        return Err(error(node.span, found, "each key once"));
    }
    Ok((key, node.span))
}

fn scalar_value(
    text: &str,
    style: ScalarStyle,
    tag: Option<&saphyr_parser::Tag>,
    span: Span,
) -> Result<Value, YamlError> {
    let is_string = match tag {
        Some(tag) if tag.is_yaml_core_schema() => tag.suffix == "str",
        Some(tag) if tag.suffix.is_empty() => true,
        Some(tag) => {
            return Err(error(
                span,
                format!("tag `{tag}`"),
                "a value without a custom tag",
            ));
        }
        None => style != ScalarStyle::Plain,
    };
    if is_string {
        return Ok(Value::String(text.to_owned()));
    }
    scalar::resolve(text)
        .ok_or_else(|| error(span, format!("`{text}`"), "a number that JSON can hold"))
}

fn error(span: Span, found: String, expected: &'static str) -> YamlError {
    YamlError {
        span,
        found,
        expected,
    }
}

fn syntax_error(scan: &saphyr_parser::ScanError) -> YamlError {
    let at = *scan.marker();
    error(
        from_parser(ParserSpan::empty(at)),
        scan.info().to_owned(),
        "YAML",
    )
}

fn from_parser(span: ParserSpan) -> Span {
    Span {
        line: span.start.line(),
        column: span.start.col() + 1,
        end_line: span.end.line(),
        end_column: span.end.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents(text: &str) -> Vec<Value> {
        parse(text).unwrap().iter().map(Node::to_json).collect()
    }

    #[test]
    fn reads_several_documents() {
        assert_eq!(
            documents("a: 1\n---\nb: [x, 'on']\n"),
            [json!({"a": 1}), json!({"b": ["x", "on"]})]
        );
    }

    #[test]
    fn an_empty_document_is_null() {
        let nodes = parse("---\n---\na: 1\n").unwrap();
        assert!(nodes[0].is_empty());
        assert!(!nodes[1].is_empty());
    }

    #[test]
    fn expands_aliases() {
        assert_eq!(
            documents("a: &x {b: 1}\nc: *x\n"),
            [json!({"a": {"b": 1}, "c": {"b": 1}})]
        );
    }

    #[test]
    fn refuses_a_duplicate_key_at_its_place() {
        let error = parse("a:\n  b: 1\n  b: 2\n").unwrap_err();
        assert_eq!((error.span.line, error.span.column), (3, 3));
        assert_eq!(error.found, "key `b` again, first on line 2");
    }

    #[test]
    fn refuses_what_has_no_json_form() {
        for text in [
            "a: .inf",
            "? [x]\n: 1",
            "<<: {a: 1}",
            "a: !custom 1",
            "a: !custom [1]",
            "a: &x [*x]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_nesting_that_would_exhaust_the_stack() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn refuses_aliases_that_multiply() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let names = vec![format!("*a{}", level - 1); 10].join(",");
            text.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(parse(&text).is_err());
    }

    #[test]
    fn names_the_line_of_a_syntax_error() {
        let error = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.span.line >= 2, "{error:?}");
    }
}
