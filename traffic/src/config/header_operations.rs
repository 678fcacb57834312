//! `headers`: what is changed in a request or a response.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, field};

use super::value_template::{self, ValueTemplate};
use crate::sorted;

/// `headers` of a route or a destination.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// `request`.
    pub request: HeaderOperations,
    /// `response`.
    pub response: HeaderOperations,
}

/// Names are in lower case and sorted, as Istio sorts them.
#[derive(Debug, Clone, Default)]
pub struct HeaderOperations {
    /// `set`: in place of what is there.
    pub set: Vec<(Box<str>, ValueTemplate)>,
    /// `add`: beside what is there.
    pub add: Vec<(Box<str>, ValueTemplate)>,
    /// `remove`.
    pub remove: Vec<Box<str>>,
    /// What becomes of the authority: `host` or `:authority` in the two lists of a
    /// request, the first one before the second.
    pub authority: Option<Box<str>>,
}

/// Whether a text is the name of a header or of a pseudo-header.
pub(super) fn is_name(text: &str) -> bool {
    field::is_name(text.strip_prefix(':').unwrap_or(text))
}

/// Reads `headers`.
pub(super) fn read(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Headers {
    let Some(mut object) = node.and_then(|node| node.object(diagnostics)) else {
        return Headers::default();
    };
    let request = object.take("request");
    let response = object.take("response");
    object.finish(diagnostics);
    Headers {
        request: operations(request, true, diagnostics),
        response: operations(response, false, diagnostics),
    }
}

fn operations(
    node: Option<Node<'_>>,
    is_request: bool,
    diagnostics: &mut Diagnostics,
) -> HeaderOperations {
    let Some(mut object) = node.and_then(|node| node.object(diagnostics)) else {
        return HeaderOperations::default();
    };
    let set = object.take("set");
    let add = object.take("add");
    let remove = object.take("remove");
    object.finish(diagnostics);
    let mut operations = HeaderOperations::default();
    let authority = &mut operations.authority;
    operations.set = lines(set, authority, diagnostics);
    operations.add = lines(add, authority, diagnostics);
    operations.remove = names(remove, diagnostics);
    if !is_request {
        operations.authority = None;
    }
    operations
}

/// Pseudo-headers and `host` are not changed, Istio skips them; of a request they may
/// say the authority.
fn lines(
    node: Option<Node<'_>>,
    authority: &mut Option<Box<str>>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Box<str>, ValueTemplate)> {
    let entries = node.and_then(|node| node.entries(diagnostics));
    let mut lines = Vec::new();
    for (key, node) in entries.unwrap_or_default() {
        let Some(name) = name(key, &node, diagnostics) else {
            continue;
        };
        let Some(value) = field::value(&node, diagnostics) else {
            continue;
        };
        if matches!(&*name, "host" | ":authority") {
            authority.get_or_insert_with(|| value.into());
        } else if is_untouchable(&name) {
            warn_of_skipped(&node, diagnostics);
        } else {
            if let Some(value) = value_template::read(&node, value, diagnostics) {
                sorted::insert(&mut lines, (name, value), |(name, _)| name.clone());
            }
        }
    }
    lines
}

fn names(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let texts = node.and_then(|node| node.texts(diagnostics));
    let mut names = Vec::new();
    for (text, node) in texts.unwrap_or_default() {
        match name(text, &node, diagnostics) {
            Some(name) if is_untouchable(&name) => warn_of_skipped(&node, diagnostics),
            name => names.extend(name),
        }
    }
    names
}

fn name(text: &str, node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let name = is_name(text).then(|| text.to_ascii_lowercase().into());
    if name.is_none() {
        let expected = "the name of a header";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
    }
    name
}

fn is_untouchable(name: &str) -> bool {
    name == "host" || name.starts_with(':')
}

fn warn_of_skipped(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    diagnostics.warning(
        DiagnosticCode::IgnoredKey,
        node.path(),
        "a header that Istio leaves as it is",
        "a header other than `host` and those that begin with `:`",
    );
}
