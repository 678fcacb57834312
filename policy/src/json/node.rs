//! A value with its path.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Object, path};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Diagnostics, describe, quote_all, suggest};

/// A JSON value and where it stands.
///
/// Methods that read it report what is wrong and return `None`; a caller goes
/// on to its next field, so that one pass finds everything.
#[derive(Debug, Clone)]
pub struct Node<'v>(Box<Place<'v>>);

/// In a box: nodes are passed along and dropped in hundreds of places, and the code for a
/// pointer is less than half of that for a text.
#[derive(Debug, Clone)]
struct Place<'v> {
    value: &'v Value,
    path: String,
}

impl<'v> Node<'v> {
    /// A value at a path.
    pub fn new(value: &'v Value, path: impl Into<String>) -> Self {
        Self(Box::new(Place {
            value,
            path: path.into(),
        }))
    }

    /// The value.
    pub fn value(&self) -> &'v Value {
        self.0.value
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Reports this value as an error.
    pub fn error<'d, 'a>(
        &self,
        code: DiagnosticCode,
        expected: impl Into<Cow<'a, str>>,
        diagnostics: &'d mut Diagnostics,
    ) -> &'d mut Diagnostic {
        self.report(code, expected.into(), diagnostics)
    }

    #[cold]
    #[inline(never)]
    fn report<'d>(
        &self,
        code: DiagnosticCode,
        expected: Cow<'_, str>,
        diagnostics: &'d mut Diagnostics,
    ) -> &'d mut Diagnostic {
        diagnostics.error(code, &self.0.path, describe(self.0.value), expected)
    }

    fn wrong_type<T>(&self, expected: &str, diagnostics: &mut Diagnostics) -> Option<T> {
        self.error(DiagnosticCode::WrongType, expected, diagnostics);
        None
    }

    /// A string, perhaps empty.
    pub fn string(&self, diagnostics: &mut Diagnostics) -> Option<&'v str> {
        let text = self.0.value.as_str();
        if text.is_none() {
            // YAML reads `1` and `true` as what they look like.
            let is_scalar = self.0.value.is_number() || self.0.value.is_boolean();
            self.error(DiagnosticCode::WrongType, "a string", diagnostics)
                .help = is_scalar.then(|| "put it in quotes".to_owned());
        }
        text
    }

    /// A string that is not empty.
    pub fn text(&self, diagnostics: &mut Diagnostics) -> Option<&'v str> {
        let text = self.string(diagnostics)?;
        if text.is_empty() {
            self.error(
                DiagnosticCode::EmptyValue,
                "a non-empty string",
                diagnostics,
            );
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn boolean(&self, diagnostics: &mut Diagnostics) -> Option<bool> {
        self.0
            .value
            .as_bool()
            .or_else(|| self.wrong_type("true or false", diagnostics))
    }

    /// A whole number within a range.
    pub fn integer<T>(&self, range: RangeInclusive<T>, diagnostics: &mut Diagnostics) -> Option<T>
    where
        T: TryFrom<i64>,
        i64: TryFrom<T>,
    {
        let (least, most) = range.into_inner();
        let [least, most] = [least, most].map(|bound| i64::try_from(bound).unwrap_or(i64::MAX));
        let number = self.whole_number(least, most, diagnostics)?;
        T::try_from(number).ok()
    }

    /// The one body of [`integer`](Self::integer) for all types.
    fn whole_number(&self, least: i64, most: i64, diagnostics: &mut Diagnostics) -> Option<i64> {
        let number = self.0.value.as_i64();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let code = match self.0.value.is_number() {
                true => DiagnosticCode::OutOfRange,
                false => DiagnosticCode::WrongType,
            };
            let expected = format!("a whole number from {least} to {most}");
            self.error(code, expected, diagnostics);
        }
        number
    }

    /// The meaning of one of a few names. Istio's schemas take names only,
    /// though proto3 JSON would take numbers too.
    pub fn one_of<T: Clone>(
        &self,
        names: &[(&str, T)],
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
        let place = self.place_among(&known, diagnostics)?;
        names.get(place).map(|(_, meaning)| meaning.clone())
    }

    /// The one body of [`one_of`](Self::one_of) for all meanings.
    fn place_among(&self, names: &[&str], diagnostics: &mut Diagnostics) -> Option<usize> {
        let name = self.string(diagnostics)?;
        let place = names.iter().position(|known| *known == name);
        if place.is_none() {
            let expected = one_of(names.iter().copied());
            let help = suggest(name, names.iter().copied());
            self.error(DiagnosticCode::UnknownValue, expected, diagnostics)
                .help = help;
        }
        place
    }

    /// The items of a list, perhaps none.
    pub fn items(&self, diagnostics: &mut Diagnostics) -> Option<Vec<Node<'v>>> {
        let Value::Array(items) = self.0.value else {
            return self.wrong_type("a list", diagnostics);
        };
        let nodes = items.iter().enumerate();
        Some(
            nodes
                .map(|(index, value)| Node::new(value, path::item(&self.0.path, index)))
                .collect(),
        )
    }

    /// The items of a list that has some.
    pub fn some_items(&self, diagnostics: &mut Diagnostics) -> Option<Vec<Node<'v>>> {
        let items = self.items(diagnostics)?;
        if items.is_empty() {
            self.error(DiagnosticCode::EmptyValue, "at least one item", diagnostics);
            return None;
        }
        Some(items)
    }

    /// The items of a list of non-empty strings, each with its place.
    pub fn texts(&self, diagnostics: &mut Diagnostics) -> Option<Vec<(&'v str, Node<'v>)>> {
        let items = self.items(diagnostics)?;
        let texts: Vec<_> = items
            .iter()
            .map(|item| item.text(diagnostics).map(|text| (text, item.clone())))
            .collect();
        texts.into_iter().collect()
    }

    /// An object.
    pub fn object(&self, diagnostics: &mut Diagnostics) -> Option<Object<'v>> {
        match self.0.value {
            Value::Object(object) => Some(Object::new(object, self.0.path.clone())),
            _ => self.wrong_type("an object", diagnostics),
        }
    }

    /// The entries of an object whose keys are free, each with its place.
    pub fn entries(&self, diagnostics: &mut Diagnostics) -> Option<Vec<(&'v str, Node<'v>)>> {
        let Value::Object(object) = self.0.value else {
            return self.wrong_type("an object", diagnostics);
        };
        let entry = |(key, value): (&'v String, &'v Value)| {
            (
                key.as_str(),
                Node::new(value, path::child(&self.0.path, key)),
            )
        };
        Some(object.iter().map(entry).collect())
    }

    /// The keys and values of an object of strings.
    pub fn string_map(&self, diagnostics: &mut Diagnostics) -> Option<Vec<(&'v str, &'v str)>> {
        let entries = self.entries(diagnostics)?;
        let pairs: Vec<_> = entries
            .iter()
            .map(|(key, value)| value.string(diagnostics).map(|value| (*key, value)))
            .collect();
        pairs.into_iter().collect()
    }
}

/// `one of "a", "b"`.
pub fn one_of<'n>(mut names: impl Iterator<Item = &'n str>) -> String {
    ["one of ", &quote_all(&mut names, ", ")].concat()
}

/// A truth value as Go's `strconv.ParseBool` reads it, which Istio uses for
/// annotations.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read<T>(
        value: &Value,
        read: impl Fn(&Node<'_>, &mut Diagnostics) -> Option<T>,
    ) -> Result<T, String> {
        let mut diagnostics = Diagnostics::new();
        let result = read(&Node::new(value, "here"), &mut diagnostics);
        result.ok_or_else(|| diagnostics.to_string())
    }

    #[test]
    fn a_list_that_needs_items_has_some() {
        let count = |value: &Value| {
            read(value, |node, found| {
                node.some_items(found).map(|items| items.len())
            })
        };
        assert_eq!(count(&json!([1, 2])), Ok(2));
        assert_eq!(
            count(&json!([])),
            Err("here: found an empty list, expected at least one item [empty-value]".to_owned())
        );
    }

    #[test]
    fn texts_are_not_empty() {
        assert_eq!(
            read(&json!("a"), |node, found| node
                .text(found)
                .map(str::to_owned)),
            Ok("a".to_owned())
        );
        let empty = read(&json!(""), |node, found| {
            node.text(found).map(str::to_owned)
        });
        assert_eq!(
            empty,
            Err(
                "here: found an empty string, expected a non-empty string [empty-value]".to_owned()
            )
        );
    }

    #[test]
    fn a_list_reports_every_bad_item() {
        let found = read(&json!(["a", 1, ""]), |node, found| {
            node.texts(found).map(|texts| texts.len())
        });
        let lines = found.map_err(|found| found.lines().count());
        assert_eq!(lines, Err(2));
    }

    #[test]
    fn numbers_keep_to_their_range() {
        assert_eq!(
            read(&json!(80), |node, found| node.integer(1..=65535_u16, found)),
            Ok(80)
        );
        for value in [
            json!(0),
            json!(65536),
            json!(1.5),
            json!(-1),
            json!(u64::MAX),
        ] {
            let found = read(&value, |node, found| node.integer(1..=65535_u16, found));
            assert!(
                found.is_err_and(|found| found.ends_with("[out-of-range]")),
                "{value}"
            );
        }
    }

    #[test]
    fn names_come_with_suggestions() {
        let names = [("ALLOW", 0), ("DENY", 1)];
        assert_eq!(
            read(&json!("DENY"), |node, found| node.one_of(&names, found)),
            Ok(1)
        );
        let found = read(&json!("Deny"), |node, found| node.one_of(&names, found));
        let expected = "here: found \"Deny\", expected one of \"ALLOW\", \"DENY\"; \
                        did you mean \"DENY\"? [unknown-value]";
        assert_eq!(found, Err(expected.to_owned()));
        assert!(read(&json!(1), |node, found| node.one_of(&names, found)).is_err());
    }

    #[test]
    fn truth_is_read_as_go_reads_it() {
        assert_eq!(parse_bool("T"), Some(true));
        assert_eq!(parse_bool("False"), Some(false));
        assert_eq!(parse_bool("yes"), None);
        assert_eq!(parse_bool("tRUE"), None);
    }
}
