//! Errors that a person can act on.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

/// Declares [`Code`] with its stable names, in one place.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is wrong, as a stable word. Each has a row in `docs/recording-format.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, in kebab case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// The operating system refused a read or a write.
    Io = "io",
    /// There is nothing in the file.
    EmptyInput = "empty-input",
    /// The bytes are not UTF-8.
    NotUtf8 = "not-utf8",
    /// The file is compressed.
    CompressedInput = "compressed-input",
    /// The text is not JSON.
    NotJson = "not-json",
    /// The input ends in the middle of an item.
    Truncated = "truncated",
    /// A line or document is longer than the limit.
    TooLong = "too-long",
    /// The first line is not a recording header.
    NotARecording = "not-a-recording",
    /// A recording of a version that this release cannot read.
    UnsupportedVersion = "unsupported-version",
    /// A field that the format does not have.
    UnknownField = "unknown-field",
    /// A field that must be there is not.
    MissingField = "missing-field",
    /// A value of another type.
    WrongType = "wrong-type",
    /// A value of the right type that is not allowed.
    InvalidValue = "invalid-value",
    /// A name that Envoy has no attribute for.
    UnknownAttribute = "unknown-attribute",
    /// A key that is there twice.
    DuplicateField = "duplicate-field",
    /// The input is in no known format.
    UnknownFormat = "unknown-format",
    /// The input could be in several formats.
    AmbiguousFormat = "ambiguous-format",
    /// A format that is known but cannot be imported.
    UnsupportedFormat = "unsupported-format",
    /// Bytes that are not the protobuf message they should be.
    InvalidProtobuf = "invalid-protobuf",
    /// An access-log line that does not fit its format.
    LogLineMismatch = "log-line-mismatch",
    /// An access-log format string that cannot be used.
    InvalidLogFormat = "invalid-log-format",
    /// A segment of a streamed trace that came after the trace was written.
    LateSegment = "late-segment",
    /// Nothing in the input is an HTTP exchange.
    NoExchanges = "no-exchanges",
}

/// Where in which input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, if the caller named it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The byte offset in the input, from 0.
    pub offset: Option<u64>,
    /// The path inside the document, such as `request.headers[2]`; empty for the whole.
    pub path: String,
}

/// One thing wrong with an input; dereferences to its [`Details`].
///
/// Prints as `file:line: path: found …, expected …; did you mean …? [code]`.
/// Boxed, because results carry it past millions of exchanges that are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic(Box<Details>);

/// What a [`Diagnostic`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What is wrong.
    pub code: Code,
    /// Where.
    pub place: Place,
    /// What was there; quoted and cut where it comes from the input.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// The nearest right thing, or what to do.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a place.
    pub fn new(code: Code, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            place: Place::default(),
            found: found.into(),
            expected: expected.into(),
            suggestion: None,
        }))
    }

    /// An error of the operating system.
    pub fn io(error: &io::Error, doing: &str) -> Self {
        Self::new(Code::Io, error.to_string(), doing)
    }

    /// Names the file.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.place.file = Some(file.into());
        self
    }

    /// Sets the line and the offset at which it starts.
    #[must_use]
    pub fn at(mut self, line: u64, offset: u64) -> Self {
        self.place.line = Some(line);
        self.place.offset = Some(offset);
        self
    }

    /// Sets the path inside the document.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.place.path = path.into();
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds `did you mean` when one of `known` is near `found`.
    #[must_use]
    pub fn suggest_near<'k>(self, found: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        match nearest(found, known) {
            Some(name) => self.suggest(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

impl Deref for Diagnostic {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Diagnostic {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(formatter)?;
        write!(
            formatter,
            "found {}, expected {}",
            self.found, self.expected
        )?;
        if let Some(suggestion) = &self.suggestion {
            write!(formatter, "; {suggestion}")?;
        }
        write!(formatter, " [{}]", self.code.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(formatter, "{file}:{line}")?,
            (Some(file), None) => formatter.write_str(file)?,
            (None, Some(line)) => write!(formatter, "line {line}")?,
            (None, None) => {}
        }
        let located = self.file.is_some() || self.line.is_some();
        match self.offset {
            Some(offset) if located => write!(formatter, " (byte {offset})")?,
            Some(offset) => write!(formatter, "byte {offset}")?,
            None => {}
        }
        if located || self.offset.is_some() {
            formatter.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Bytes kept of a value that is quoted in a message.
const QUOTE_BYTES: usize = 64;

/// Input text in backticks, cut at 64 bytes, control characters escaped so that
/// a recording cannot write to the terminal.
pub(crate) fn quote(text: &str) -> String {
    let mut kept = String::new();
    for character in text.chars() {
        if kept.len() + character.len_utf8() > QUOTE_BYTES {
            return format!("`{kept}…`");
        }
        if character.is_control() {
            kept.extend(character.escape_default());
        } else {
            kept.push(character);
        }
    }
    format!("`{kept}`")
}

/// The same for bytes: those that are not UTF-8 show as the replacement character.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let end = bytes.len().min(4 * QUOTE_BYTES);
    quote(&String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)))
}

/// A closed set for an `expected` text.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    format!("one of {}", names.join(", "))
}

/// The name nearest to what was found, if it is near enough to be a slip.
fn nearest<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if found.len() > QUOTE_BYTES {
        return None;
    }
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_place_found_expected_and_advice() {
        let diagnostic = Diagnostic::new(Code::UnknownField, quote("bdoy"), "a field")
            .in_file("a.jsonl")
            .at(3, 120)
            .on("request")
            .suggest_near("bdoy", ["headers", "body"]);
        assert_eq!(
            diagnostic.to_string(),
            "a.jsonl:3 (byte 120): request: found `bdoy`, expected a field; did you mean `body`? [unknown-field]"
        );
    }

    #[test]
    fn quotes_are_cut_and_cannot_reach_the_terminal() {
        assert_eq!(quote("a\u{1b}[2J"), "`a\\u{1b}[2J`");
        assert_eq!(quote(&"é".repeat(40)), format!("`{}…`", "é".repeat(32)));
    }
}
