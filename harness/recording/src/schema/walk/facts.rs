//! Attributes and expectations.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{Walk, quote_value};
use crate::AttributeValue;
use crate::attribute::{AttributeKind, Form, MTLS, peer_without_mtls};
use crate::diagnostic::{Code, quote};

impl Walk {
    pub(super) fn attributes(&mut self, map: &Map<String, Value>, path: &str) {
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
        self.contradiction(map, path);
    }

    fn contradiction(&mut self, map: &Map<String, Value>, path: &str) {
        let mtls = map.get(MTLS).and_then(Value::as_bool);
        let says = |name: &str| {
            let said = map.get(name);
            said.is_some_and(|value| !value.is_null() && value != "")
        };
        if let Some(name) = peer_without_mtls(mtls, says) {
            let found = format!("`false` beside {}", quote(name));
            let path = format!("{path}[{}]", quote(MTLS));
            let expected = "true, for only mutual TLS shows the peer's certificate";
            self.report(Code::InvalidValue, &path, found, expected);
        }
    }

    pub(super) fn expectations(&mut self, map: &Map<String, Value>, path: &str) {
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
