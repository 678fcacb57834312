//! Findings about manifests, and the reader that makes them.

use std::fmt;

use serde_json::{Map, Value};

use crate::console::Severity;

/// Bytes of a found value that are shown.
const QUOTE_BYTES: usize = 64;

/// One thing that is wrong with a manifest.
///
/// Prints as `<path>: found <what>, expected <what>[; <help>] [<code>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// From the root of the document: `spec.match[0].ports[1].number`.
    pub path: String,
    /// What was found, quoted.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// What may have been meant.
    pub help: Option<String>,
    /// Stable kebab-case name.
    pub code: &'static str,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "manifest"
        } else {
            &self.path
        };
        write!(
            f,
            "{path}: found {}, expected {}",
            self.found, self.expected
        )?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        write!(f, " [{}]", self.code)
    }
}

/// Everything found in one document, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Whether the document is refused.
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Each finding.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Adds an error.
    pub fn error(
        &mut self,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        code: &'static str,
    ) {
        self.push(
            Severity::Error,
            path,
            found.into(),
            expected.into(),
            None,
            code,
        );
    }

    /// Adds an error with a way out.
    pub fn error_with_help(
        &mut self,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        help: Option<String>,
        code: &'static str,
    ) {
        self.push(
            Severity::Error,
            path,
            found.into(),
            expected.into(),
            help,
            code,
        );
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        code: &'static str,
    ) {
        self.push(
            Severity::Warning,
            path,
            found.into(),
            expected.into(),
            None,
            code,
        );
    }

    fn push(
        &mut self,
        severity: Severity,
        path: &str,
        found: String,
        expected: String,
        help: Option<String>,
        code: &'static str,
    ) {
        self.0.push(Diagnostic {
            severity,
            path: path.to_owned(),
            found,
            expected,
            help,
            code,
        });
    }

    fn wrong_type(&mut self, path: &str, value: &Value, expected: &str) {
        let is_scalar = value.is_number() || value.is_boolean();
        let help = (is_scalar && expected == "a string").then(|| "put it in quotes".to_owned());
        self.error_with_help(path, show(value), expected, help, "wrong-type");
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

/// The fields of one object, each taken once; what nobody took is unknown.
pub struct Fields<'v> {
    path: String,
    map: &'v Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'v> Fields<'v> {
    /// The fields of `value`, or an error where it is no object.
    pub fn of(path: &str, value: &'v Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Value::Object(map) = value else {
            diagnostics.wrong_type(path, value, "an object");
            return None;
        };
        Some(Self {
            path: path.to_owned(),
            map,
            known: Vec::new(),
        })
    }

    /// The path of a field.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A field's value; null counts as not set, as in proto3's JSON.
    pub fn take(&mut self, key: &'static str) -> Option<&'v Value> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub fn require(
        &mut self,
        key: &'static str,
        expected: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'v Value> {
        let value = self.take(key);
        if value.is_none() {
            let found = if self.map.contains_key(key) {
                "null"
            } else {
                "nothing"
            };
            diagnostics.error(&self.path(key), found, expected, "missing-field");
        }
        value
    }

    /// A string of so many characters.
    pub fn string(
        &mut self,
        key: &'static str,
        length: std::ops::RangeInclusive<usize>,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'v str> {
        let value = self.take(key)?;
        let path = self.path(key);
        let Value::String(text) = value else {
            diagnostics.wrong_type(&path, value, "a string");
            return None;
        };
        if !length.contains(&text.chars().count()) {
            let expected = match (length.start(), length.end()) {
                (least, &usize::MAX) => format!("at least {least} character"),
                (least, most) => format!("{least} to {most} characters"),
            };
            diagnostics.error(&path, show(value), expected, "wrong-length");
            return None;
        }
        Some(text)
    }

    /// One of a closed set of names; the first is the default.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        names: &[(&'static str, T)],
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let value = self.take(key)?;
        let found = value
            .as_str()
            .and_then(|text| names.iter().find(|(name, _)| *name == text));
        if let Some((_, choice)) = found {
            return Some(*choice);
        }
        let listed: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let help = value.as_str().and_then(|text| did_you_mean(text, &listed));
        let expected = format!("one of {}", listed.join(", "));
        diagnostics.error_with_help(
            &self.path(key),
            show(value),
            expected,
            help,
            "unknown-value",
        );
        None
    }

    /// An integer in a range.
    pub fn integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        diagnostics: &mut Diagnostics,
    ) -> Option<i64> {
        let value = self.take(key)?;
        let found = value.as_i64().filter(|number| range.contains(number));
        if found.is_none() {
            let expected = format!("an integer from {} to {}", range.start(), range.end());
            let code = if value.is_number() {
                "out-of-range"
            } else {
                "wrong-type"
            };
            diagnostics.error(&self.path(key), show(value), expected, code);
        }
        found
    }

    /// A list of at most so many items, with the path of each.
    pub fn list(
        &mut self,
        key: &'static str,
        most: usize,
        diagnostics: &mut Diagnostics,
    ) -> Vec<(String, &'v Value)> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let path = self.path(key);
        let Value::Array(items) = value else {
            diagnostics.wrong_type(&path, value, "a list");
            return Vec::new();
        };
        if items.len() > most {
            diagnostics.error(
                &path,
                format!("{} items", items.len()),
                format!("at most {most}"),
                "too-many-items",
            );
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{path}[{index}]"), item))
            .collect()
    }

    /// Refuses every field that nobody took.
    pub fn finish(self, diagnostics: &mut Diagnostics) {
        for key in self
            .map
            .keys()
            .filter(|key| !self.known.contains(&key.as_str()))
        {
            let help = did_you_mean(key, &self.known);
            let expected = format!("one of {}", self.known.join(", "));
            diagnostics.error_with_help(
                &self.path(key),
                "an unknown field",
                expected,
                help,
                "unknown-field",
            );
        }
    }
}

/// A value as messages show it: JSON in backticks, cut at 64 bytes.
pub fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => quote(text),
        scalar => quote(&scalar.to_string()),
    }
}

/// Text in backticks, cut at 64 bytes, control characters escaped.
pub fn quote(text: &str) -> String {
    let escaped: String = text.chars().flat_map(visible).collect();
    if escaped.len() <= QUOTE_BYTES {
        return format!("`{escaped}`");
    }
    let end = escaped.floor_char_boundary(QUOTE_BYTES);
    let (shown, _) = escaped.split_at(end);
    format!("`{shown}…`")
}

fn visible(c: char) -> Box<dyn Iterator<Item = char>> {
    if c.is_control() {
        Box::new(c.escape_default())
    } else {
        Box::new(std::iter::once(c))
    }
}

/// The nearest name, where it is near enough to be a slip of the finger.
fn did_you_mean(found: &str, names: &[&str]) -> Option<String> {
    names
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}
