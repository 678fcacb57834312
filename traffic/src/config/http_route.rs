//! One item of `http`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration, field};

use super::destination::{self, WeightedDestination};
use super::header_operations::{self, Headers};
use super::http_match::{self, HttpMatch};
use super::mirror::{self, Mirror};
use super::redirect::{self, Redirect};
use super::retries::{self, Retries};
use super::rewrite::{self, Rewrite};
use super::{Cors, cors};
use crate::fault::{self, Fault};

/// A route: requests that it takes, and what becomes of them.
#[derive(Debug, Clone)]
pub struct HttpRoute {
    /// `name`.
    pub name: Box<str>,
    /// `match`: any of them; all requests if there are none.
    pub matches: Vec<HttpMatch>,
    /// What becomes of the request.
    pub action: RouteAction,
    /// `rewrite`.
    pub rewrite: Rewrite,
    /// `timeout`.
    pub timeout_ms: Option<u32>,
    /// `retries`.
    pub retries: Option<Retries>,
    /// `fault`.
    pub fault: Option<Fault>,
    /// `mirror`, `mirrors`.
    pub mirrors: Vec<Mirror>,
    /// `corsPolicy`.
    pub cors: Option<Cors>,
    /// `headers`.
    pub headers: Headers,
    /// Where it stands.
    pub path: Box<str>,
}

/// `route`, `redirect` or `directResponse`.
#[derive(Debug, Clone)]
pub enum RouteAction {
    /// It is sent to one of them.
    Forward(Vec<WeightedDestination>),
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// It is answered.
    Respond(DirectResponse),
}

/// `directResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectResponse {
    /// `status`.
    pub status: u16,
    /// `body`.
    pub body: Box<[u8]>,
}

/// What says what becomes of a request; one of them.
const ACTIONS: [&str; 3] = ["route", "redirect", "directResponse"];

/// Reads one item; nothing if it does not say what becomes of requests.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<HttpRoute> {
    let mut object = node.object(diagnostics)?;
    let name = name(&mut object, diagnostics);
    let matches = object.take("match");
    let action = action(&mut object, node, diagnostics);
    let rewrite = rewrite::read(&mut object, diagnostics);
    let timeout = object.take("timeout");
    let timeout_ms = timeout.and_then(|node| duration::milliseconds(&node, diagnostics));
    let retries = retries::read(&mut object, diagnostics);
    let fault = object.take("fault");
    let mirrors = mirror::read_all(&mut object, diagnostics);
    let cors = cors::read(&mut object, diagnostics);
    let headers = header_operations::read(object.take("headers"), diagnostics);
    object.finish(diagnostics);
    if let Some(RouteAction::Redirect(_) | RouteAction::Respond(_)) = &action {
        check_answer(node, diagnostics);
    }
    Some(HttpRoute {
        name,
        matches: self::matches(matches, diagnostics),
        action: action?,
        rewrite,
        timeout_ms,
        retries,
        fault: fault.and_then(|fault| fault::config::read(&fault, diagnostics)),
        mirrors,
        cors,
        headers,
        path: node.path().into(),
    })
}

/// What a route that answers by itself must not have: Istio refuses it.
const NOT_FOR_ANSWERS: [&str; 2] = ["fault", "rewrite"];

/// What Istio accepts there, and nothing comes of it.
const IDLE_FOR_ANSWERS: [&str; 4] = ["timeout", "retries", "mirror", "mirrors"];

/// Reports what a route has that answers by itself, and what only routes can have that
/// send a request on.
fn check_answer(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let Some(mut object) = node.object(diagnostics) else {
        return;
    };
    for node in NOT_FOR_ANSWERS
        .into_iter()
        .filter_map(|key| object.take(key))
    {
        node.error(DiagnosticCode::ConflictingFields, NOTHING_SENT, diagnostics);
    }
    for node in IDLE_FOR_ANSWERS
        .into_iter()
        .filter_map(|key| object.take(key))
    {
        warn_of_idle(&node, NOTHING_SENT, diagnostics);
    }
}

const NOTHING_SENT: &str = "nothing of it on a route that answers by itself";

/// Warns of what Istio accepts, and nothing comes of it.
pub(super) fn warn_of_idle(node: &Node<'_>, expected: &str, diagnostics: &mut Diagnostics) {
    let found = "a key without effect";
    diagnostics.warning(DiagnosticCode::IgnoredKey, node.path(), found, expected);
}

/// `name` of a route or a match; empty if it has none.
pub(super) fn name(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Box<str> {
    let name = object
        .take("name")
        .and_then(|name| field::value(&name, diagnostics));
    name.unwrap_or_default().into()
}

fn matches(node: Option<Node<'_>>, diagnostics: &mut Diagnostics) -> Vec<HttpMatch> {
    let items = node.and_then(|node| node.items(diagnostics));
    let mut matches = Vec::new();
    for item in items.unwrap_or_default() {
        matches.extend(http_match::read(&item, diagnostics));
    }
    matches
}

fn action(
    object: &mut Object<'_>,
    node: &Node<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<RouteAction> {
    let given = ACTIONS.map(|key| object.take(key));
    if let Some(delegate) = object.take("delegate") {
        let expected = "the routes of that VirtualService in place of `delegate`: a filter sees one resource at a time";
        delegate.error(DiagnosticCode::NotPossibleInWasm, expected, diagnostics);
        return None;
    }
    let mut others = given.iter().flatten().skip(1);
    if let Some(second) = others.next() {
        let expected = "only one of route, redirect and directResponse";
        second.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    match given {
        [Some(route), ..] => {
            let destinations = destination::read_all(&route, diagnostics);
            Some(RouteAction::Forward(destinations))
        }
        [_, Some(redirect), _] => redirect::read(&redirect, diagnostics).map(RouteAction::Redirect),
        [.., Some(response)] => read_response(&response, diagnostics).map(RouteAction::Respond),
        _ => {
            let expected = "route, redirect or directResponse";
            diagnostics.error(
                DiagnosticCode::MissingKey,
                node.path(),
                "none of them",
                expected,
            );
            None
        }
    }
}

fn read_response(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<DirectResponse> {
    let mut object = node.object(diagnostics)?;
    let status = object.require("status", diagnostics);
    let body = object.take("body");
    object.finish(diagnostics);
    let body = body.map_or(Some(Box::default()), |body| read_body(&body, diagnostics));
    Some(DirectResponse {
        status: status?.integer(200..=599, diagnostics)?,
        body: body?,
    })
}

fn read_body(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<[u8]>> {
    let mut object = node.object(diagnostics)?;
    let string = object.take("string");
    let bytes = object.take("bytes");
    object.finish(diagnostics);
    if let (Some(_), Some(bytes)) = (&string, &bytes) {
        let expected = "only one of string and bytes";
        bytes.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    if let Some(string) = string {
        return Some(string.string(diagnostics)?.as_bytes().into());
    }
    let Some(bytes) = bytes else {
        return Some(Box::default());
    };
    let decoded = BASE64_STANDARD.decode(bytes.string(diagnostics)?);
    if decoded.is_err() {
        let expected = "bytes in base64 (RFC 4648 section 4)";
        bytes.error(DiagnosticCode::WrongType, expected, diagnostics);
    }
    decoded.ok().map(Into::into)
}
