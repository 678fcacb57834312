//! Finds the tokens of a request, where and in the order in which Envoy does.

use std::borrow::Cow;

use crate::cookie;
use crate::draft::Draft;
use crate::program::{Locations, NameId, Program};
use crate::query;

/// What may be a token, and where it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'r> {
    pub(crate) text: Cow<'r, [u8]>,
    pub(crate) place: Place,
}

/// Where a token was found; numbers are those of the rule's [`Locations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Header(NameId),
    Parameter(usize),
    Cookie,
}

/// The tokens of a request in the order of collection: headers, parameters, cookies.
pub(crate) fn tokens<'r>(
    program: &Program,
    locations: &Locations,
    draft: &Draft<'r>,
) -> Vec<Found<'r>> {
    let mut found = Vec::new();
    in_headers(program, locations, draft, &mut found);
    in_parameters(locations, draft, &mut found);
    in_cookies(locations, draft, &mut found);
    found
}

fn in_headers<'r>(
    program: &Program,
    locations: &Locations,
    draft: &Draft<'r>,
    found: &mut Vec<Found<'r>>,
) {
    for (name, prefix) in &locations.headers {
        for value in lines(program, *name, draft) {
            if let Some(text) = after_prefix(value, prefix) {
                let place = Place::Header(*name);
                found.push(Found { text, place });
            }
        }
    }
}

fn in_parameters<'r>(locations: &Locations, draft: &Draft<'r>, found: &mut Vec<Found<'r>>) {
    for (number, name) in locations.parameters.iter().enumerate() {
        if let Some(text) = parameter(draft, name) {
            let place = Place::Parameter(number);
            found.push(Found { text, place });
        }
    }
}

fn in_cookies<'r>(locations: &Locations, draft: &Draft<'r>, found: &mut Vec<Found<'r>>) {
    let Some(header) = locations.cookie_header else {
        return;
    };
    for name in &locations.cookies {
        let mut lines = draft.values(header);
        if let Some(text) = lines.find_map(|line| cookie_value(line, name)) {
            let place = Place::Cookie;
            found.push(Found { text, place });
        }
    }
}

/// The lines of a header, of which Envoy has joined some already: several lines of
/// `authorization` are one to its filters.
fn lines<'r>(program: &Program, name: NameId, draft: &Draft<'r>) -> Vec<Cow<'r, [u8]>> {
    let lines: Vec<_> = draft.values(name).collect();
    if lines.len() > 1 && program.name(name) == b"authorization" {
        return vec![Cow::Owned(lines.join(&b','))];
    }
    lines
}

/// What follows the prefix, which may stand anywhere in the value; all of the value
/// without a prefix. What could not be part of a token is passed over.
fn after_prefix<'r>(value: Cow<'r, [u8]>, prefix: &[u8]) -> Option<Cow<'r, [u8]>> {
    if prefix.is_empty() {
        return Some(value);
    }
    let end = find(&value, prefix)? + prefix.len();
    let rest = value.get(end..)?;
    // With nothing of a token behind it, Envoy takes all of the value for one.
    let start = rest
        .iter()
        .position(|byte| is_of_token(*byte))
        .map_or(0, |skipped| end + skipped);
    Some(tail(value, start))
}

fn tail(value: Cow<'_, [u8]>, start: usize) -> Cow<'_, [u8]> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(start..).unwrap_or_default()),
        Cow::Owned(mut value) => Cow::Owned(value.split_off(start.min(value.len()))),
    }
}

fn find(value: &[u8], prefix: &[u8]) -> Option<usize> {
    value
        .windows(prefix.len())
        .position(|window| window == prefix)
}

/// RFC 4648 section 5, and the dot.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn parameter<'r>(draft: &Draft<'r>, name: &[u8]) -> Option<Cow<'r, [u8]>> {
    match draft.path() {
        Cow::Borrowed(path) => query::first(path, name),
        Cow::Owned(path) => query::first(path, name).map(|value| Cow::Owned(value.into_owned())),
    }
}

fn cookie_value<'r>(line: Cow<'r, [u8]>, name: &[u8]) -> Option<Cow<'r, [u8]>> {
    match line {
        Cow::Borrowed(line) => cookie::first(line, name).map(Cow::Borrowed),
        Cow::Owned(line) => cookie::first(&line, name).map(|value| Cow::Owned(value.to_vec())),
    }
}
