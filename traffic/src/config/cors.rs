//! `corsPolicy`: which other sites' pages may ask (the Fetch standard, section 3.2).

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration, field};

use super::string_match::{self, ValueMatcher};
use crate::matcher::TextMatcher;

/// What pages of other origins are told.
#[derive(Debug, Clone)]
pub struct Cors {
    /// `allowOrigins`, with the older `allowOrigin`.
    pub origins: Vec<ValueMatcher>,
    /// `allowMethods`, joined.
    pub methods: Box<str>,
    /// `allowHeaders`, joined.
    pub headers: Box<str>,
    /// `exposeHeaders`, joined.
    pub exposed: Box<str>,
    /// `maxAge`, in seconds as digits.
    pub max_age_s: Option<Box<str>>,
    /// `allowCredentials`.
    pub credentials: bool,
    /// `unmatchedPreflights` other than `IGNORE`: questions of other origins go on.
    pub forwards_unmatched: bool,
}

/// Reads `corsPolicy`.
pub(super) fn read(route: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<Cors> {
    let mut object = route.take("corsPolicy")?.object(diagnostics)?;
    let old = object.take("allowOrigin");
    let origins = object.take("allowOrigins");
    let methods = object.take("allowMethods");
    let methods = methods.map_or_else(Box::default, |node| {
        check_methods(&node, diagnostics);
        join(&node, diagnostics)
    });
    let mut joined = |key| {
        object
            .take(key)
            .map_or_else(Box::default, |node| join(&node, diagnostics))
    };
    let headers = joined("allowHeaders");
    let exposed = joined("exposeHeaders");
    let max_age = object.take("maxAge");
    let credentials = object.take("allowCredentials");
    let unmatched = object.take("unmatchedPreflights");
    object.finish(diagnostics);
    let unmatched = unmatched.and_then(|node| {
        let names = [("UNSPECIFIED", true), ("FORWARD", true), ("IGNORE", false)];
        node.one_of(&names, diagnostics)
    });
    Some(Cors {
        origins: self::origins(old, origins, diagnostics),
        methods,
        headers,
        exposed,
        max_age_s: max_age
            .and_then(|node| duration::milliseconds(&node, diagnostics))
            .map(|milliseconds| (milliseconds / 1_000).to_string().into()),
        credentials: credentials
            .and_then(|node| node.boolean(diagnostics))
            .unwrap_or_default(),
        forwards_unmatched: unmatched.unwrap_or(true),
    })
}

/// The newer list counts if it has items, as in Istio.
fn origins(
    old: Option<Node<'_>>,
    origins: Option<Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> Vec<ValueMatcher> {
    let items = origins.and_then(|node| node.items(diagnostics));
    let mut matchers = Vec::new();
    for item in items.unwrap_or_default() {
        matchers.extend(string_match::read(&item, false, diagnostics));
    }
    let texts = old.and_then(|node| node.texts(diagnostics));
    if matchers.is_empty() {
        let old = texts
            .unwrap_or_default()
            .into_iter()
            .map(|(text, _)| match text {
                "*" => ValueMatcher::Present,
                text => ValueMatcher::Text(TextMatcher::exact(text, false)),
            });
        matchers.extend(old);
    }
    matchers
}

/// Methods that Istio lets pages use (RFC 9110 section 9, RFC 5789).
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*",
];

fn check_methods(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (text, node) in node.texts(&mut Diagnostics::new()).unwrap_or_default() {
        if !METHODS.contains(&text) {
            let help = sluice_policy::diagnostic::suggest(text, METHODS);
            let expected = "a method of HTTP, in capitals, or `*`";
            node.error(DiagnosticCode::UnknownValue, expected, diagnostics)
                .help = help;
        }
    }
}

fn join(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Box<str> {
    let texts = node.texts(diagnostics).unwrap_or_default();
    let texts: Vec<&str> = texts
        .into_iter()
        .filter_map(|(_, node)| field::value(&node, diagnostics))
        .collect();
    texts.join(",").into()
}
