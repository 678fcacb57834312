//! `spec.lua`: judged, and run by nobody here.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// Istio limits scripts to 64 KB.
const MAX_BYTES: usize = 65536;

/// Whether Istio takes the script.
pub(super) fn check(node: &Node<'_>, diagnostics: &mut Diagnostics) -> bool {
    let Some(mut lua) = node.object(diagnostics) else {
        return false;
    };
    let script = lua.require("inlineCode", diagnostics);
    lua.finish(diagnostics);
    let Some(node) = script else { return false };
    let Some(text) = node.text(diagnostics) else {
        return false;
    };
    if text.len() > MAX_BYTES {
        let found = format!("{} bytes", text.len());
        let expected = format!("at most {MAX_BYTES} bytes");
        diagnostics.error(DiagnosticCode::TooMany, node.path(), found, expected);
    }
    text.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_script_has_one_to_65536_bytes() {
        for (length, is_taken) in [(0, false), (1, true), (65536, true), (65537, false)] {
            let mut diagnostics = Diagnostics::new();
            let value = json!({"inlineCode": "x".repeat(length)});
            let found = check(&Node::new(&value, "spec.lua"), &mut diagnostics);
            assert_eq!(
                (found, diagnostics.is_empty()),
                (is_taken, is_taken),
                "{length}"
            );
        }
    }
}
