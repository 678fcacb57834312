//! Names of headers in rules.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, field};

/// Headers that a rule may neither take from a request nor write: without the client's
/// own, or with another's, the request would be a different one to Envoy.
const UNTOUCHABLE: [&str; 7] = [
    "connection",
    "content-length",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads the name of a header that tokens are taken from: RFC 9110 section 5.6.2.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    read_name(node, field::is_name, "the name of a header", diagnostics)
}

/// Reads the name of a header that a rule writes, where Istio is stricter.
pub(super) fn read_strict(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let is_plain = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        name.bytes().all(is_plain)
    };
    let expected = "the name of a header, of letters, digits, `-` and `_`";
    read_name(node, is_plain, expected, diagnostics)
}

fn read_name(
    node: &Node<'_>,
    is_allowed: fn(&str) -> bool,
    expected: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Box<str>> {
    let name = node.text(diagnostics)?.to_ascii_lowercase();
    let code = DiagnosticCode::InvalidHeaderName;
    if !is_allowed(&name) {
        node.error(code, expected, diagnostics);
        return None;
    }
    if UNTOUCHABLE.contains(&name.as_str()) {
        let expected = "a header that the request can do without";
        node.error(code, expected, diagnostics);
        return None;
    }
    Some(name.into())
}
