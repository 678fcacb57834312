//! Headers and trailers.

use serde_json::{Map, Value};

use super::{Walk, join};
use crate::diagnostic::{Code, one_of, quote, quote_bytes};
use crate::fields::{is_field_name, is_field_value};
use crate::schema::shape::{REQUEST, RESPONSE, Shape, required};
use crate::section::{self, Fault, Section, is_status};
use crate::text::decode_base64;

impl Walk {
    /// A request or a response: whether the list of headers is whole, `partial` says.
    pub(super) fn message(&mut self, map: &Map<String, Value>, section: Section, path: &str) {
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

    pub(super) fn fields(&mut self, lines: &[Value], section: Section, path: &str) {
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

    pub(super) fn field_name(&mut self, name: &str, path: &str) {
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

    pub(super) fn field_names(&mut self, names: &[Value], path: &str) {
        self.names(names, path);
        for (index, name) in names.iter().enumerate() {
            if let Value::String(name) = name {
                self.field_name(name, &format!("{path}[{index}]"));
            }
        }
    }
}

/// The name of each line; of one that is malformed, nothing.
fn names_of(lines: &[Value]) -> impl Iterator<Item = &str> {
    lines
        .iter()
        .map(|line| line.get(0).and_then(Value::as_str).unwrap_or_default())
}
