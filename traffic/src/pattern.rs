//! Regular expressions that take a whole text, in time that grows with it alone.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// Most bytes that a compiled expression may take. Envoy warns from a program of a
/// hundred instructions on; this holds a thousand times that.
const MOST_BYTES: usize = 256 * 1024;

/// A regular expression.
///
/// RE2's syntax without Unicode classes: `\p{…}` is refused. It compares characters, as
/// RE2 does for Envoy: a text that is no UTF-8 fits none.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    whole: Regex,
}

impl Pattern {
    /// Reads an expression.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = node.text(diagnostics)?;
        let pattern = Self::new(text);
        if let Err(reason) = &pattern {
            let expected = format!("a regular expression of RE2 ({reason})");
            node.error(DiagnosticCode::InvalidRegex, expected, diagnostics);
        }
        pattern.ok()
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        let build = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(MOST_BYTES)
                .build()
                .map_err(|error| error.to_string())
        };
        // By itself first: what follows must not balance its parentheses.
        build(text)?;
        Ok(Self {
            text: text.into(),
            whole: build(&[r"\A(?:", text, r")\z"].concat())?,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it takes a whole text.
    pub fn matches(&self, text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok_and(|text| self.whole.is_match(text))
    }
}

/// A regular expression that is searched for, and what takes its place.
#[derive(Debug, Clone)]
pub struct Substitution {
    search: Regex,
    replacement: Box<str>,
}

impl Substitution {
    /// Reads `{match, rewrite}`. `\1` in the latter stands for a group, as in RE2.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let search = object.require("match", diagnostics);
        let rewrite = object.require("rewrite", diagnostics);
        object.finish(diagnostics);
        let pattern = search.and_then(|search| Pattern::read(&search, diagnostics));
        let rewrite = rewrite?;
        let text = rewrite.string(diagnostics)?;
        let search = Regex::new(pattern?.text()).ok()?;
        let groups = search.captures_len() - 1;
        let Some(replacement) = dollars(text, groups) else {
            let expected =
                format!("`\\\\`, or `\\` and the number of a group, of which there are {groups}");
            rewrite.error(DiagnosticCode::InvalidRegex, expected, diagnostics);
            return None;
        };
        Some(Self {
            search,
            replacement: replacement.into(),
        })
    }

    /// A text with each find replaced.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.search.replace_all(text, &*self.replacement)
    }
}

/// A replacement in the form of RE2 as one of this crate's; none if it names a group
/// that is not there.
fn dollars(rewrite: &str, groups: usize) -> Option<String> {
    let mut replacement = String::with_capacity(rewrite.len());
    let mut rest = rewrite.chars();
    while let Some(character) = rest.next() {
        match character {
            '$' => replacement.push_str("$$"),
            '\\' => match rest.next()? {
                '\\' => replacement.push('\\'),
                digit => {
                    let group = digit.to_digit(10)?;
                    if usize::try_from(group).ok()? > groups {
                        return None;
                    }
                    replacement.push_str("${");
                    replacement.push(digit);
                    replacement.push('}');
                }
            },
            other => replacement.push(other),
        }
    }
    Some(replacement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_expression_takes_whole_texts() {
        let table = [
            ("a|b", "a", true),
            ("a|b", "ab", false),
            ("/v[0-9]+/.*", "/v12/x", true),
            ("/v[0-9]+/.*", "x/v12/x", false),
            (".*", "a\nb", false),
            ("(?s).*", "a\nb", true),
            ("(?i)GET", "get", true),
            ("é.", "éü", true),
        ];
        for (expression, text, expected) in table {
            let pattern = Pattern::new(expression).unwrap();
            assert_eq!(pattern.matches(text.as_bytes()), expected, "{expression}");
        }
        assert!(!Pattern::new(".*").unwrap().matches(b"\xff"));
    }

    /// Five hundred and twelve words of twelve letters, and not half of what is too much.
    #[test]
    fn a_long_list_of_words_is_taken() {
        let words: Vec<String> = (0..512).map(|word| format!("merchant{word:04}")).collect();
        let pattern = Pattern::new(&words.join("|")).unwrap();
        assert!(pattern.matches(b"merchant0511"));
        assert!(!pattern.matches(b"merchant0512"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["(", "a)(b", r"\p{L}", "[", "(?<", "(a{1,900}){900}"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }

    fn substitution(search: &str, rewrite: &str) -> Option<Substitution> {
        let value = json!({"match": search, "rewrite": rewrite});
        Substitution::read(&Node::new(&value, "x"), &mut Diagnostics::new())
    }

    #[test]
    fn groups_are_numbered_as_in_re2() {
        let table = [
            (
                "^/service/([^/]+)(/.*)$",
                r"\2/instance/\1",
                "/service/foo/v1/api",
                "/v1/api/instance/foo",
            ),
            ("one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"),
            ("(a)", r"\0\0$1\\", "/a", r"/aa$1\"),
            ("(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"),
        ];
        for (search, rewrite, path, expected) in table {
            assert_eq!(substitution(search, rewrite).unwrap().apply(path), expected);
        }
        for rewrite in [r"\2", r"\x", "\\"] {
            assert!(substitution("(a)", rewrite).is_none(), "{rewrite}");
        }
    }
}
