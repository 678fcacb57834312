//! From bytes to a value, with the findings that serde_json does not make.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::path;
use crate::diagnostic::{DiagnosticCode, Diagnostics, quote};

/// Larger documents are refused. Kubernetes keeps an object below 1.5 MiB; a
/// plugin's configuration may be put together from many.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Deeper documents are refused. The deepest Istio resource has a third of it.
pub const MAX_DEPTH: usize = 48;

/// Reads one JSON value and nothing after it.
///
/// `None` if there is none to look at. A duplicate key is an error, and its
/// first value is kept so that the rest can be looked at.
pub fn parse(bytes: &[u8], diagnostics: &mut Diagnostics) -> Option<Value> {
    let mut document = Document::new(diagnostics);
    document.read(bytes, |document, deserializer| {
        document.value().deserialize(deserializer)
    })
}

/// Where the reader is, and what it found.
pub(crate) struct Document<'d> {
    /// Findings so far.
    pub(crate) diagnostics: &'d mut Diagnostics,
    /// Path of the value being read.
    pub(crate) path: String,
    depth: usize,
}

impl<'d> Document<'d> {
    /// A reader at the root.
    pub(crate) fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            diagnostics,
            path: String::new(),
            depth: 0,
        }
    }

    /// Runs `read` over the bytes, and reports why it could not go on.
    pub(crate) fn read<'b, T>(
        &mut self,
        bytes: &'b [u8],
        read: impl FnOnce(
            &mut Self,
            &mut serde_json::Deserializer<serde_json::de::SliceRead<'b>>,
        ) -> serde_json::Result<T>,
    ) -> Option<T> {
        if bytes.len() > MAX_BYTES {
            let found = format!("{} bytes", bytes.len());
            self.diagnostics.error(
                DiagnosticCode::TooLarge,
                "",
                found,
                format!("at most {MAX_BYTES} bytes"),
            );
            return None;
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let result =
            read(self, &mut deserializer).and_then(|value| deserializer.end().map(|()| value));
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(&error);
                None
            }
        }
    }

    fn report(&mut self, error: &serde_json::Error) {
        // Depth has been reported where it was noticed.
        if self.depth > MAX_DEPTH {
            return;
        }
        let text = error.to_string();
        let (code, found, expected) = match wrong_type(&text) {
            Some((found, expected)) => (DiagnosticCode::WrongType, found.to_owned(), expected),
            None => (
                DiagnosticCode::MalformedJson,
                format!("a fault ({text})"),
                "one JSON document",
            ),
        };
        self.diagnostics.error(code, &self.path, found, expected);
    }

    /// Reads any value here.
    pub(crate) fn value(&mut self) -> ValueSeed<'_, 'd> {
        ValueSeed(self)
    }

    /// Runs `read` one level down, where the path is `path`.
    ///
    /// The path stays at the place of a failure: nothing is read after it.
    pub(crate) fn descend<T, E: Error>(
        &mut self,
        path: String,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let parent = std::mem::replace(&mut self.path, path);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} levels");
            self.diagnostics
                .error(DiagnosticCode::TooDeep, &parent, "more levels", expected);
            return Err(E::custom("too deep"));
        }
        let value = read(self)?;
        self.depth -= 1;
        self.path = parent;
        Ok(value)
    }

    /// Reports a key that its object had already.
    pub(crate) fn duplicate_key(&mut self, key: &str) {
        let path = path::child(&self.path, key);
        let found = format!("the key {} a second time", quote(key));
        self.diagnostics
            .error(DiagnosticCode::DuplicateKey, &path, found, "each key once");
    }
}

/// Found and expected, from the words in which serde says that a visitor wanted
/// another type.
fn wrong_type(text: &str) -> Option<(&str, &str)> {
    let (found, expected) = text
        .strip_prefix("invalid type: ")?
        .split_once(", expected ")?;
    let found = match found {
        "map" => "an object",
        "sequence" => "a list",
        other => other,
    };
    Some((found, expected))
}

/// Reads any value at the document's place.
pub(crate) struct ValueSeed<'a, 'd>(&'a mut Document<'d>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = path::item(&self.0.path, items.len());
            match self
                .0
                .descend(path, |document| access.next_element_seed(document.value()))?
            {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = path::child(&self.0.path, &key);
            let value = self
                .0
                .descend(path, |document| access.next_value_seed(document.value()))?;
            if object.contains_key(&key) {
                self.0.duplicate_key(&key);
            } else {
                object.insert(key, value);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn findings(text: &str) -> String {
        let mut diagnostics = Diagnostics::new();
        parse(text.as_bytes(), &mut diagnostics);
        diagnostics.to_string()
    }

    #[test]
    fn values_come_through() {
        let mut diagnostics = Diagnostics::new();
        let text = r#" {"a":[1,-2,1.5,true,null,"\u00e9",{}],"b":"x"} "#;
        let value = parse(text.as_bytes(), &mut diagnostics);
        assert_eq!(
            value,
            Some(json!({"a": [1, -2, 1.5, true, null, "é", {}], "b": "x"}))
        );
        assert!(diagnostics.is_empty());
    }

    #[test]
    fn duplicate_keys_are_found_with_their_path() {
        let found = findings(r#"{"a":[{"b":1,"b":2,"b":3}],"a":1}"#);
        let paths: Vec<&str> = found
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(paths, ["a[0].b", "a[0].b", "a"]);
        assert!(found.contains("[duplicate-key]"));
    }

    #[test]
    fn trailing_data_and_broken_json_are_refused() {
        for text in [
            "{} {}",
            "{",
            "[1,]",
            "nul",
            "",
            "{\"a\":1e999}",
            "\"\u{1}\"",
        ] {
            assert!(
                findings(text).ends_with("[malformed-json]"),
                "{text}: {}",
                findings(text)
            );
        }
        assert_eq!(parse(b"\"\xff\"", &mut Diagnostics::new()), None);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(findings(&nested(MAX_DEPTH)), "");
        let found = findings(&nested(MAX_DEPTH + 1));
        assert!(found.ends_with("[too-deep]"), "{found}");
        assert_eq!(found.lines().count(), 1);
        assert!(findings(&nested(100_000)).ends_with("[too-deep]"));
    }

    #[test]
    fn size_is_bounded() {
        let large = " ".repeat(MAX_BYTES + 1);
        assert!(findings(&large).ends_with("[too-large]"));
    }
}
