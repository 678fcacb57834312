//! Texts that a route takes.

use crate::effort::Effort;
use crate::pattern::Pattern;

/// What a text must be.
#[derive(Debug, Clone)]
pub enum TextMatcher {
    /// Equal.
    Exact {
        /// What to; in lower case where case counts for nothing.
        text: Box<[u8]>,
        /// Whether ASCII case counts for nothing.
        ignore_case: bool,
    },
    /// Beginning so.
    Prefix {
        /// The beginning; in lower case where case counts for nothing.
        text: Box<[u8]>,
        /// Whether ASCII case counts for nothing.
        ignore_case: bool,
    },
    /// Taken whole by a regular expression.
    Regex(Pattern),
}

impl TextMatcher {
    /// Equal to a text.
    pub fn exact(text: &str, ignore_case: bool) -> Self {
        Self::Exact {
            text: bytes(text, ignore_case),
            ignore_case,
        }
    }

    /// Beginning with a text.
    pub fn prefix(text: &str, ignore_case: bool) -> Self {
        Self::Prefix {
            text: bytes(text, ignore_case),
            ignore_case,
        }
    }

    /// Whether it takes a text; a regular expression does not when that is more effort than
    /// is left.
    pub fn matches(&self, found: &[u8], effort: &Effort) -> bool {
        match self {
            Self::Exact { text, ignore_case } => equal(found, text, *ignore_case),
            Self::Prefix { text, ignore_case } => found
                .get(..text.len())
                .is_some_and(|start| equal(start, text, *ignore_case)),
            Self::Regex(pattern) => pattern.matches(found, effort),
        }
    }

    /// Whether Istio's control plane sees that it takes every path.
    pub(crate) fn takes_all_paths(&self) -> bool {
        match self {
            Self::Exact { .. } => false,
            Self::Prefix { text, .. } => **text == *b"/",
            Self::Regex(pattern) => pattern.text() == ".*",
        }
    }
}

fn bytes(text: &str, ignore_case: bool) -> Box<[u8]> {
    match ignore_case {
        true => text.to_ascii_lowercase().into_bytes().into(),
        false => text.as_bytes().into(),
    }
}

fn equal(found: &[u8], text: &[u8], ignore_case: bool) -> bool {
    match ignore_case {
        true => found.eq_ignore_ascii_case(text),
        false => found == text,
    }
}
