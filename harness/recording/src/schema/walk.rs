//! Everything in a document that the tables do not have.

mod facts;
mod message;

use serde_json::{Map, Value};

use super::shape::{BODY, Key, Shape};
use crate::Timestamp;
use crate::diagnostic::{Code, Diagnostic, one_of, quote};
use crate::line_source::LinePlace;
use crate::recording_header::{InvalidVersion, Version};
use crate::section::{self, is_latency};
use crate::text::decode_base64;
use crate::timestamp::InvalidTimestamp;

/// Compares a document with the tables.
pub(super) struct Walk {
    pub(super) place: Option<LinePlace>,
    pub(super) found: Vec<Diagnostic>,
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

    pub(super) fn value(&mut self, value: &Value, shape: Shape, path: &str) {
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

    fn names(&mut self, names: &[Value], path: &str) {
        for (index, name) in names.iter().enumerate() {
            if !name.is_string() {
                self.wrong_type(&format!("{path}[{index}]"), name, "a string");
            }
        }
    }
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
