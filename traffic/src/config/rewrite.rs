//! `rewrite`: what the upstream sees in place of path and authority.

use serde_json::Value;
use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, field};

use crate::pattern::Substitution;

/// What is rewritten.
#[derive(Debug, Clone, Default)]
pub struct Rewrite {
    /// `uri` or `uriRegexRewrite`.
    pub uri: Option<UriRewrite>,
    /// `authority`.
    pub authority: Option<Box<str>>,
}

/// What becomes of the path.
#[derive(Debug, Clone)]
pub enum UriRewrite {
    /// Takes the place of what the route matched: of a prefix, or of the whole path.
    Matched(Box<str>),
    /// Takes the place of whatever it finds in the path.
    Regex(Substitution),
}

/// Reads `rewrite`.
pub(super) fn read(route: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Rewrite {
    let Some(node) = route.take("rewrite") else {
        return Rewrite::default();
    };
    let Some(mut object) = node.object(diagnostics) else {
        return Rewrite::default();
    };
    let uri = object.take("uri").filter(is_given);
    let regex = object.take("uriRegexRewrite");
    let authority = object.take("authority").filter(is_given);
    object.finish(diagnostics);
    if uri.is_none() && regex.is_none() && authority.is_none() {
        let expected = "uri, uriRegexRewrite or authority";
        node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
    }
    if let (Some(_), Some(regex)) = (&uri, &regex) {
        let expected = "only one of uri and uriRegexRewrite";
        regex.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    let regex = regex.and_then(|regex| {
        let text = regex.value().get("rewrite").and_then(Value::as_str);
        if !field::is_value(text.unwrap_or_default().as_bytes()) {
            let expected = "a `rewrite` without control characters";
            regex.error(DiagnosticCode::InvalidHeaderValue, expected, diagnostics);
        }
        Substitution::read(&regex, diagnostics)
    });
    let uri = uri.and_then(|uri| field::value(&uri, diagnostics));
    Rewrite {
        uri: uri
            .map(|uri| UriRewrite::Matched(uri.into()))
            .or(regex.map(UriRewrite::Regex)),
        authority: authority
            .and_then(|authority| field::value(&authority, diagnostics))
            .map(Into::into),
    }
}

/// An empty text is none, as in the message that Istio reads.
fn is_given(node: &Node<'_>) -> bool {
    node.value().as_str() != Some("")
}
