//! Lines that are no JSON, or not what serde makes of them.

use super::LineKind;
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::line_source::LinePlace;

pub(super) fn not_utf8(line: &[u8], place: LinePlace, valid_bytes: usize) -> Diagnostic {
    let byte = line.get(valid_bytes).copied().unwrap_or_default();
    let offset = place.offset + u64::try_from(valid_bytes).unwrap_or(u64::MAX);
    let diagnostic = Diagnostic::new(Code::NotUtf8, format!("byte 0x{byte:02x}"), "UTF-8 text")
        .at(place.number, offset);
    match line {
        // A byte order mark is one at the beginning of the input only.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] if place.offset == 0 => {
            diagnostic.suggest("this is UTF-16: save the file as UTF-8")
        }
        _ => diagnostic.suggest(
            "write a value that is not UTF-8 as {\"base64\":\"…\"} in place of the string",
        ),
    }
}

pub(super) fn truncated(length: usize, place: LinePlace) -> Diagnostic {
    let end = place.offset + u64::try_from(length).unwrap_or(u64::MAX);
    let expected = "a whole JSON object and a line feed";
    Diagnostic::new(
        Code::Truncated,
        "the end of the input inside a line",
        expected,
    )
    .at(place.number, end)
    .suggest("the file was cut off: take everything before this line, or copy it again")
}

pub(super) fn not_json(
    text: &str,
    place: LinePlace,
    kind: LineKind,
    error: &serde_json::Error,
) -> Diagnostic {
    let column = u64::try_from(error.column())
        .unwrap_or(u64::MAX)
        .saturating_sub(1);
    let offset = place.offset.saturating_add(column);
    if error.is_eof() && !place.is_terminated {
        return truncated(text.len(), place);
    }
    let code = if kind == LineKind::Header {
        Code::NotARecording
    } else {
        Code::NotJson
    };
    let diagnostic = Diagnostic::new(
        code,
        format!("{} ({error})", quote(text)),
        "one JSON object a line",
    )
    .at(place.number, offset);
    match kind {
        LineKind::Header => diagnostic.suggest(
            "a recording starts with {\"recording\":\"sluice/v1\",\"source\":…}; `sluice import` makes one from a tap, an archive or an access log",
        ),
        LineKind::Exchange => diagnostic,
    }
}

/// The tables missed what serde saw: a key written twice, or a number too large.
pub(super) fn unexplained(place: LinePlace, reason: &serde_json::Error) -> Diagnostic {
    let message = reason.to_string();
    let place_words = message.rfind(" at line ").unwrap_or(message.len());
    let words = message.get(..place_words).unwrap_or(&message);
    let (code, found, expected) = match words.strip_prefix("duplicate field `") {
        Some(name) => (
            Code::DuplicateField,
            quote(name.trim_end_matches('`')),
            "each key once",
        ),
        None => (
            Code::InvalidValue,
            quote(words),
            "a line of the format sluice/v1",
        ),
    };
    Diagnostic::new(code, found, expected).at(place.number, place.offset)
}
