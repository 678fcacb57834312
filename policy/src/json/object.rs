//! An object that knows which of its keys were asked for.

use serde_json::{Map, Value};

use super::node::one_of;
use super::{Node, path};
use crate::diagnostic::{DiagnosticCode, Diagnostics, suggest};

/// A JSON object being read. [`finish`](Object::finish) it, or unknown keys
/// pass in silence.
#[must_use = "unknown keys are reported by `finish`"]
#[derive(Debug)]
pub struct Object<'v>(Box<Reading<'v>>);

/// In a box for the same reason as what a [`Node`] is.
#[derive(Debug)]
struct Reading<'v> {
    entries: &'v Map<String, Value>,
    path: String,
    known: Vec<&'static str>,
}

impl<'v> Object<'v> {
    /// An object at a path.
    pub fn new(entries: &'v Map<String, Value>, path: impl Into<String>) -> Self {
        Self(Box::new(Reading {
            entries,
            path: path.into(),
            known: Vec::new(),
        }))
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The value of a key. `null` is no value, as in proto3 JSON.
    pub fn take(&mut self, key: &'static str) -> Option<Node<'v>> {
        self.0.known.push(key);
        let value = self.0.entries.get(key).filter(|value| !value.is_null())?;
        Some(Node::new(value, path::child(&self.0.path, key)))
    }

    /// The value of a key that must be there.
    pub fn require(
        &mut self,
        key: &'static str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Node<'v>> {
        let node = self.take(key);
        if node.is_none() {
            let path = path::child(&self.0.path, key);
            diagnostics.error(DiagnosticCode::MissingKey, &path, "nothing", "a value");
        }
        node
    }

    /// Lets keys stand that mean nothing here.
    pub fn ignore(&mut self, keys: &[&'static str]) {
        self.0.known.extend_from_slice(keys);
    }

    /// Reports every key that nobody took.
    pub fn finish(self, diagnostics: &mut Diagnostics) {
        for key in self
            .0
            .entries
            .keys()
            .filter(|key| !self.0.known.contains(&key.as_str()))
        {
            let expected = match self.0.known.is_empty() {
                true => "no key".to_owned(),
                false => one_of(self.0.known.iter().copied()),
            };
            let path = path::child(&self.0.path, key);
            let help = suggest(key, self.0.known.iter().copied());
            diagnostics
                .error(
                    DiagnosticCode::UnknownKey,
                    &path,
                    "an unknown key",
                    expected,
                )
                .help = help;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn finish(value: &Value) -> String {
        let mut diagnostics = Diagnostics::new();
        if let Some(mut object) = Node::new(value, "spec").object(&mut diagnostics) {
            object.take("rules");
            object.require("action", &mut diagnostics);
            object.ignore(&["status"]);
            object.finish(&mut diagnostics);
        }
        diagnostics.to_string()
    }

    #[test]
    fn keys_that_nobody_took_are_reported() {
        assert_eq!(
            finish(&json!({"rules": [], "action": "DENY", "status": {}})),
            ""
        );
        let found = finish(&json!({"action": "DENY", "rulse": []}));
        let expected = "spec.rulse: found an unknown key, expected one of \"rules\", \"action\", \"status\"; \
                        did you mean \"rules\"? [unknown-key]";
        assert_eq!(found, expected);
    }

    #[test]
    fn null_is_no_value() {
        let found = finish(&json!({"action": null, "rules": null}));
        assert_eq!(
            found,
            "spec.action: found nothing, expected a value [missing-key]"
        );
        assert_eq!(
            finish(&json!([])),
            "spec: found an empty list, expected an object [wrong-type]"
        );
    }
}
