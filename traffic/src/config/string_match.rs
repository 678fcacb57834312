//! StringMatch: `exact`, `prefix` or `regex`.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::matcher::TextMatcher;
use crate::pattern::Pattern;

/// What a header or a parameter must be.
#[derive(Debug, Clone)]
pub enum ValueMatcher {
    /// There, whatever it says: an empty matcher, or the regex `*`.
    Present,
    /// There, and such a text.
    Text(TextMatcher),
}

/// The fields, of which one may be set.
const FIELDS: [&str; 3] = ["exact", "prefix", "regex"];

/// Reads a matcher that may be empty: then it takes whatever is there. A prefix may not:
/// Istio refuses it for anything but a path.
pub(super) fn read(
    node: &Node<'_>,
    ignore_case: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ValueMatcher> {
    let matcher = read_any(node, ignore_case, diagnostics);
    if let Some(ValueMatcher::Text(TextMatcher::Prefix { text, .. })) = &matcher
        && text.is_empty()
    {
        let expected = "a prefix that is not empty, or no prefix at all";
        node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
    }
    matcher
}

fn read_any(
    node: &Node<'_>,
    ignore_case: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ValueMatcher> {
    let mut object = node.object(diagnostics)?;
    let fields = FIELDS.map(|field| object.take(field));
    object.finish(diagnostics);
    let given: Vec<&Node<'_>> = fields.iter().flatten().collect();
    if let [_, second, ..] = given.as_slice() {
        let expected = "only one of exact, prefix and regex";
        second.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
        return None;
    }
    let text = |node: &Node<'_>| node.string(&mut Diagnostics::new()).map(str::to_owned);
    let matcher = match &fields {
        [Some(exact), ..] => TextMatcher::exact(exact.string(diagnostics)?, ignore_case),
        [_, Some(prefix), _] => TextMatcher::prefix(prefix.string(diagnostics)?, ignore_case),
        [.., Some(regex)] if text(regex).as_deref() == Some("*") => {
            return Some(ValueMatcher::Present);
        }
        // As in Envoy, where regular expressions know their own flags alone.
        [.., Some(regex)] => TextMatcher::Regex(Pattern::read(regex, diagnostics)?),
        _ => return Some(ValueMatcher::Present),
    };
    Some(ValueMatcher::Text(matcher))
}

/// Reads a matcher of a path; none if it takes anything.
pub(super) fn read_path(
    node: &Node<'_>,
    ignore_case: bool,
    diagnostics: &mut Diagnostics,
) -> Option<TextMatcher> {
    text(read_any(node, ignore_case, diagnostics)?)
}

/// Reads a matcher of something else that every request has; none if it takes anything.
pub(super) fn read_text(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<TextMatcher> {
    text(read(node, false, diagnostics)?)
}

fn text(matcher: ValueMatcher) -> Option<TextMatcher> {
    match matcher {
        ValueMatcher::Present => None,
        ValueMatcher::Text(matcher) => Some(matcher),
    }
}
