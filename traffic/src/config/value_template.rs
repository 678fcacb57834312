//! Values of headers, in which Envoy replaces what stands between `%`.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// A value: texts, and what a request has to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueTemplate {
    /// In order.
    pub parts: Box<[Part]>,
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(Box<str>),
    /// `%REQ(NAME)%`: a header of the request, in lower case; `-` if there is none.
    RequestHeader(Box<str>),
    /// `%DOWNSTREAM_REMOTE_ADDRESS%`: of the client, with its port.
    RemoteAddress,
    /// `%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%`.
    RemoteIp,
    /// `%DOWNSTREAM_LOCAL_ADDRESS%`: which the client connected to, with its port.
    LocalAddress,
    /// `%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%`.
    LocalIp,
    /// `%DOWNSTREAM_LOCAL_PORT%`.
    LocalPort,
}

/// Commands without an argument.
const COMMANDS: [(&str, Part); 5] = [
    ("DOWNSTREAM_REMOTE_ADDRESS", Part::RemoteAddress),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Part::RemoteIp),
    ("DOWNSTREAM_LOCAL_ADDRESS", Part::LocalAddress),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Part::LocalIp),
    ("DOWNSTREAM_LOCAL_PORT", Part::LocalPort),
];

/// Reads a value that a header can have. Envoy knows more commands than a filter could follow.
pub(super) fn read(
    node: &Node<'_>,
    value: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ValueTemplate> {
    let mut parts = Vec::new();
    for (number, piece) in value.split('%').enumerate() {
        let part = match (number % 2, piece) {
            (0, text) => Some(Part::Text(text.into())),
            // Two of them stand for one.
            (_, "") => Some(Part::Text("%".into())),
            (_, command) => self::command(command),
        };
        let Some(part) = part else {
            let names = COMMANDS.map(|(name, _)| name).join("%, %");
            let expected = format!("only %REQ(NAME)%, %{names}% between `%`");
            node.error(DiagnosticCode::NotPossibleInWasm, expected, diagnostics);
            return None;
        };
        parts.push(part);
    }
    // The last piece is a text, unless a `%` has no fellow.
    if parts.len() % 2 == 0 {
        let expected = "two `%` around each command, and two for one that is meant";
        node.error(DiagnosticCode::InvalidHeaderValue, expected, diagnostics);
        return None;
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Some(ValueTemplate {
        parts: parts.into(),
    })
}

fn command(text: &str) -> Option<Part> {
    let header = text
        .strip_prefix("REQ(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(header) = header {
        let is_name = super::header_operations::is_name(header);
        return is_name.then(|| Part::RequestHeader(header.to_ascii_lowercase().into()));
    }
    let known = COMMANDS.into_iter().find(|(name, _)| *name == text);
    known.map(|(_, part)| part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn parts(value: &str) -> Option<Box<[Part]>> {
        let node = json!(value);
        let template = read(&Node::new(&node, "x"), value, &mut Diagnostics::new());
        template.map(|template| template.parts)
    }

    #[test]
    fn what_stands_between_percent_signs_is_a_command() {
        let text = |text: &str| Part::Text(text.into());
        let table = [
            ("", vec![]),
            ("plain", vec![text("plain")]),
            ("100%%", vec![text("100"), text("%")]),
            (
                "a %REQ(X-B)% c",
                vec![text("a "), Part::RequestHeader("x-b".into()), text(" c")],
            ),
            ("%REQ(:path)%", vec![Part::RequestHeader(":path".into())]),
            ("%DOWNSTREAM_LOCAL_PORT%", vec![Part::LocalPort]),
        ];
        for (value, expected) in table {
            assert_eq!(parts(value).as_deref(), Some(&*expected), "{value}");
        }
        for value in ["5%", "%NO%", "%REQ(a?b)%", "%REQ(a", "%%%"] {
            assert_eq!(parts(value), None, "{value}");
        }
    }
}
