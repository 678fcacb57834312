//! Names of headers in rules.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

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
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    read_name(node, &is_tchar, "the name of a header", diagnostics)
}

/// Reads the name of a header that a rule writes, where Istio is stricter.
pub(super) fn read_strict(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let expected = "the name of a header, of letters, digits, `-` and `_`";
    read_name(node, &is_plain, expected, diagnostics)
}

fn read_name(
    node: &Node<'_>,
    is_allowed: &dyn Fn(u8) -> bool,
    expected: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Box<str>> {
    let name = node.text(diagnostics)?.to_ascii_lowercase();
    let code = DiagnosticCode::InvalidHeaderName;
    if !name.bytes().all(is_allowed) {
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
