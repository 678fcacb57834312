//! Headers in a script.

use serde_json::Value;
use sluice_policy::diagnostic::quote;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};
use sluice_recording::is_header_name;

/// Lines of headers, names in lower case.
pub(super) type Lines = Vec<(String, String)>;

/// Reads `name: value` and `name: [value, value]`.
pub(super) fn lines(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Lines> {
    let mut lines = Vec::new();
    for (key, value) in node.entries(diagnostics)? {
        let name = name(key, &value, diagnostics);
        for value in values(&value, diagnostics) {
            lines.extend(name.clone().zip(line(&value, diagnostics)));
        }
    }
    Some(lines)
}

fn values<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Vec<Node<'v>> {
    match node.value() {
        Value::Array(_) => node.some_items(diagnostics).unwrap_or_default(),
        _ => vec![node.clone()],
    }
}

/// A name of a header (RFC 9110 §5.1), in lower case as HTTP/2 and Envoy have
/// it. Pseudo-headers are none: they have keys of their own.
pub(super) fn name(key: &str, at: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let is_name = is_header_name(key);
    if !is_name {
        let expected = "the name of a header";
        diagnostics.error(DiagnosticCode::UnknownKey, at.path(), quote(key), expected);
    }
    is_name.then(|| key.to_ascii_lowercase())
}

/// A value without what would end the line (RFC 9110 §5.5).
fn line(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = node.string(diagnostics)?;
    if text.contains(['\r', '\n', '\0']) {
        let expected = "a string without line breaks and NUL";
        node.error(DiagnosticCode::WrongType, expected, diagnostics);
        return None;
    }
    Some(text.to_owned())
}
