//! `redirect`: the client is to ask elsewhere.

use serde_json::Value;
use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, field};

/// Where the client is sent.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// `uri` or `prefixRewrite`.
    pub path: Option<RedirectPath>,
    /// `authority`.
    pub authority: Option<Box<str>>,
    /// `scheme`.
    pub scheme: Option<Box<str>>,
    /// `port` or `derivePort`.
    pub port: RedirectPort,
    /// `redirectCode`.
    pub status: u16,
}

/// What becomes of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectPath {
    /// Takes the place of the whole path; the query stays, unless this has one.
    Whole(Box<str>),
    /// Takes the place of the matched prefix.
    Prefix(Box<str>),
}

/// What becomes of the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectPort {
    /// As the scheme has it: that of the request stays, if it came with one.
    Unchanged,
    /// This one.
    Number(u16),
    /// That of the listener.
    OfListener,
}

/// Statuses that Envoy can redirect with.
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// What a `uri` begins with that replaces the matched prefix alone.
const PREFIX: &str = "%PREFIX()%";

/// What says where the client is to ask; one of them at least.
const TARGETS: [&str; 6] = [
    "uri",
    "prefixRewrite",
    "authority",
    "scheme",
    "port",
    "derivePort",
];

/// An empty text is none, as in the message that Istio reads.
fn is_given(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null() && value != "")
}

/// Reads `redirect`.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Redirect> {
    let mut object = node.object(diagnostics)?;
    let path = path(&mut object, diagnostics);
    let mut text = |key| {
        let text = field::value(&object.take(key)?, diagnostics)?;
        (!text.is_empty()).then(|| text.into())
    };
    let authority = text("authority");
    let scheme = object.take("scheme");
    let schemes = [("http", Some("http")), ("https", Some("https")), ("", None)];
    let scheme = scheme.and_then(|node| node.one_of(&schemes, diagnostics));
    let port = port(&mut object, diagnostics);
    let status = object.take("redirectCode");
    object.finish(diagnostics);
    if !TARGETS.iter().any(|key| is_given(node.value().get(key))) {
        // Istio refuses it. The client would be sent to where it is.
        let expected = "uri, authority, scheme or port";
        node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
    }
    Some(Redirect {
        path,
        authority,
        scheme: scheme.flatten().map(Into::into),
        port,
        status: status.map_or(Some(301), |status| self::status(&status, diagnostics))?,
    })
}

fn path(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<RedirectPath> {
    let uri = object.take("uri");
    let prefix = object.take("prefixRewrite");
    if let (Some(_), Some(prefix)) = (&uri, &prefix) {
        let expected = "only one of uri and prefixRewrite";
        prefix.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    let uri = uri.and_then(|uri| field::value(&uri, diagnostics));
    let prefix = prefix.and_then(|prefix| field::value(&prefix, diagnostics));
    let prefix = prefix.or_else(|| uri.and_then(|uri| uri.strip_prefix(PREFIX)));
    match (prefix, uri) {
        (Some(prefix), _) => Some(RedirectPath::Prefix(prefix.into())),
        (None, Some(uri)) if !uri.is_empty() => Some(RedirectPath::Whole(uri.into())),
        _ => None,
    }
}

fn port(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> RedirectPort {
    let port = object.take("port");
    let derived = object.take("derivePort");
    if let (Some(_), Some(derived)) = (&port, &derived) {
        let expected = "only one of port and derivePort";
        derived.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    let selections = [
        ("FROM_PROTOCOL_DEFAULT", RedirectPort::Unchanged),
        ("FROM_REQUEST_PORT", RedirectPort::OfListener),
    ];
    let number = port.and_then(|port| port.integer(1..=u16::MAX, diagnostics));
    let derived = derived.and_then(|derived| derived.one_of(&selections, diagnostics));
    number
        .map(RedirectPort::Number)
        .or(derived)
        .unwrap_or(RedirectPort::Unchanged)
}

fn status(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    // An unset number, in the message that Istio reads.
    if node.value() == 0 {
        return Some(301);
    }
    let status: u16 = node.integer(0..=999, diagnostics)?;
    if STATUSES.contains(&status) {
        return Some(status);
    }
    let expected = "one of 301, 302, 303, 307, 308: Envoy redirects with no other";
    node.error(DiagnosticCode::UnknownValue, expected, diagnostics);
    None
}
