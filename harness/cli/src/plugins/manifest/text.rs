//! Texts of limited length.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// A text of at most so many characters, perhaps empty. Characters are what
/// the `maxLength` of a CRD's schema counts.
pub(super) fn at_most<'v>(
    node: &Node<'v>,
    most: usize,
    diagnostics: &mut Diagnostics,
) -> Option<&'v str> {
    let text = node.string(diagnostics)?;
    if text.chars().count() > most {
        let expected = format!("at most {most} characters");
        node.error(DiagnosticCode::TooMany, expected, diagnostics);
        return None;
    }
    Some(text)
}

/// The same, but not empty.
pub(super) fn one_to<'v>(
    node: &Node<'v>,
    most: usize,
    diagnostics: &mut Diagnostics,
) -> Option<&'v str> {
    node.text(diagnostics)?;
    at_most(node, most, diagnostics)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn characters_count_and_not_bytes() {
        for (text, is_taken) in [("", false), ("äöü", true), ("abcd", false)] {
            let mut diagnostics = Diagnostics::new();
            let value = json!(text);
            let read = one_to(&Node::new(&value, "here"), 3, &mut diagnostics);
            assert_eq!(
                (read.is_some(), diagnostics.is_empty()),
                (is_taken, is_taken),
                "{text}"
            );
        }
    }
}
