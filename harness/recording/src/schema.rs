//! Why a line is refused.
//!
//! Reading takes the fast way through serde's derived code, whose errors name
//! neither path nor advice. A line that fails there is parsed again into plain
//! JSON and compared with the tables below, which find everything that is wrong
//! with it. Tests compare the tables with the derived code.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::attribute::{AttributeKind, Form};
use crate::diagnostic::{Code, Diagnostic, one_of, quote, quote_bytes};
use crate::fields::{is_field_name, is_field_value};
use crate::line_source::LinePlace;
use crate::recording_header::{InvalidVersion, Version};
use crate::section::{self, Fault, Section, is_latency, is_status};
use crate::text::decode_base64;
use crate::timestamp::InvalidTimestamp;
use crate::{AttributeValue, Exchange, Outcome, Paths, Source, Timestamp};

/// What a value may look like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Bool,
    Status,
    Time,
    Version,
    Choice(&'static [&'static str]),
    Object(&'static [Key]),
    Body,
    Message(Section),
    Fields(Section),
    Latency,
    Names,
    FieldNames,
    Attributes,
    HeaderExpectations,
}

/// A key of an object.
#[derive(Debug, Clone, Copy)]
struct Key {
    name: &'static str,
    shape: Shape,
    is_required: bool,
    is_nullable: bool,
}

const fn required(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: true,
        is_nullable: false,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: false,
        is_nullable: true,
    }
}

/// For serde, `null` in a list or a map is no list and no map.
const fn defaulted(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: false,
        is_nullable: false,
    }
}

const HEADER: &[Key] = &[
    required("recording", Shape::Version),
    required("source", Shape::Choice(&Source::NAMES)),
    optional("paths", Shape::Choice(&Paths::NAMES)),
    optional("created", Shape::Time),
    optional("creator", Shape::Text),
    optional("description", Shape::Text),
    defaulted("redacted", Shape::Names),
];

const EXCHANGE: &[Key] = &[
    required("id", Shape::Text),
    optional("time", Shape::Time),
    defaulted("attributes", Shape::Attributes),
    required("request", Shape::Message(Section::Request)),
    optional("response", Shape::Message(Section::Response)),
    optional("expect", Shape::Object(EXPECT)),
];

const REQUEST: &[Key] = &[
    required("headers", Shape::Fields(Section::Request)),
    optional("partial", Shape::Object(PARTIAL)),
    optional("body", Shape::Body),
    optional("trailers", Shape::Fields(Section::Trailers)),
];

const RESPONSE: &[Key] = &[
    required("headers", Shape::Fields(Section::Response)),
    optional("partial", Shape::Object(PARTIAL)),
    optional("body", Shape::Body),
    optional("trailers", Shape::Fields(Section::Trailers)),
    optional("latency_ms", Shape::Latency),
];

const PARTIAL: &[Key] = &[defaulted("absent", Shape::FieldNames)];

const EXPECT: &[Key] = &[
    optional("outcome", Shape::Choice(&Outcome::NAMES)),
    optional("status", Shape::Status),
    optional("plugin", Shape::Text),
    optional("rule", Shape::Text),
    optional("details", Shape::Text),
    defaulted("request_headers", Shape::HeaderExpectations),
    defaulted("response_headers", Shape::HeaderExpectations),
];

const BODY: &[Key] = &[
    defaulted("text", Shape::Text),
    defaulted("base64", Shape::Text),
    defaulted("truncated", Shape::Bool),
];

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
            return vec![truncated(line.len(), place)];
        }
        Err(error) => return vec![not_utf8(line, place, error.valid_up_to())],
    };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return vec![not_json(text, place, kind, &error)],
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
        walk.found.push(unexplained(place, reason));
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

fn not_utf8(line: &[u8], place: LinePlace, valid_bytes: usize) -> Diagnostic {
    let byte = line.get(valid_bytes).copied().unwrap_or_default();
    let offset = place.offset + u64::try_from(valid_bytes).unwrap_or(u64::MAX);
    let diagnostic = Diagnostic::new(Code::NotUtf8, format!("byte 0x{byte:02x}"), "UTF-8 text")
        .at(place.number, offset);
    match line {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            diagnostic.suggest("this is UTF-16: save the file as UTF-8")
        }
        _ => diagnostic.suggest(
            "write a value that is not UTF-8 as {\"base64\":\"…\"} in place of the string",
        ),
    }
}

fn truncated(length: usize, place: LinePlace) -> Diagnostic {
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

fn not_json(text: &str, place: LinePlace, kind: LineKind, error: &serde_json::Error) -> Diagnostic {
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
fn unexplained(place: LinePlace, reason: &serde_json::Error) -> Diagnostic {
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

struct Walk {
    place: Option<LinePlace>,
    found: Vec<Diagnostic>,
}

impl Walk {
    fn report(&mut self, code: Code, path: &str, found: impl Into<String>, expected: &str) {
        let diagnostic = self.diagnostic(code, path, found, expected);
        self.found.push(diagnostic);
    }

    fn diagnostic(
        &self,
        code: Code,
        path: &str,
        found: impl Into<String>,
        expected: &str,
    ) -> Diagnostic {
        let diagnostic = Diagnostic::new(code, found, expected).on(path);
        match self.place {
            Some(place) => diagnostic.at(place.number, place.offset),
            None => diagnostic,
        }
    }

    fn wrong_type(&mut self, path: &str, value: &Value, expected: &str) {
        self.report(Code::WrongType, path, quote_value(value), expected);
    }

    fn value(&mut self, value: &Value, shape: Shape, path: &str) {
        match (shape, value) {
            (Shape::Text, Value::String(_)) | (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Latency, Value::Number(_)) => self.latency(value, path),
            (Shape::Status, Value::Number(_)) => self.status(value, path),
            (Shape::Time, Value::String(text)) => self.time(text, path),
            (Shape::Version, Value::String(text)) => self.version(text, path),
            (Shape::Choice(names), Value::String(text)) => self.choice(text, names, path),
            (Shape::Object(keys), Value::Object(map)) => self.object(map, keys, path),
            (Shape::Body, Value::Object(map)) => self.body(map, path),
            (Shape::Message(section), Value::Object(map)) => self.message(map, section, path),
            (Shape::Fields(section), Value::Array(lines)) => self.fields(lines, section, path),
            (Shape::Names, Value::Array(names)) => self.names(names, path),
            (Shape::FieldNames, Value::Array(names)) => self.field_names(names, path),
            (Shape::Attributes, Value::Object(map)) => self.attributes(map, path),
            (Shape::HeaderExpectations, Value::Object(map)) => self.expectations(map, path),
            _ => self.wrong_type(path, value, shape.expected()),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, keys: &[Key], path: &str) {
        for (name, value) in map {
            let path = join(path, name);
            match keys.iter().find(|key| key.name == name) {
                Some(key) if key.is_nullable && value.is_null() => {}
                Some(key) => self.value(value, key.shape, &path),
                None => self.unknown_field(name, keys, &path),
            }
        }
        for key in keys
            .iter()
            .filter(|key| key.is_required && !map.contains_key(key.name))
        {
            let expected = key.shape.expected();
            self.report(
                Code::MissingField,
                &join(path, key.name),
                "nothing",
                expected,
            );
        }
    }

    fn unknown_field(&mut self, name: &str, keys: &[Key], path: &str) {
        let names = || keys.iter().map(|key| key.name);
        let diagnostic = self
            .diagnostic(Code::UnknownField, path, quote(name), &one_of(names()))
            .suggest_near(name, names());
        self.found.push(diagnostic);
    }

    fn status(&mut self, value: &Value, path: &str) {
        let in_range = |status: u64| (100..=999).contains(&status);
        if !value.as_u64().is_some_and(in_range) {
            self.report(
                Code::InvalidValue,
                path,
                quote_value(value),
                section::STATUS,
            );
        }
    }

    fn time(&mut self, text: &str, path: &str) {
        if let Err(InvalidTimestamp) = text.parse::<Timestamp>() {
            let expected = "an RFC 3339 time such as 2026-11-21T09:14:00.250Z";
            self.report(Code::InvalidValue, path, quote(text), expected);
        }
    }

    fn version(&mut self, text: &str, path: &str) {
        if let Err(InvalidVersion) = text.parse::<Version>() {
            let expected = format!("`{}`", Version::CURRENT);
            self.report(Code::NotARecording, path, quote(text), &expected);
        }
    }

    fn choice(&mut self, text: &str, names: &[&str], path: &str) {
        if !names.contains(&text) {
            let names = || names.iter().copied();
            let diagnostic = self
                .diagnostic(Code::InvalidValue, path, quote(text), &one_of(names()))
                .suggest_near(text, names());
            self.found.push(diagnostic);
        }
    }

    fn body(&mut self, map: &Map<String, Value>, path: &str) {
        self.object(map, BODY, path);
        let forms = ["text", "base64"].map(|form| map.contains_key(form));
        match forms {
            [true, false] => {}
            [false, true] => self.base64(map.get("base64"), &join(path, "base64")),
            [true, true] => {
                let expected = "exactly one of `text` and `base64`";
                self.report(Code::InvalidValue, path, "`text` and `base64`", expected);
            }
            [false, false] => {
                let expected = "`text` or `base64`";
                self.report(Code::MissingField, path, "neither", expected);
            }
        }
    }

    fn base64(&mut self, value: Option<&Value>, path: &str) {
        if let Some(Value::String(text)) = value
            && let Err(error) = decode_base64(text)
        {
            let found = format!("{} ({error})", quote(text));
            self.report(
                Code::InvalidValue,
                path,
                found,
                "padded base64 (RFC 4648 §4)",
            );
        }
    }

    fn latency(&mut self, value: &Value, path: &str) {
        if !value.as_f64().is_some_and(is_latency) {
            let expected = "0 or more milliseconds";
            self.report(Code::InvalidValue, path, quote_value(value), expected);
        }
    }

    /// A request or a response: whether the list of headers is whole, `partial` says.
    fn message(&mut self, map: &Map<String, Value>, section: Section, path: &str) {
        let keys = match section {
            Section::Response => RESPONSE,
            _ => REQUEST,
        };
        self.object(map, keys, path);
        let is_partial = map.get("partial").is_some_and(|partial| !partial.is_null());
        let lines = map.get("headers").and_then(Value::as_array);
        if let Some(lines) = lines.filter(|_| !is_partial) {
            section.check(names_of(lines), true, |fault| {
                if let Fault::Missing(name) = fault {
                    let expected = "it, or `partial` beside a list that is not whole";
                    let found = format!("no {}", quote(name));
                    let path = join(path, "headers");
                    self.report(Code::MissingField, &path, found, expected);
                }
            });
        }
    }

    fn fields(&mut self, lines: &[Value], section: Section, path: &str) {
        for (index, line) in lines.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match line.as_array().map(Vec::as_slice) {
                Some([Value::String(name), value]) => {
                    self.field_name(name, &format!("{path}[0]"));
                    self.field_value(value, name, &format!("{path}[1]"));
                }
                _ => self.wrong_type(&path, line, "a pair [\"name\", \"value\"]"),
            }
        }
        section.check(names_of(lines), false, |fault| {
            self.pseudo_header(fault, lines, section, path);
        });
    }

    fn pseudo_header(&mut self, fault: Fault, lines: &[Value], section: Section, path: &str) {
        let (index, code, expected) = match fault {
            Fault::Repeated(index) => (index, Code::DuplicateField, "one line of it".to_owned()),
            Fault::Foreign(index) => {
                let names = section.pseudo_headers();
                let expected = match names {
                    [] => "no pseudo-header in trailers".to_owned(),
                    names => one_of(names.iter().copied()),
                };
                (index, Code::InvalidValue, expected)
            }
            Fault::Missing(_) => return,
        };
        let name = names_of(lines).nth(index).unwrap_or_default();
        let path = format!("{path}[{index}][0]");
        // A name that is none is reported as that already.
        if is_field_name(name) {
            self.report(code, &path, quote(name), &expected);
        }
    }

    fn field_name(&mut self, name: &str, path: &str) {
        if is_field_name(name) {
            return;
        }
        let lower = name.to_ascii_lowercase();
        let diagnostic = match is_field_name(&lower) {
            true => self
                .diagnostic(
                    Code::InvalidValue,
                    path,
                    quote(name),
                    "a name in lower case",
                )
                .suggest(format!("write {}", quote(&lower))),
            false => {
                let expected = "the name of a header: letters, digits and !#$%&'*+-.^_`|~";
                self.diagnostic(Code::InvalidValue, path, quote(name), expected)
            }
        };
        self.found.push(diagnostic);
    }

    fn field_value(&mut self, value: &Value, name: &str, path: &str) {
        let expected = "a string or {\"base64\": string}";
        match value {
            Value::String(text) => self.field_bytes(text.as_bytes(), name, path),
            Value::Object(map) => {
                self.object(map, &[required("base64", Shape::Text)], path);
                self.base64(map.get("base64"), &join(path, "base64"));
                if let Some(Value::String(text)) = map.get("base64")
                    && let Ok(bytes) = decode_base64(text)
                {
                    self.field_bytes(&bytes, name, path);
                }
            }
            _ => self.wrong_type(path, value, expected),
        }
    }

    fn field_bytes(&mut self, bytes: &[u8], name: &str, path: &str) {
        let expected = match name {
            ":status" if !is_status(bytes) => section::STATUS,
            _ if !is_field_value(bytes) => "a value without NUL, CR and LF",
            _ => return,
        };
        self.report(Code::InvalidValue, path, quote_bytes(bytes), expected);
    }

    fn field_names(&mut self, names: &[Value], path: &str) {
        self.names(names, path);
        for (index, name) in names.iter().enumerate() {
            if let Value::String(name) = name {
                self.field_name(name, &format!("{path}[{index}]"));
            }
        }
    }

    fn names(&mut self, names: &[Value], path: &str) {
        for (index, name) in names.iter().enumerate() {
            if !name.is_string() {
                self.wrong_type(&format!("{path}[{index}]"), name, "a string");
            }
        }
    }

    fn attributes(&mut self, map: &Map<String, Value>, path: &str) {
        for (name, value) in map {
            let path = format!("{path}[{}]", quote(name));
            let Some(form) = Form::of(name) else {
                let diagnostic = self
                    .diagnostic(
                        Code::UnknownAttribute,
                        &path,
                        quote(name),
                        "the name of an Envoy attribute",
                    )
                    .suggest_near(name, AttributeKind::names());
                self.found.push(diagnostic);
                continue;
            };
            match AttributeValue::deserialize(value) {
                Ok(typed) if form.kind().accepts(&typed) => {
                    if !form.allows(&typed) {
                        let found = quote_value(value);
                        self.report(Code::InvalidValue, &path, found, form.expected());
                    }
                }
                _ => self.wrong_type(&path, value, form.kind().expected()),
            }
        }
    }

    fn expectations(&mut self, map: &Map<String, Value>, path: &str) {
        for (name, value) in map {
            let path = format!("{path}[{}]", quote(name));
            self.field_name(name, &path);
            match value {
                Value::Null | Value::String(_) => {}
                Value::Array(lines) => self.names(lines, &path),
                _ => self.wrong_type(&path, value, "a string, a list of strings or null"),
            }
        }
    }
}

impl Shape {
    fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Latency => "a number of milliseconds",
            Self::Status => section::STATUS,
            Self::Time => "an RFC 3339 time",
            Self::Version => "a version such as \"sluice/v1\"",
            Self::Choice(_) => "one of the names that the format lists",
            Self::Object(_) | Self::Message(_) | Self::HeaderExpectations => "an object",
            Self::Body => "{\"text\": string} or {\"base64\": string}",
            Self::Fields(_) => "a list of [name, value] pairs",
            Self::Names | Self::FieldNames => "a list of strings",
            Self::Attributes => "an object of attributes",
        }
    }
}

/// The name of each line; of one that is malformed, nothing.
fn names_of(lines: &[Value]) -> impl Iterator<Item = &str> {
    lines
        .iter()
        .map(|line| line.get(0).and_then(Value::as_str).unwrap_or_default())
}

fn join(path: &str, name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match (path.is_empty(), name.bytes().all(is_plain)) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[{}]", quote(name)),
    }
}

fn quote_value(value: &Value) -> String {
    quote(&value.to_string())
}

#[cfg(test)]
mod tests;
