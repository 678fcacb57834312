//! Why a line is refused.
//!
//! Reading takes the fast way through serde's derived code, whose errors name
//! neither path nor advice. A line that fails there is parsed again into plain
//! JSON and compared with the tables below, which find everything that is wrong
//! with it. Tests compare the tables with the derived code.

mod line;
mod shape;
mod walk;

use serde_json::Value;

use crate::Exchange;
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::line_source::LinePlace;
use shape::{EXCHANGE, HEADER, Shape};
use walk::Walk;

/// Which of the two kinds of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Header,
    Exchange,
}

/// Everything that is wrong with a line that serde refused for `reason`.
/// Never empty.
pub(crate) fn explain(
    line: &[u8],
    place: LinePlace,
    kind: LineKind,
    reason: &serde_json::Error,
) -> Vec<Diagnostic> {
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        // Cut inside a character.
        Err(error) if error.error_len().is_none() && !place.is_terminated => {
            return vec![line::truncated(line.len(), place)];
        }
        Err(error) => return vec![line::not_utf8(line, place, error.valid_up_to())],
    };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return vec![line::not_json(text, place, kind, &error)],
    };
    let mut walk = Walk {
        place: Some(place),
        found: Vec::new(),
    };
    let keys = if kind == LineKind::Header {
        HEADER
    } else {
        EXCHANGE
    };
    walk.value(&value, Shape::Object(keys), "");
    if walk.found.is_empty() {
        walk.found.push(line::unexplained(place, reason));
    }
    walk.found
}

/// Whether a reader would accept an exchange that did not come from one.
///
/// # Errors
///
/// The first thing that it would refuse, without a place.
pub(crate) fn check(exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
    if exchange.is_possible() {
        return Ok(());
    }
    let mut walk = Walk {
        place: None,
        found: Vec::new(),
    };
    if let Ok(value) = serde_json::to_value(exchange) {
        walk.value(&value, Shape::Object(EXCHANGE), "");
    }
    Err(walk.found.into_iter().next().unwrap_or_else(|| {
        let expected = "an exchange that Envoy can have recorded";
        Diagnostic::new(Code::InvalidValue, quote(&exchange.id), expected)
    }))
}

#[cfg(test)]
mod tests;
