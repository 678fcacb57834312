//! The form of a field that is checked and not used.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

use super::percent;

/// What a value must look like.
#[derive(Debug)]
pub(super) enum Form {
    /// `true` or `false`.
    Boolean,
    /// A text, perhaps empty.
    Text,
    /// A text that is not empty.
    SomeText,
    /// A whole number from 0.
    Count(i64),
    /// A number that may have a fraction.
    Number,
    /// A percentage that may have a fraction.
    Percent,
    /// At least a millisecond.
    Duration,
    /// Likewise, or none at all.
    DurationOrZero,
    /// One of these.
    OneOf(&'static [(&'static str, ())]),
    /// Any number of them.
    List(&'static Form),
    /// Any number of them, under keys that are free.
    Map(&'static Form),
    /// These keys, and no others.
    Object(&'static [Key]),
}

/// A key of an object.
#[derive(Debug)]
pub(super) struct Key {
    name: &'static str,
    form: Form,
    /// Not zero: of the keys with that number only one may be set.
    choice: u8,
    is_required: bool,
}

impl Key {
    /// A key that may be left out.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self {
            name,
            form,
            choice: 0,
            is_required: false,
        }
    }

    /// A key that must be there.
    pub const fn required(name: &'static str, form: Form) -> Self {
        let mut key = Self::new(name, form);
        key.is_required = true;
        key
    }

    /// One key of several, of which only one may be set.
    pub const fn choice(choice: u8, name: &'static str, form: Form) -> Self {
        let mut key = Self::new(name, form);
        key.choice = choice;
        key
    }
}

impl Form {
    /// Reports what is not of the form.
    pub fn check(&self, node: &Node<'_>, diagnostics: &mut Diagnostics) {
        match self {
            Self::Boolean => drop(node.boolean(diagnostics)),
            Self::Text => drop(node.string(diagnostics)),
            Self::SomeText => drop(node.text(diagnostics)),
            Self::Count(most) => drop(node.integer(0..=*most, diagnostics)),
            Self::Number => check_number(node, diagnostics),
            Self::Percent => drop(percent::millionths(node, diagnostics)),
            Self::Duration => drop(duration::milliseconds(node, diagnostics)),
            Self::DurationOrZero => check_duration_or_zero(node, diagnostics),
            Self::OneOf(names) => drop(node.one_of(names, diagnostics)),
            Self::List(form) => {
                let items = node.items(diagnostics).unwrap_or_default();
                items.iter().for_each(|item| form.check(item, diagnostics));
            }
            Self::Map(form) => {
                for (_, value) in node.entries(diagnostics).unwrap_or_default() {
                    form.check(&value, diagnostics);
                }
            }
            Self::Object(keys) => check_object(node, keys, diagnostics),
        }
    }
}

fn check_object(node: &Node<'_>, keys: &'static [Key], diagnostics: &mut Diagnostics) {
    let Some(mut object) = node.object(diagnostics) else {
        return;
    };
    let mut set: Vec<&Key> = Vec::new();
    for key in keys {
        let value = match key.is_required {
            true => object.require(key.name, diagnostics),
            false => object.take(key.name),
        };
        let Some(value) = value else { continue };
        let other = set
            .iter()
            .find(|other| key.choice != 0 && other.choice == key.choice);
        if let Some(other) = other {
            conflict(&value, other.name, diagnostics);
        }
        key.form.check(&value, diagnostics);
        set.push(key);
    }
    object.finish(diagnostics);
}

/// Reports a field that excludes another.
pub(super) fn conflict(node: &Node<'_>, other: &str, diagnostics: &mut Diagnostics) {
    let expected = format!("nothing here beside `{other}`");
    node.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
}

fn check_number(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if !node.value().is_number() {
        node.error(DiagnosticCode::WrongType, "a number", diagnostics);
    }
}

fn check_duration_or_zero(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let is_zero = node.value().as_str().is_some_and(is_zero);
    if !is_zero {
        duration::milliseconds(node, diagnostics);
    }
}

fn is_zero(text: &str) -> bool {
    let unit = text.trim_start_matches('0');
    unit.len() < text.len() && ["s", "ms", "m", "h"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn found(form: &Form, value: &Value) -> Vec<(String, DiagnosticCode)> {
        let mut diagnostics = Diagnostics::new();
        form.check(&Node::new(value, "x"), &mut diagnostics);
        diagnostics
            .iter()
            .map(|finding| (finding.path.clone(), finding.code))
            .collect()
    }

    #[test]
    fn each_form_takes_its_own_and_nothing_else() {
        use DiagnosticCode as C;
        static NAMES: [(&str, ()); 1] = [("A", ())];
        let table = [
            (Form::Boolean, json!(true), json!("true"), C::WrongType),
            (Form::Text, json!(""), json!(1), C::WrongType),
            (Form::SomeText, json!("a"), json!(""), C::EmptyValue),
            (Form::Count(9), json!(9), json!(10), C::OutOfRange),
            (Form::Number, json!(0.5), json!("1"), C::WrongType),
            (Form::Percent, json!(0.5), json!(101), C::OutOfRange),
            (
                Form::Duration,
                json!("1ms"),
                json!("0s"),
                C::InvalidDuration,
            ),
            (
                Form::DurationOrZero,
                json!("0s"),
                json!("0"),
                C::InvalidDuration,
            ),
            (
                Form::DurationOrZero,
                json!("9s"),
                json!("s"),
                C::InvalidDuration,
            ),
            (Form::OneOf(&NAMES), json!("A"), json!("B"), C::UnknownValue),
        ];
        for (form, right, wrong, code) in table {
            assert_eq!(found(&form, &right), [], "{form:?}");
            assert_eq!(found(&form, &wrong), [("x".to_owned(), code)], "{form:?}");
        }
    }

    #[test]
    fn what_is_inside_is_checked_too() {
        static ITEMS: Form = Form::List(&Form::Boolean);
        static KEYS: [Key; 4] = [
            Key::required("a", Form::Map(&ITEMS)),
            Key::choice(1, "b", Form::Text),
            Key::choice(1, "c", Form::Text),
            Key::choice(2, "d", Form::Text),
        ];
        let form = Form::Object(&KEYS);
        let at = |path: &str, code| (path.to_owned(), code);
        assert_eq!(
            found(&form, &json!({"a": {"k": [true]}, "b": "", "d": ""})),
            []
        );
        assert_eq!(
            found(
                &form,
                &json!({"a": {"k": [true, 1]}, "b": "", "c": "", "e": 1})
            ),
            [
                at("x.a.k[1]", DiagnosticCode::WrongType),
                at("x.c", DiagnosticCode::ConflictingFields),
                at("x.e", DiagnosticCode::UnknownKey),
            ]
        );
        assert_eq!(
            found(&form, &json!({})),
            [at("x.a", DiagnosticCode::MissingKey)]
        );
    }
}
