//! What serde says of JSON that does not fit, in the words of this crate.
//!
//! Serde's errors are texts (`invalid type: integer `1`, expected i64 at line 1 column
//! 9`): they are taken apart into code, path, found and expected.

use crate::diagnostic::{Code, Diagnostic, quote};

/// Serde's names of types, and what a person calls them.
const EXPECTED: [(&str, &str); 7] = [
    ("a boolean", "true or false"),
    ("a map", "an object"),
    ("a sequence", "a list"),
    ("f64", "a number"),
    ("i64", "an integer"),
    ("u32", "an integer of 0 to 4294967295"),
    ("u64", "an integer of 0 or more"),
];

/// Fields that must be there, and what must stand at them: serde tells the name alone.
const REQUIRED: [(&str, &str); 8] = [
    ("entries", "a list of entries"),
    ("log", "an object with `entries`"),
    ("method", "a string"),
    ("name", "a string"),
    ("request", "an object"),
    ("status", "an integer"),
    ("url", "a string"),
    ("value", "a string"),
];

/// What serde calls a value that it shows no text of.
const FOUND: [(&str, &str); 3] = [
    ("map", "an object"),
    ("sequence", "a list"),
    ("null", "null"),
];

/// The diagnostic for an error at `path`, as `serde_path_to_error` writes paths. The
/// line is the caller's to set; `whole` is what the document should have been.
pub(super) fn of_error(error: &serde_json::Error, path: &str, whole: &str) -> Diagnostic {
    let path = if path == "." { "" } else { path };
    let text = error.to_string();
    // Serde puts the place after the words.
    let words = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(words, _)| words);
    match error.classify() {
        serde_json::error::Category::Io => Diagnostic::new(Code::Io, words, "a readable input"),
        serde_json::error::Category::Eof => {
            let found = "the end of the input inside the document";
            Diagnostic::new(Code::Truncated, found, format!("the rest of {whole}")).on(path)
        }
        serde_json::error::Category::Syntax => {
            let found = format!("text that is no JSON ({words}, column {})", error.column());
            Diagnostic::new(Code::NotJson, found, whole).on(path)
        }
        serde_json::error::Category::Data => of_data(words, path, whole),
    }
}

fn of_data(words: &str, path: &str, whole: &str) -> Diagnostic {
    if let Some(name) = words.strip_prefix("missing field `") {
        let name = name.trim_end_matches('`');
        let known = REQUIRED.iter().find(|(field, _)| *field == name);
        let expected = known.map_or("a value", |(_, expected)| expected);
        return Diagnostic::new(Code::MissingField, "nothing", expected).on(join(path, name));
    }
    if let Some(name) = words.strip_prefix("duplicate field `") {
        let path = join(path, name.trim_end_matches('`'));
        return Diagnostic::new(Code::DuplicateField, "a second one", "the field once").on(path);
    }
    let mismatches = [
        ("invalid type: ", Code::WrongType),
        ("invalid value: ", Code::InvalidValue),
    ];
    for (beginning, code) in mismatches {
        if let Some((found, expected)) = words
            .strip_prefix(beginning)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            return Diagnostic::new(code, found_in_words(found), expected_in_words(expected))
                .on(path);
        }
    }
    Diagnostic::new(Code::InvalidValue, quote(words), whole).on(path)
}

/// `string "x"`, ``integer `1` ``, `map`.
fn found_in_words(found: &str) -> String {
    if let Some((_, words)) = FOUND.iter().find(|(name, _)| *name == found) {
        return (*words).to_owned();
    }
    let value = match found.strip_prefix("string ") {
        Some(text) => Some(text),
        None => found
            .split_once('`')
            .map(|(_, value)| value.trim_end_matches('`')),
    };
    quote(value.unwrap_or(found))
}

fn expected_in_words(expected: &str) -> String {
    let known = EXPECTED.iter().find(|(name, _)| *name == expected);
    known.map_or(expected, |(_, words)| words).to_owned()
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}
