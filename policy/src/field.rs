//! Texts that end up in the lines of a request or a response, and names of hosts.

use std::net::IpAddr;

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::Node;

/// Whether a text may be the name of a header (RFC 9110 section 5.6.2). Pseudo-headers are
/// none: they begin with a colon.
pub fn is_name(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Whether bytes may be the value of a header, or a part of it (RFC 9110 section 5.5): a
/// line break could begin another header, and no control character but a tab is allowed.
pub fn is_value(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

/// Reads a text, perhaps empty, that may be the value of a header, or a part of it.
pub fn value<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.string(diagnostics)?;
    if !is_value(text.as_bytes()) {
        let expected = "a text without control characters";
        node.error(DiagnosticCode::InvalidHeaderValue, expected, diagnostics);
        return None;
    }
    Some(text)
}

/// Longest label and longest name of DNS (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;
const LONGEST_HOST: usize = 255;

/// Reads a label of a name in DNS, such as the name of a subset.
pub fn label<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.text(diagnostics)?;
    if !is_label(text) {
        let expected = "at most 63 letters, digits and inner `-`";
        node.error(DiagnosticCode::InvalidHost, expected, diagnostics);
        return None;
    }
    Some(text)
}

/// RFC 1123 section 2.1. Istio takes capitals.
fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.len() <= LONGEST_LABEL
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(is_inner)
}

/// Reads a host as Istio takes it: a name of DNS, whose first label may be a `*` or begin
/// with one.
pub fn host<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.text(diagnostics)?;
    if is_host(text) {
        return Some(text);
    }
    let code = match text.contains('*') {
        true => DiagnosticCode::InvalidWildcard,
        false => DiagnosticCode::InvalidHost,
    };
    let expected = "a host without scheme, port and path, perhaps with `*.` in front";
    node.error(code, expected, diagnostics);
    None
}

fn is_host(text: &str) -> bool {
    let (first, rest) = match text.split_once('.') {
        // A final dot says that the name is whole.
        Some((first, rest)) => (first, rest.strip_suffix('.').unwrap_or(rest)),
        None => (text, ""),
    };
    let own = first.strip_prefix('*').unwrap_or(first);
    let own = own
        .strip_prefix('-')
        .filter(|_| own != first)
        .unwrap_or(own);
    let last = rest.rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let is_first = first == "*" || (first.len() <= LONGEST_LABEL && is_label(own));
    text.len() <= LONGEST_HOST
        // Istio takes this one, and no request has such a host.
        && text != "*."
        && is_first
        && !is_number
        && (rest.is_empty() || rest.split('.').all(is_label))
}

/// Reads what is a host or the address of one.
pub fn host_or_address<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.string(diagnostics)?;
    match text.parse::<IpAddr>() {
        Ok(_) => Some(text),
        Err(_) => host(node, diagnostics),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn no_control_character_but_a_tab_is_in_a_value() {
        for text in ["", "a b", "a\tb", "%REQ(x)%", "\u{e9}"] {
            assert!(is_value(text.as_bytes()), "{text:?}");
        }
        assert!(is_value(b"\xff"));
        for text in ["a\r\nb: c", "\n", "\r", "\0", "\u{1b}[0m", "\u{7f}"] {
            assert!(!is_value(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_a_token() {
        assert!(is_name("x-A_1"));
        for name in ["", ":path", "x a", "x\r\ny", "x:", "\u{e9}"] {
            assert!(!is_name(name), "{name}");
        }
    }

    fn code(text: &str) -> Option<DiagnosticCode> {
        let mut diagnostics = Diagnostics::new();
        host(&Node::new(&json!(text), "x"), &mut diagnostics);
        diagnostics.iter().map(|finding| finding.code).next()
    }

    /// The table of Istio's own check, and what strangers try.
    #[test]
    fn hosts_are_names_of_dns() {
        let label = "a".repeat(63);
        let shorter = "a".repeat(61);
        let longest = [&*label, &label, &label, &shorter, "b"].join(".");
        assert_eq!(longest.len(), 255);
        for host in [
            "cart", "Cart", "a.b.c", "*", "*.com", "*-a.com", "*a.com", "*a", "1", "1.com", "a.b.",
            "a.", &label, &longest,
        ] {
            assert_eq!(code(host), None, "{host}");
        }
        for host in [
            "cart:8080",
            "http://cart/",
            "cart/",
            "a b",
            "a_b",
            "-a",
            "a-",
            "-",
            "--a",
            ".a",
            "a..b",
            "a.b..",
            "10.0.0.1",
            "a.1",
            "a\r\nb",
            "\u{e9}",
            &[&label, "a"].concat(),
            &[&longest, "a"].concat(),
        ] {
            assert_eq!(code(host), Some(DiagnosticCode::InvalidHost), "{host}");
        }
        for host in [
            "**", "*.", "*.*.com", "a.*", "a*", "*--a.com", "*-", "*.a_b",
        ] {
            let expected = Some(DiagnosticCode::InvalidWildcard);
            assert_eq!(code(host), expected, "{host}");
        }
    }

    #[test]
    fn an_address_may_stand_for_a_host() {
        for (text, is_right) in [("10.0.0.1", true), ("2001:db8::1", true), ("10.0.0", false)] {
            let value = json!(text);
            let mut diagnostics = Diagnostics::new();
            let read = host_or_address(&Node::new(&value, "x"), &mut diagnostics);
            assert_eq!(read.is_some(), is_right, "{text}");
            assert_eq!(diagnostics.has_errors(), !is_right, "{text}");
        }
    }
}
