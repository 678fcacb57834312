//! Regular expressions that take a whole text. The time for it grows with its length times
//! that of the expression, and [`Effort`] has a limit for both together.

mod length;

use regex_lite::{Regex, RegexBuilder};
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::effort::Effort;

/// Most characters of an expression, its repetitions written out. Istio lets Envoy have
/// four times as many instructions of RE2.
const MOST_CHARACTERS: usize = 8 * 1024;

/// Most bytes that a compiled expression may take: more than one of so many characters
/// needs, so that no platform refuses what another takes.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A regular expression.
///
/// RE2's syntax without Unicode classes: `\p{…}` is refused. It compares characters, as
/// RE2 does for Envoy: a text that is no UTF-8 fits none.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    whole: Regex,
    length: usize,
}

impl Pattern {
    /// Reads an expression.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        read(node, diagnostics, Self::new)
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        // By itself first: what follows must not balance its parentheses.
        let (_, length) = parse(text)?;
        Ok(Self {
            text: text.into(),
            whole: compile(&[r"\A(?:", text, r")\z"].concat())?,
            length,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it takes a whole text; not if that is more effort than is left.
    pub fn matches(&self, text: &[u8], effort: &Effort) -> bool {
        effort.allows(self.length, text.len())
            && std::str::from_utf8(text).is_ok_and(|text| self.whole.is_match(text))
    }
}

/// Reads an expression; what is wrong with it is reported.
fn read<T>(
    node: &Node<'_>,
    diagnostics: &mut Diagnostics,
    make: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    match make(node.text(diagnostics)?) {
        Ok(made) => Some(made),
        Err(reason) => {
            let expected = format!("a regular expression of RE2 ({reason})");
            node.error(DiagnosticCode::InvalidRegex, expected, diagnostics);
            None
        }
    }
}

/// An expression by itself, and its length.
fn parse(text: &str) -> Result<(Regex, usize), String> {
    let length = length::written_out(text);
    if length > MOST_CHARACTERS {
        return Err(format!(
            "of at most {MOST_CHARACTERS} characters with repetitions written out"
        ));
    }
    Ok((compile(text)?, length))
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(MOST_BYTES)
        .build()
        .map_err(|error| error.to_string())
}

/// A regular expression that is searched for, and what takes its place.
#[derive(Debug, Clone)]
pub struct Substitution {
    search: Regex,
    length: usize,
    replacement: Box<str>,
}

impl Substitution {
    /// Reads `{match, rewrite}`. `\1` in the latter stands for a group, as in RE2.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let search = object.require("match", diagnostics);
        let rewrite = object.require("rewrite", diagnostics);
        object.finish(diagnostics);
        let search = search.and_then(|search| read(&search, diagnostics, parse));
        let rewrite = rewrite?;
        let text = rewrite.string(diagnostics)?;
        let (search, length) = search?;
        let groups = search.captures_len() - 1;
        let Some(replacement) = dollars(text, groups) else {
            let expected =
                format!("`\\\\`, or `\\` and the number of a group, of which there are {groups}");
            rewrite.error(DiagnosticCode::InvalidRegex, expected, diagnostics);
            return None;
        };
        Some(Self {
            search,
            length,
            replacement: replacement.into(),
        })
    }

    /// A text with each find replaced; none if that is more effort than is left. Every
    /// find is a search of all that follows the one before.
    pub fn apply(&self, text: &str, effort: &Effort) -> Option<String> {
        let mut new = String::with_capacity(text.len());
        let mut rest = text;
        let mut finds = self.search.captures_iter(text);
        while effort.allows_again(self.length, rest.len()) {
            let Some(find) = finds.next() else {
                return Some(new + rest);
            };
            let whole = find.get(0)?;
            let before = text.len() - rest.len();
            new.push_str(text.get(before..whole.start())?);
            find.expand(&self.replacement, &mut new);
            rest = text.get(whole.end()..)?;
        }
        None
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
            let found = pattern.matches(text.as_bytes(), &Effort::default());
            assert_eq!(found, expected, "{expression}");
        }
        assert!(
            !Pattern::new(".*")
                .unwrap()
                .matches(b"\xff", &Effort::default())
        );
    }

    #[test]
    fn a_text_that_is_too_long_fits_none() {
        let pattern = Pattern::new(".*a.*").unwrap();
        let effort = Effort::default();
        assert!(pattern.matches(&[b'a'; 400_000], &effort));
        assert!(!pattern.matches(&[b'a'; 400_000], &effort));
    }

    /// As many searches as there are letters, and each goes to the end of the text.
    #[test]
    fn a_path_of_many_finds_is_searched_in_bounds() {
        let new = substitution("a.*?X|a", "b").unwrap();
        assert_eq!(
            new.apply(&"a".repeat(500), &Effort::default()),
            Some("b".repeat(500))
        );
        assert_eq!(new.apply(&"a".repeat(5_000), &Effort::default()), None);
    }

    /// Five hundred and twelve words of twelve letters.
    #[test]
    fn a_long_list_of_words_is_taken() {
        let words: Vec<String> = (0..512).map(|word| format!("merchant{word:04}")).collect();
        let pattern = Pattern::new(&words.join("|")).unwrap();
        assert!(pattern.matches(b"merchant0511", &Effort::default()));
        assert!(!pattern.matches(b"merchant0512", &Effort::default()));
    }

    /// No engine has to refuse what is short enough.
    #[test]
    fn an_expression_may_be_as_long_as_it_says() {
        for text in [
            "a{8192}",
            "(?:ab){1638}",
            "[a-z]{1638}",
            "(a|b|c){1365}",
            r"\w{8192}",
        ] {
            assert_eq!(Pattern::new(text).err(), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "(",
            "a)(b",
            r"\p{L}",
            "[",
            "(?<",
            "(a{1,90}){91}",
            "a{8193}",
        ] {
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
            let new = substitution(search, rewrite).unwrap();
            assert_eq!(new.apply(path, &Effort::default()).unwrap(), expected);
        }
        for rewrite in [r"\2", r"\x", "\\"] {
            assert!(substitution("(a)", rewrite).is_none(), "{rewrite}");
        }
    }
}
