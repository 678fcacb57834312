//! What pages of other origins are told, as Envoy's filter for it does.

use sluice_policy::{HeaderEdit, Reply, Request};

use crate::config::{Cors, ValueMatcher};
use crate::effort::Effort;
use crate::route_table::header;

/// What is to be done about a request's origin.
pub(super) enum Answer {
    /// Nothing.
    Nothing,
    /// The question whether a page may ask is answered.
    Preflight(Reply),
    /// The response says who may read it.
    Response(Vec<HeaderEdit>),
}

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";

/// Looks at the origin of a request.
pub(super) fn look_at(cors: &Cors, request: &Request<'_>) -> Answer {
    let Some(origin) = first(request, "origin") else {
        return Answer::Nothing;
    };
    let is_preflight = first(request, ":method") == Some(b"OPTIONS")
        && first(request, "access-control-request-method").is_some();
    let effort = Effort::default();
    let is_allowed = cors.origins.iter().any(|matcher| match matcher {
        ValueMatcher::Present => true,
        ValueMatcher::Text(matcher) => matcher.matches(origin, &effort),
    });
    match (is_allowed, is_preflight) {
        (true, true) => Answer::Preflight(preflight(cors, origin)),
        (true, false) => Answer::Response(response(cors, origin)),
        (false, true) if !cors.forwards_unmatched => Answer::Preflight(empty(Vec::new())),
        (false, _) => Answer::Nothing,
    }
}

/// A header that is there and not empty.
fn first<'a>(request: &Request<'a>, name: &'a str) -> Option<&'a [u8]> {
    header(request, name)?
        .next()
        .filter(|value| !value.is_empty())
}

fn preflight(cors: &Cors, origin: &[u8]) -> Reply {
    let mut headers = vec![line(ALLOW_ORIGIN, origin)];
    if cors.credentials {
        headers.push(line(ALLOW_CREDENTIALS, b"true"));
    }
    let age = cors.max_age_s.as_deref().unwrap_or_default();
    let lists = [
        ("access-control-allow-methods", &*cors.methods),
        ("access-control-allow-headers", &*cors.headers),
        ("access-control-max-age", age),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    headers.extend(lists.map(|(name, list)| line(name, list.as_bytes())));
    empty(headers)
}

fn empty(headers: Vec<(Vec<u8>, Vec<u8>)>) -> Reply {
    Reply {
        status: 200,
        headers,
        body: Vec::new(),
        details: b"cors_response".to_vec(),
        grpc_status: None,
    }
}

fn response(cors: &Cors, origin: &[u8]) -> Vec<HeaderEdit> {
    let set = |name: &str, value: &[u8]| HeaderEdit::Set(name.into(), value.into());
    let mut edits = vec![set(ALLOW_ORIGIN, origin)];
    if cors.credentials {
        edits.push(set(ALLOW_CREDENTIALS, b"true"));
    }
    if !cors.exposed.is_empty() {
        edits.push(set(
            "access-control-expose-headers",
            cors.exposed.as_bytes(),
        ));
    }
    edits
}

fn line(name: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (name.as_bytes().to_vec(), value.to_vec())
}
