//! Text patterns with at most one `*`, at an end.

use super::{SPIFFE, regex_text};

/// A text pattern.
///
/// Public variants: an index files exact texts, prefixes and suffixes apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StringMatcher {
    /// Equal.
    Exact {
        /// What to be equal to.
        text: Box<[u8]>,
        /// Whether ASCII case counts for nothing.
        ignore_case: bool,
    },
    /// Starts with.
    Prefix {
        /// The start.
        text: Box<[u8]>,
        /// Whether ASCII case counts for nothing.
        ignore_case: bool,
    },
    /// Ends with.
    Suffix {
        /// The end.
        text: Box<[u8]>,
        /// Whether ASCII case counts for nothing.
        ignore_case: bool,
    },
    /// Anything that is there, even if empty: Envoy's present match.
    Any,
    /// Regex `.+`: at least one character, and no line feed.
    NonEmpty,
    /// Regex `PREFIX.*SUFFIX` over the whole text.
    Around {
        /// The start.
        prefix: Box<[u8]>,
        /// The end.
        suffix: Box<[u8]>,
    },
}

impl StringMatcher {
    /// A value of claims, SNI, audiences, plain paths and metadata.
    pub fn text(value: &str) -> Self {
        Self::with_wildcard(value, Self::NonEmpty, false)
    }

    /// A value of `methods` and `request.headers[…]`.
    pub fn header(value: &str) -> Self {
        Self::with_wildcard(value, Self::Any, false)
    }

    /// A value of `hosts`: as a header, but without regard to case.
    pub fn host(value: &str) -> Self {
        Self::with_wildcard(value, Self::Any, true)
    }

    /// A value of `principals`: the identity without `spiffe://`.
    pub fn principal(value: &str) -> Self {
        Self::with_prefix(value, SPIFFE)
    }

    /// A value with `prefix` before it, except that `*` stays `.+`.
    pub fn with_prefix(value: &str, prefix: &str) -> Self {
        let joined = |text: &[u8]| [prefix.as_bytes(), text].concat().into_boxed_slice();
        match Self::text(value) {
            Self::Suffix { text, .. } if !prefix.is_empty() => Self::Around {
                prefix: bytes(prefix),
                suffix: text,
            },
            Self::Prefix { text, ignore_case } => Self::Prefix {
                text: joined(&text),
                ignore_case,
            },
            Self::Exact { text, ignore_case } => Self::Exact {
                text: joined(&text),
                ignore_case,
            },
            other => other,
        }
    }

    /// Exactly `text`, whatever it contains.
    pub fn exact(text: &str) -> Self {
        Self::Exact {
            text: bytes(text),
            ignore_case: false,
        }
    }

    /// Whatever starts with `text`.
    pub fn prefix(text: &str) -> Self {
        Self::Prefix {
            text: bytes(text),
            ignore_case: false,
        }
    }

    /// Whatever ends with `text`.
    pub fn suffix(text: &str) -> Self {
        Self::Suffix {
            text: bytes(text),
            ignore_case: false,
        }
    }

    /// The same pattern without regard to ASCII case, where it has any.
    #[must_use]
    pub fn ignoring_case(self) -> Self {
        match self {
            Self::Exact { text, .. } => Self::Exact {
                text,
                ignore_case: true,
            },
            Self::Prefix { text, .. } => Self::Prefix {
                text,
                ignore_case: true,
            },
            Self::Suffix { text, .. } => Self::Suffix {
                text,
                ignore_case: true,
            },
            other => other,
        }
    }

    /// Istio looks at a leading `*` before a trailing one and honours only one:
    /// `*x*` ends with the literal `x*`.
    fn with_wildcard(value: &str, star: Self, ignore_case: bool) -> Self {
        if value == "*" {
            return star;
        }
        match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(suffix), _) => Self::Suffix {
                text: bytes(suffix),
                ignore_case,
            },
            (None, Some(prefix)) => Self::Prefix {
                text: bytes(prefix),
                ignore_case,
            },
            (None, None) => Self::Exact {
                text: bytes(value),
                ignore_case,
            },
        }
    }

    /// Whether the text fits the pattern.
    pub fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact {
                text: exact,
                ignore_case,
            } => equal(text, exact, *ignore_case),
            Self::Prefix {
                text: prefix,
                ignore_case,
            } => text
                .get(..prefix.len())
                .is_some_and(|start| equal(start, prefix, *ignore_case)),
            Self::Suffix {
                text: suffix,
                ignore_case,
            } => {
                let start = text.len().checked_sub(suffix.len());
                start
                    .and_then(|start| text.get(start..))
                    .is_some_and(|end| equal(end, suffix, *ignore_case))
            }
            Self::Any => true,
            Self::NonEmpty => !text.is_empty() && regex_text::is_dots(text),
            Self::Around { prefix, suffix } => {
                let middle = text
                    .strip_prefix(&**prefix)
                    .and_then(|rest| rest.strip_suffix(&**suffix));
                middle.is_some_and(regex_text::is_dots)
            }
        }
    }
}

pub(super) fn bytes(text: &str) -> Box<[u8]> {
    Box::from(text.as_bytes())
}

fn equal(left: &[u8], right: &[u8], ignore_case: bool) -> bool {
    if ignore_case {
        left.eq_ignore_ascii_case(right)
    } else {
        left == right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_one_star_is_a_wildcard_and_the_leading_one_first() {
        assert_eq!(StringMatcher::text("*x*"), StringMatcher::suffix("x*"));
        assert_eq!(StringMatcher::text("a*b"), StringMatcher::exact("a*b"));
        assert_eq!(StringMatcher::text("a*"), StringMatcher::prefix("a"));
        assert_eq!(StringMatcher::text("**"), StringMatcher::suffix("*"));
    }

    #[test]
    fn a_lone_star_needs_a_character_in_text_but_not_in_headers() {
        assert!(!StringMatcher::text("*").matches(b""));
        assert!(!StringMatcher::text("*").matches(b"a\nb"));
        assert!(StringMatcher::text("*").matches(b"a"));
        assert!(StringMatcher::header("*").matches(b""));
        assert!(StringMatcher::header("*").matches(b"a\nb"));
    }

    #[test]
    fn hosts_ignore_case_and_keep_the_port() {
        assert!(StringMatcher::host("API.x").matches(b"api.X"));
        assert!(!StringMatcher::host("api.x").matches(b"api.x:8443"));
        assert!(StringMatcher::host("*.EXAMPLE.com").matches(b".example.COM"));
        assert!(StringMatcher::host("Api.*").matches(b"aPI.y"));
    }

    #[test]
    fn everything_else_keeps_case() {
        assert!(!StringMatcher::header("get").matches(b"GET"));
        assert!(!StringMatcher::text("a*").matches(b"Ab"));
        assert!(!StringMatcher::text("*a").matches(b"bA"));
    }

    #[test]
    fn principals_get_the_spiffe_scheme() {
        assert!(StringMatcher::principal("td/ns/a/sa/b").matches(b"spiffe://td/ns/a/sa/b"));
        assert!(
            !StringMatcher::principal("spiffe://td/ns/a/sa/b").matches(b"spiffe://td/ns/a/sa/b")
        );
        assert!(StringMatcher::principal("td/*").matches(b"spiffe://td/ns/a/sa/b"));
        assert!(StringMatcher::principal("*/sa/b").matches(b"spiffe://td/ns/a/sa/b"));
        assert!(!StringMatcher::principal("*/sa/b").matches(b"https://td/ns/a/sa/b"));
        assert!(!StringMatcher::principal("*b").matches(b"spiffe://a\nb"));
        assert!(StringMatcher::principal("*").matches(b"CN=anything"));
    }

    #[test]
    fn prefix_and_suffix_of_a_regex_do_not_overlap() {
        let matcher = StringMatcher::with_prefix("*ab", "ab");
        assert!(!matcher.matches(b"ab"));
        assert!(matcher.matches(b"abab"));
    }
}
