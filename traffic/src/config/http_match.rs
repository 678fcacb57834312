//! HTTPMatchRequest: what a request must be for a route to take it.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, Labels};

use super::header_operations;
use super::string_match::{self, ValueMatcher};
use crate::matcher::TextMatcher;
use crate::short_text;

/// What keys of `headers` and `withoutHeaders` begin with that stand for claims of a
/// token; Istio compares it without regard to case.
const CLAIMS: &str = "@request.auth.claims";

/// One item of `match`: all of it must hold.
#[derive(Debug, Clone, Default)]
pub struct HttpMatch {
    /// `name`.
    pub name: Box<str>,
    /// `uri`, with `ignoreUriCase`.
    pub uri: Option<TextMatcher>,
    /// `scheme`.
    pub scheme: Option<TextMatcher>,
    /// `method`.
    pub method: Option<TextMatcher>,
    /// `authority`.
    pub authority: Option<TextMatcher>,
    /// `headers`.
    pub headers: Vec<(HeaderSubject, ValueMatcher)>,
    /// `withoutHeaders`.
    pub without_headers: Vec<(HeaderSubject, ValueMatcher)>,
    /// `queryParams`.
    pub query_params: Vec<(Box<str>, ValueMatcher)>,
    /// `port` of the listener.
    pub port: Option<u16>,
    /// `sourceLabels`: of the proxy that sends the request.
    pub source_labels: Labels,
    /// `sourceNamespace`: of the same.
    pub source_namespace: Option<Box<str>>,
    /// `gateways`, as they are named.
    pub gateways: Vec<Box<str>>,
}

/// What a key of `headers` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderSubject {
    /// A header, in lower case; a pseudo-header with its colon.
    Header(Box<str>),
    /// A claim: names from the outside in.
    Claim(Box<[Box<str>]>),
}

impl HttpMatch {
    /// Whether it takes every request that the proxy sends, as Istio tells it: what
    /// comes after it is of no use then.
    pub fn takes_all(&self) -> bool {
        self.uri.as_ref().is_none_or(TextMatcher::takes_all_paths)
            && self.scheme.is_none()
            && self.method.is_none()
            && self.authority.is_none()
            && self.headers.is_empty()
            && self.without_headers.is_empty()
            && self.query_params.is_empty()
    }
}

/// Reads one item; a field that is wrong is left out, and there is an error.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<HttpMatch> {
    let mut object = node.object(diagnostics)?;
    let ignore_case = object
        .take("ignoreUriCase")
        .and_then(|ignore| ignore.boolean(diagnostics))
        .unwrap_or_default();
    let uri = object
        .take("uri")
        .and_then(|uri| string_match::read_path(&uri, ignore_case, diagnostics));
    let mut text = |object: &mut Object<'_>, key| {
        let node = object.take(key)?;
        string_match::read_text(&node, diagnostics)
    };
    let scheme = text(&mut object, "scheme");
    let method = text(&mut object, "method");
    let authority = text(&mut object, "authority");
    let read = HttpMatch {
        name: super::http_route::name(&mut object, diagnostics),
        uri,
        scheme,
        method,
        authority,
        headers: subjects(object.take("headers"), diagnostics),
        without_headers: subjects(object.take("withoutHeaders"), diagnostics),
        query_params: query_params(object.take("queryParams"), diagnostics),
        port: object
            .take("port")
            .and_then(|port| port.integer(1..=u16::MAX, diagnostics)),
        source_labels: labels(object.take("sourceLabels"), diagnostics),
        source_namespace: object
            .take("sourceNamespace")
            .and_then(|namespace| namespace.string(diagnostics))
            .filter(|namespace| !namespace.is_empty())
            .map(Into::into),
        gateways: super::virtual_service::texts(object.take("gateways"), diagnostics),
    };
    // It names metrics of Envoy's router, which a filter has no part in.
    object.ignore(&["statPrefix"]);
    object.finish(diagnostics);
    Some(read)
}

fn subjects(
    node: Option<Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> Vec<(HeaderSubject, ValueMatcher)> {
    let entries = node.and_then(|node| node.entries(diagnostics));
    let mut subjects = Vec::new();
    for (key, node) in entries.unwrap_or_default() {
        let subject = subject(key, &node, diagnostics);
        let matcher = string_match::read(&node, false, diagnostics);
        subjects.extend(subject.zip(matcher));
    }
    subjects
}

fn subject(key: &str, node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<HeaderSubject> {
    let is_claim = key
        .get(..CLAIMS.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(CLAIMS));
    let subject = if is_claim {
        let rest = key.get(CLAIMS.len()..).unwrap_or_default();
        let path = match rest.strip_prefix('.') {
            Some(dotted) if !dotted.starts_with('[') => claim_path(dotted),
            None if rest.starts_with('[') => claim_path(rest),
            _ => None,
        };
        path.map(|path| HeaderSubject::Claim(path.into()))
    } else {
        header_operations::is_name(key)
            .then(|| HeaderSubject::Header(key.to_ascii_lowercase().into()))
    };
    if subject.is_none() {
        let expected =
            "a key that is the name of a header, or @request.auth.claims with .NAME or [NAME]";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
    }
    subject
}

/// `a.b` or `[a][b]`: in brackets a name may have dots.
pub(crate) fn claim_path(text: &str) -> Option<Vec<Box<str>>> {
    let names: Vec<&str> = match text.strip_prefix('[') {
        None => text.split('.').collect(),
        Some(rest) => {
            let mut rest = rest.strip_suffix(']')?;
            let mut names = Vec::new();
            while let Some((name, others)) = short_text::split_once(rest, "][") {
                names.push(name);
                rest = others;
            }
            names.push(rest);
            names
        }
    };
    let is_whole = names.iter().all(|name| !name.is_empty());
    is_whole.then(|| names.into_iter().map(Into::into).collect())
}

fn query_params(
    node: Option<Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Box<str>, ValueMatcher)> {
    let entries = node.and_then(|node| node.entries(diagnostics));
    let mut parameters = Vec::new();
    for (key, node) in entries.unwrap_or_default() {
        if key.is_empty() {
            let expected = "the name of a parameter";
            node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
        }
        let matcher = string_match::read(&node, false, diagnostics);
        parameters.extend(matcher.map(|matcher| (key.into(), matcher)));
    }
    parameters
}

fn labels(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Labels {
    let entries = node.and_then(|node| node.string_map(diagnostics));
    let mut labels = Labels::default();
    for (key, value) in entries.unwrap_or_default() {
        labels.insert(key.to_owned(), value.to_owned());
    }
    labels
}
