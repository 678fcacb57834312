//! From bytes to a value: RFC 8259 to the letter, with the findings that readers of
//! JSON rarely make (duplicate keys, depth, size) and the path of each.
//!
//! By hand, and in one copy: a reader made by generic visitors is 15 KB of a module.
//! Property tests compare it with serde_json.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::path;
use crate::diagnostic::{DiagnosticCode, Diagnostics, describe, quote};

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
    let mut value = None;
    let whole = Reader::new(bytes, diagnostics).document(&mut |reader| {
        value = Some(reader.value()?);
        Ok(())
    });
    value.filter(|_| whole)
}

/// What becomes of a comma after the last part of a list or an object, which RFC 8259
/// does not allow and Envoy's reader does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailingComma {
    /// The text is no JSON.
    Refused,
    /// It means nothing.
    Ignored,
}

/// Reads one JSON value that a stranger sent, and nothing after it.
///
/// `None` at the first finding, duplicate keys included. Findings are not told: the
/// stranger could have them fill the memory.
pub fn parse_untrusted(bytes: &[u8], trailing_comma: TrailingComma) -> Option<Value> {
    read_untrusted(bytes, trailing_comma, &mut |reader| reader.value())
}

/// Reads one JSON object that a stranger sent, as [`parse_untrusted`] does, without
/// keeping it: calls `member` with each of its members. `None` says that there is no such
/// object, whatever was called before.
pub fn visit_untrusted_object<'b>(bytes: &'b [u8], member: OnMember<'_, 'b>) -> Option<()> {
    read_untrusted(bytes, TrailingComma::Refused, &mut |reader| {
        reader.visit(member)
    })
}

fn read_untrusted<'b, T>(
    bytes: &'b [u8],
    trailing_comma: TrailingComma,
    read: &mut dyn FnMut(&mut Reader<'b, '_>) -> Read<T>,
) -> Option<T> {
    let mut diagnostics = Diagnostics::new();
    let mut reader = Reader::new(bytes, &mut diagnostics);
    reader.is_of_stranger = true;
    reader.trailing_comma = trailing_comma;
    let mut value = None;
    let whole = reader.document(&mut |reader| {
        value = Some(read(reader)?);
        Ok(())
    });
    value.filter(|_| whole && diagnostics.is_empty())
}

/// Is told of a member of an object: its key, its value and where that stands.
pub type OnMember<'m, 'b> = &'m mut dyn FnMut(&str, Visited<'b>, Range<usize>);

/// The value of a member.
#[derive(Debug, PartialEq)]
pub enum Visited<'b> {
    /// A string; borrowed if it is written as it is.
    Text(Cow<'b, str>),
    /// Any other value.
    Other(Value),
}

/// Of so many keys each is compared with all before it: that is faster than a map, and
/// objects have seldom more.
const FEW_KEYS: usize = 16;

/// Reading cannot go on, and the reason has been reported.
#[derive(Debug)]
pub(crate) struct Stopped;

/// What is read, unless reading stops.
pub(crate) type Read<T> = Result<T, Stopped>;

/// Reads what stands inside of a list or an object.
pub(crate) type ReadPart<'f, 'b, 'd, A> = &'f mut dyn FnMut(&mut Reader<'b, 'd>, A) -> Read<()>;

/// Where the reader is, and what it found.
pub(crate) struct Reader<'b, 'd> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
    /// Path of the value being read.
    pub(crate) path: String,
    depth: usize,
    /// Whether reading stops at the first finding, which nobody is told: paths are not
    /// kept then.
    is_of_stranger: bool,
    trailing_comma: TrailingComma,
    /// Findings so far.
    pub(crate) diagnostics: &'d mut Diagnostics,
}

impl<'b, 'd> Reader<'b, 'd> {
    /// A reader at the root.
    pub(crate) fn new(bytes: &'b [u8], diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            bytes,
            at: 0,
            path: String::new(),
            depth: 0,
            is_of_stranger: false,
            trailing_comma: TrailingComma::Refused,
            diagnostics,
        }
    }

    /// Reads the root with `read`; returns whether that and the end came through.
    pub(crate) fn document(mut self, read: &mut dyn FnMut(&mut Self) -> Read<()>) -> bool {
        let size = self.bytes.len();
        if size > MAX_BYTES {
            let (found, expected) = (
                format!("{size} bytes"),
                format!("at most {MAX_BYTES} bytes"),
            );
            self.diagnostics
                .error(DiagnosticCode::TooLarge, "", found, expected);
            return false;
        }
        read(&mut self).and_then(|()| self.end()).is_ok()
    }

    fn end(&mut self) -> Read<()> {
        match self.token() {
            None => Ok(()),
            Some(_) => Err(self.fault("more after the end")),
        }
    }

    /// Reads any value.
    pub(crate) fn value(&mut self) -> Read<Value> {
        match self.token() {
            Some(b'{') => self.any_object(),
            Some(b'[') => self.any_list(),
            Some(b'"') => self.string().map(|text| Value::String(text.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.fault("no value")),
        }
    }

    fn word(&mut self, word: &str, meaning: Value) -> Read<Value> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.fault("an unknown word"));
        }
        self.at += word.len();
        Ok(meaning)
    }

    fn any_list(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        self.list("a list", &mut |reader, ()| {
            items.push(reader.value()?);
            Ok(())
        })?;
        Ok(Value::Array(items))
    }

    fn any_object(&mut self) -> Read<Value> {
        let mut object = Map::new();
        self.object(&mut |reader, key| {
            let value = reader.value()?;
            reader.keep(&mut object, key.into_owned(), value);
            if reader.is_of_stranger && !reader.diagnostics.is_empty() {
                return Err(Stopped);
            }
            Ok(())
        })?;
        Ok(Value::Object(object))
    }

    fn visit(&mut self, member: OnMember<'_, 'b>) -> Read<()> {
        let mut keys = Vec::with_capacity(FEW_KEYS);
        let mut more_keys = Map::new();
        self.object(&mut |reader, key| {
            let is_text = reader.token() == Some(b'"');
            let start = reader.at;
            let value = if is_text {
                Visited::Text(reader.string()?)
            } else {
                Visited::Other(reader.value()?)
            };
            if keys.contains(&key) {
                return Err(reader.fault("a key a second time"));
            }
            member(&key, value, start..reader.at);
            if keys.len() < FEW_KEYS {
                keys.push(key);
            } else {
                reader.keep(&mut more_keys, key.into_owned(), Value::Null);
            }
            match reader.diagnostics.is_empty() {
                true => Ok(()),
                false => Err(Stopped),
            }
        })
    }

    /// Adds the value at the current path to its object, or reports that its key
    /// came before.
    pub(crate) fn keep(&mut self, object: &mut Map<String, Value>, key: String, value: Value) {
        match object.entry(key) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(first) => {
                let found = format!("the key {} a second time", quote(first.key()));
                self.diagnostics.error(
                    DiagnosticCode::DuplicateKey,
                    &self.path,
                    found,
                    "each key once",
                );
            }
        }
    }

    /// Reads a list: `item` is called where each item begins. Another value is
    /// reported and left behind.
    pub(crate) fn list(&mut self, expected: &str, item: ReadPart<'_, 'b, 'd, ()>) -> Read<()> {
        if !self.open(b'[', expected)? {
            return Ok(());
        }
        let parent = self.path.len();
        for index in 0.. {
            // Before the item is looked for: one that is missing has a place, too.
            if !self.is_of_stranger {
                path::push_item(&mut self.path, index);
            }
            if !self.has_part(index == 0, b']')? {
                break;
            }
            item(self, ())?;
            self.path.truncate(parent);
        }
        self.path.truncate(parent);
        Ok(())
    }

    /// Reads an object: `member` is called with each key, where its value begins.
    /// Another value is reported and left behind.
    pub(crate) fn object(&mut self, member: ReadPart<'_, 'b, 'd, Cow<'b, str>>) -> Read<()> {
        if !self.open(b'{', "an object")? {
            return Ok(());
        }
        let parent = self.path.len();
        let mut is_first = true;
        while self.has_part(is_first, b'}')? {
            is_first = false;
            if self.token() != Some(b'"') {
                return Err(self.fault("no key"));
            }
            let key = self.string()?;
            if !self.is_of_stranger {
                path::push_child(&mut self.path, &key);
            }
            if self.token() != Some(b':') {
                return Err(self.fault("no `:`"));
            }
            self.at += 1;
            member(self, key)?;
            self.path.truncate(parent);
        }
        Ok(())
    }

    /// Goes into a list or an object; false if there was something else, past which
    /// reading goes on, so that what comes after it is looked at, too.
    fn open(&mut self, bracket: u8, expected: &str) -> Read<bool> {
        if self.token() != Some(bracket) {
            let found = describe(&self.value()?);
            self.diagnostics
                .error(DiagnosticCode::WrongType, &self.path, found, expected);
            return Ok(false);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} levels");
            self.diagnostics
                .error(DiagnosticCode::TooDeep, &self.path, "more levels", expected);
            return Err(Stopped);
        }
        Ok(true)
    }

    /// Whether another part follows; if not, goes out past the closing bracket.
    fn has_part(&mut self, is_first: bool, bracket: u8) -> Read<bool> {
        match self.token() {
            Some(byte) if byte == bracket => self.close(),
            Some(_) if is_first => Ok(true),
            Some(b',') => {
                self.at += 1;
                let may_close = self.trailing_comma == TrailingComma::Ignored;
                if may_close && self.token() == Some(bracket) {
                    return self.close();
                }
                Ok(true)
            }
            _ => Err(self.fault("neither `,` nor the end of a list or object")),
        }
    }

    /// Goes out past the closing bracket; there is no further part.
    fn close(&mut self) -> Read<bool> {
        self.at += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// The next byte that is no white space.
    pub(crate) fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Reports why the bytes from here on are no JSON.
    #[cold]
    pub(super) fn fault(&mut self, what: &str) -> Stopped {
        let before = self.bytes.get(..self.at).unwrap_or(self.bytes);
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next();
        let column = column.map_or(0, <[u8]>::len) + 1;
        let what = if before.len() == self.bytes.len() {
            "the end"
        } else {
            what
        };
        let found = format!("a fault ({what} at line {line} column {column})");
        self.diagnostics.error(
            DiagnosticCode::MalformedJson,
            &self.path,
            found,
            "one JSON document",
        );
        Stopped
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
        let found = findings(r#"{"a":[{"b":1,"b":2,"b":3}],"a":[1]}"#);
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
            "[,1]",
            "[1 2]",
            "[1;2]",
            "[1}",
            "{\"a\":1]",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" 1}",
            "{\"a\"}",
            "{a:1}",
            "{1:1}",
            "nul",
            "nulL",
            "truE",
            "True",
            "",
            "\u{feff}{}",
            "\u{b}1",
            "1\u{a0}",
            "{\"a\":1e999}",
            "\"\u{1}\"",
            "\"a",
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
    fn a_stranger_s_text_is_read_up_to_the_first_finding() {
        let read = |text: &str| parse_untrusted(text.as_bytes(), TrailingComma::Refused);
        assert_eq!(
            read(r#" {"a":[1,{"b":2}]} "#),
            Some(json!({"a": [1, {"b": 2}]}))
        );
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":1,"c":1}}"#,
            r#"{"a":1,}"#,
            "[1,]",
            "{} {}",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// The members of an object with their places, or that there is none.
    fn visited(text: &str) -> Option<Vec<(String, Visited<'_>, String)>> {
        let mut members = Vec::new();
        visit_untrusted_object(text.as_bytes(), &mut |key, value, place| {
            let written = text.get(place).unwrap().to_owned();
            members.push((key.to_owned(), value, written));
        })?;
        Some(members)
    }

    #[test]
    fn the_members_of_a_stranger_s_object_have_their_places() {
        let text = r#" { "a" : "x y" ,"b":[1, 2] , "\u0063":{"d":"e"},"f": -1 ,"g":"\n"} "#;
        let member = |key: &str, value, written: &str| (key.to_owned(), value, written.to_owned());
        let text_of = |text| Visited::Text(Cow::Borrowed(text));
        assert_eq!(
            visited(text).unwrap(),
            [
                member("a", text_of("x y"), "\"x y\""),
                member("b", Visited::Other(json!([1, 2])), "[1, 2]"),
                member("c", Visited::Other(json!({"d": "e"})), r#"{"d":"e"}"#),
                member("f", Visited::Other(json!(-1)), "-1"),
                member("g", text_of("\n"), r#""\n""#),
            ]
        );
        for text in [
            "[]",
            "1",
            "{",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":1,}"#,
            r#"{"a":-}"#,
            r#"{"a":"}"#,
            "{} {}",
            "",
        ] {
            assert_eq!(visited(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_may_come_once_however_many_there_are() {
        for size in [1, FEW_KEYS, FEW_KEYS + 1, 3 * FEW_KEYS] {
            let keys: Vec<String> = (0..size).map(|number| format!("\"{number}\":1")).collect();
            let object = |keys: &[String]| format!("{{{}}}", keys.join(","));
            assert_eq!(visited(&object(&keys)).unwrap().len(), size);
            for again in &keys {
                let keys = [keys.as_slice(), std::slice::from_ref(again)].concat();
                assert_eq!(visited(&object(&keys)), None, "{size} {again}");
            }
        }
    }

    #[test]
    fn a_trailing_comma_may_be_ignored() {
        let read = |text: &str| parse_untrusted(text.as_bytes(), TrailingComma::Ignored);
        let text = r#"{"a":[1,{"b":2 , } ,],}"#;
        assert_eq!(read(text), Some(json!({"a": [1, {"b": 2}]})));
        for text in ["[,]", "[1,,]", "{,}", r#"{"a":1,,}"#, "[1],", "[1,}", "[1,"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_fault_is_told_by_line_and_column() {
        let table = [
            ("", "", "the end at line 1 column 1"),
            ("x", "", "no value at line 1 column 1"),
            (" {}\n\n  x", "", "more after the end at line 3 column 3"),
            ("[1,\r\n\tx]", "[1]", "no value at line 2 column 2"),
            ("[1] x", "", "more after the end at line 1 column 5"),
            (
                "{\"a\": {\"b\":\n[1, 2;",
                "a.b[2]",
                "neither `,` nor the end of a list or object at line 2 column 6",
            ),
            ("{\"a\": 1,\n 2}", "", "no key at line 2 column 2"),
            ("{\"é\" 1}", "[\"é\"]", "no `:` at line 1 column 7"),
            ("[nulx]", "[0]", "an unknown word at line 1 column 2"),
            ("[1, 2", "[2]", "the end at line 1 column 6"),
        ];
        for (text, path, fault) in table {
            let path = if path.is_empty() { "document" } else { path };
            let expected = format!(
                "{path}: found a fault ({fault}), expected one JSON document [malformed-json]"
            );
            assert_eq!(findings(text), expected, "{text}");
        }
    }

    #[test]
    fn of_a_repeated_key_the_first_value_stays() {
        let mut diagnostics = Diagnostics::new();
        let value = parse(b"{\"a\":1,\"a\":2,\"b\":3}", &mut diagnostics);
        assert_eq!(value, Some(json!({"a": 1, "b": 3})));
        assert_eq!(diagnostics.count_errors(), 1);
    }

    #[test]
    fn white_space_may_stand_between_any_two_parts() {
        let text = " \t\r\n{ \t\"a\"\r:\n[ 1\t,\rtrue\n, false , null ]\t, \"b\" : { } }\r\n";
        let mut diagnostics = Diagnostics::new();
        assert_eq!(
            parse(text.as_bytes(), &mut diagnostics),
            Some(json!({"a": [1, true, false, null], "b": {}}))
        );
        assert!(diagnostics.is_empty());
    }

    #[test]
    fn only_what_is_open_counts_as_depth() {
        for empty in ["[]", "{}"] {
            let many = vec![empty; 2 * MAX_DEPTH].join(",");
            assert_eq!(findings(&format!("[{many}]")), "");
        }
        let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        assert_eq!(findings(&objects(MAX_DEPTH)), "");
        assert!(findings(&objects(MAX_DEPTH + 1)).ends_with("[too-deep]"));
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
