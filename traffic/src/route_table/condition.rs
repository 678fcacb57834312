//! What a route demands of a request besides its host and path.

use serde_json::{Map, Value};
use sluice_policy::{Attribute, AttributeSet, Fact, Request};

use crate::config::ValueMatcher;
use crate::effort::Effort;

/// Where Envoy's and sluice's JWT filters leave the claims of a token.
const JWT_NAMESPACE: &str = "envoy.filters.http.jwt_authn";
const JWT_PAYLOAD: &str = "payload";

/// One condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// A header or pseudo-header, any line of it.
    Header(Box<str>, ValueMatcher),
    /// No line of it is such. One that is missing counts as empty, as in Istio.
    WithoutHeader(Box<str>, ValueMatcher),
    /// A claim: a text, or an item of a list.
    Claim(Box<[Box<str>]>, ValueMatcher),
    /// Not such a claim.
    WithoutClaim(Box<[Box<str>]>, ValueMatcher),
    /// The first parameter of that name in the query, as it came.
    Parameter(Box<str>, ValueMatcher),
    /// The listener's port.
    Port(u16),
}

impl Condition {
    /// Adds what it looks at.
    pub(crate) fn demand(&self, demand: &mut AttributeSet) {
        demand.insert(match self {
            Self::Header(name, _) | Self::WithoutHeader(name, _) => attribute_of(name),
            Self::Claim(..) | Self::WithoutClaim(..) => Attribute::Metadata,
            Self::Parameter(..) => Attribute::Path,
            Self::Port(_) => Attribute::DestinationAddress,
        });
    }

    /// Whether it holds; none if a fact is missing.
    pub(crate) fn holds(&self, request: &Request<'_>, effort: &Effort) -> Option<bool> {
        match self {
            Self::Header(name, matcher) => any_line(request, name, (matcher, false), effort),
            Self::WithoutHeader(name, matcher) => {
                any_line(request, name, (matcher, true), effort).map(|any| !any)
            }
            Self::Claim(path, matcher) => has_claim(request, path, matcher, effort),
            Self::WithoutClaim(path, matcher) => {
                has_claim(request, path, matcher, effort).map(|has| !has)
            }
            Self::Parameter(name, matcher) => {
                let path = known(request.path)?.unwrap_or_default();
                let value = parameter(path, name.as_bytes());
                Some(value.is_some_and(|value| takes(matcher, value, effort)))
            }
            Self::Port(port) => {
                let address = known(request.connection.destination_address)?;
                Some(address.is_some_and(|address| address.port() == *port))
            }
        }
    }
}

/// A fact, if it is known; within, whether it is there.
fn known<T>(fact: Fact<T>) -> Option<Option<T>> {
    match fact {
        Fact::Present(value) => Some(Some(value)),
        Fact::Absent => Some(None),
        Fact::Unavailable => None,
    }
}

fn takes(matcher: &ValueMatcher, value: &[u8], effort: &Effort) -> bool {
    match matcher {
        ValueMatcher::Present => true,
        ValueMatcher::Text(matcher) => matcher.matches(value, effort),
    }
}

fn any_line(
    request: &Request<'_>,
    name: &str,
    (matcher, is_empty_if_missing): (&ValueMatcher, bool),
    effort: &Effort,
) -> Option<bool> {
    let mut is_there = false;
    let mut takes_any = false;
    for value in header(request, name)? {
        is_there = true;
        takes_any |= takes(matcher, value, effort);
    }
    if is_there || !is_empty_if_missing {
        return Some(takes_any);
    }
    Some(match matcher {
        ValueMatcher::Present => false,
        ValueMatcher::Text(matcher) => matcher.matches(b"", effort),
    })
}

/// Where a header is found.
pub(crate) fn attribute_of(name: &str) -> Attribute {
    match name {
        ":method" => Attribute::Method,
        ":path" => Attribute::Path,
        ":authority" | "host" => Attribute::Authority,
        _ => Attribute::Headers,
    }
}

/// The values of a header, in wire order; none if headers are unknown.
pub(crate) fn header<'a>(
    request: &Request<'a>,
    name: &'a str,
) -> Option<impl Iterator<Item = &'a [u8]>> {
    let pseudo = match name {
        ":method" => Some(request.method),
        ":path" => Some(request.path),
        ":authority" | "host" => Some(request.authority),
        _ => None,
    };
    let (single, lines) = match pseudo {
        Some(fact) => (known(fact)?, &[][..]),
        None => (None, known(request.headers)?.unwrap_or_default()),
    };
    let lines = lines
        .iter()
        .filter(move |(line, _)| *line == name.as_bytes())
        .map(|(_, value)| *value);
    Some(single.into_iter().chain(lines))
}

fn has_claim(
    request: &Request<'_>,
    path: &[Box<str>],
    matcher: &ValueMatcher,
    effort: &Effort,
) -> Option<bool> {
    let Some(metadata) = known(request.metadata)? else {
        return Some(false);
    };
    let is_such = |value: &Value| match value {
        Value::String(text) => takes(matcher, text.as_bytes(), effort),
        _ => false,
    };
    Some(match claim(metadata, path) {
        Some(Value::Array(items)) => items.iter().any(is_such),
        Some(value) => is_such(value),
        None => false,
    })
}

/// The first line of a header; none if there is none, or headers are unknown.
pub(crate) fn first_line<'a>(request: &Request<'a>, name: &'a str) -> Option<&'a [u8]> {
    header(request, name)?.next()
}

/// A claim of the token that identifies the client, by its names from the outside in.
pub(crate) fn claim<'m>(metadata: &'m Map<String, Value>, path: &[Box<str>]) -> Option<&'m Value> {
    let payload = metadata.get(JWT_NAMESPACE)?.get(JWT_PAYLOAD)?;
    path.iter()
        .try_fold(payload, |value, name| value.get(&**name))
}

/// A path without its query.
pub(crate) fn without_query(path: &[u8]) -> &[u8] {
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The first parameter of that name, as it came: Envoy decodes nothing.
pub(crate) fn parameter<'p>(path: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    let question = path.iter().position(|byte| *byte == b'?')?;
    let query = path.get(question + 1..)?;
    let query = without_fragment(query);
    query.split(|byte| *byte == b'&').find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (key, value) = match equals {
            Some(equals) => (pair.get(..equals)?, pair.get(equals + 1..)?),
            None => (pair, &b""[..]),
        };
        (key == name).then_some(value)
    })
}

fn without_fragment(query: &[u8]) -> &[u8] {
    let end = query.iter().position(|byte| *byte == b'#');
    end.and_then(|end| query.get(..end)).unwrap_or(query)
}
