//! A tap has no peer identity; an access-log line of the same request may.

use std::collections::HashMap;

use crate::{AttributeValue, Exchange, Recorded};

/// Access-log lines by `x-request-id`.
///
/// Add every line, observe every exchange, then attach: only when all exchanges have
/// been seen is it sure that a line belongs to one alone.
#[derive(Debug, Default)]
pub struct AccessLogIndex {
    lines: HashMap<Vec<u8>, Vec<IndexedLine>>,
}

/// Whether an exchange found its access-log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinOutcome {
    /// Exactly one line fits, and it fits no other exchange.
    Joined,
    /// No line fits.
    Unmatched,
    /// Several lines fit, or the line fits several exchanges.
    Ambiguous,
}

#[derive(Debug)]
struct IndexedLine {
    line: Exchange<'static>,
    claims: u64,
}

/// Facts that both sides have must agree, or two requests shared an id.
const COMPARED_HEADERS: [&str; 3] = [":method", ":path", ":authority"];

/// Likewise.
const COMPARED_ATTRIBUTES: [&str; 2] = ["source.address", "destination.address"];

impl AccessLogIndex {
    /// Adds an access-log line. One without a request id fits nothing and is not kept.
    pub fn add(&mut self, line: Exchange<'static>) {
        if let Some(id) = request_id(&line) {
            self.lines
                .entry(id)
                .or_default()
                .push(IndexedLine { line, claims: 0 });
        }
    }

    /// Notes which lines an exchange could belong to.
    pub fn observe(&mut self, exchange: &Exchange<'_>) {
        for candidate in self.candidates(exchange) {
            candidate.claims += 1;
        }
    }

    /// Adds to an exchange what its line knows and it does not.
    pub fn attach(&mut self, exchange: &mut Exchange<'static>) -> JoinOutcome {
        let mut candidates: Vec<_> = self.candidates(exchange).collect();
        match candidates.as_mut_slice() {
            [] => JoinOutcome::Unmatched,
            [only] if only.claims <= 1 => {
                complete(exchange, &only.line);
                JoinOutcome::Joined
            }
            _ => JoinOutcome::Ambiguous,
        }
    }

    /// How many lines no observed exchange could belong to.
    pub(super) fn unused(&self) -> u64 {
        let unused = self
            .lines
            .values()
            .flatten()
            .filter(|line| line.claims == 0)
            .count();
        u64::try_from(unused).unwrap_or(u64::MAX)
    }

    fn candidates(&mut self, exchange: &Exchange<'_>) -> impl Iterator<Item = &mut IndexedLine> {
        let same_id = request_id(exchange).and_then(|id| self.lines.get_mut(&id));
        same_id
            .into_iter()
            .flatten()
            .filter(|candidate| agree(exchange, &candidate.line))
    }
}

fn request_id(exchange: &Exchange<'_>) -> Option<Vec<u8>> {
    exchange
        .request
        .headers
        .first("x-request-id")
        .map(<[u8]>::to_vec)
}

fn agree(exchange: &Exchange<'_>, line: &Exchange<'_>) -> bool {
    let headers = COMPARED_HEADERS.iter().all(|name| {
        header_agrees(
            exchange.request.headers.first(name),
            line.request.headers.first(name),
        )
    });
    let attributes = COMPARED_ATTRIBUTES.iter().all(|name| {
        let (left, right) = (exchange.attributes.get(name), line.attributes.get(name));
        left.is_unknown() || right.is_unknown() || left == right
    });
    headers && attributes && status_agrees(exchange, line)
}

/// A JSON log replaces bytes that are not UTF-8, so only ASCII can be compared.
fn header_agrees(left: Option<&[u8]>, right: Option<&[u8]>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left == right || !left.is_ascii(),
        _ => true,
    }
}

fn status_agrees(exchange: &Exchange<'_>, line: &Exchange<'_>) -> bool {
    let status = |exchange: &Exchange<'_>| match &exchange.response {
        Recorded::Known(response) => response.status(),
        Recorded::Absent | Recorded::Unknown => None,
    };
    match (status(exchange), status(line)) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}

fn complete(exchange: &mut Exchange<'static>, line: &Exchange<'static>) {
    for (name, value) in line.attributes.iter() {
        exchange
            .attributes
            .insert_missing(name.to_owned().into(), AttributeValue::clone(value));
    }
    exchange.time = exchange.time.or(line.time);
    if let (Recorded::Known(response), Recorded::Known(logged)) =
        (&mut exchange.response, &line.response)
    {
        response.latency_ms = response.latency_ms.or(logged.latency_ms);
    }
}
