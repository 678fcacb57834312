//! Where a rule takes tokens from: `fromHeaders`, `fromParams`, `fromCookies`.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, field};

use super::header;

/// Reads `fromHeaders`.
pub(super) fn read_headers(
    node: &Node<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Box<str>, Box<str>)> {
    let mut headers = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        let Some(header) = read_header(&item, diagnostics) else {
            continue;
        };
        if headers.contains(&header) {
            warn_of_duplicate(&item, diagnostics);
        }
        headers.push(header);
    }
    headers
}

fn read_header(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<(Box<str>, Box<str>)> {
    let mut object = node.object(diagnostics)?;
    let name = object.require("name", diagnostics);
    let prefix = object.take("prefix");
    object.finish(diagnostics);
    let name = name.and_then(|name| header::read(&name, diagnostics));
    let prefix = match prefix {
        Some(prefix) => read_prefix(&prefix, diagnostics),
        None => Some(""),
    };
    Some((name?, prefix?.into()))
}

fn read_prefix<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let prefix = node.string(diagnostics)?;
    if !field::is_value(prefix.as_bytes()) {
        let expected = "a prefix without control characters, which no header has";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
        return None;
    }
    Some(prefix)
}

/// Reads a list of names: `fromParams`, `fromCookies`.
pub(super) fn read_names(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = Vec::new();
    for (name, item) in node.texts(diagnostics).unwrap_or_default() {
        if names.iter().any(|known| **known == *name) {
            warn_of_duplicate(&item, diagnostics);
        }
        names.push(name.into());
    }
    names
}

/// Istio takes such a list, and looks in each place once.
pub(super) fn warn_of_duplicate(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let (code, found) = (
        DiagnosticCode::DuplicateItem,
        "what stands before it already",
    );
    diagnostics.warning(code, node.path(), found, "each item once");
}
