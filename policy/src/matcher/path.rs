//! Values of `paths`.

use super::template::check_braces;
use super::{PathTemplate, StringMatcher, TemplateError};

/// A value of `paths`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathMatcher {
    /// A plain path, perhaps with one `*` at an end.
    Text(StringMatcher),
    /// A template.
    Template(PathTemplate),
}

impl PathMatcher {
    /// Reads a value.
    ///
    /// # Errors
    /// A malformed template, or a brace in a plain path.
    pub fn new(value: &str) -> Result<Self, TemplateError> {
        if PathTemplate::is_template(value) {
            return PathTemplate::new(value).map(Self::Template);
        }
        check_braces(value)?;
        Ok(Self::Text(StringMatcher::text(value)))
    }

    /// Whether a path [without query](without_query) fits.
    pub fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Text(matcher) => matcher.matches(path),
            Self::Template(template) => template.matches(path),
        }
    }
}

/// The path as RBAC compares it: cut at the first `?` or `#`.
pub fn without_query(path: &[u8]) -> &[u8] {
    match memchr::memchr2(b'?', b'#', path) {
        Some(end) => path.get(..end).unwrap_or(path),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(value: &str, path: &[u8]) -> bool {
        PathMatcher::new(value).is_ok_and(|matcher| matcher.matches(without_query(path)))
    }

    #[test]
    fn the_query_does_not_count_and_the_trailing_slash_does() {
        assert!(matches("/a", b"/a?b"));
        assert!(matches("/a", b"/a#b"));
        assert!(!matches("/a", b"/a/"));
        assert!(!matches("/a", b"/a%3Fb"));
        assert!(!matches("/a", b"/A"));
    }

    #[test]
    fn a_lone_star_is_any_path_without_line_feed() {
        assert!(matches("*", b"/"));
        assert!(!matches("*", b""));
        assert!(!matches("*", b"?a"));
    }

    #[test]
    fn braces_are_for_templates() {
        assert!(matches("/{*}", b"/a?b"));
        assert_eq!(PathMatcher::new("/{a}"), Err(TemplateError::Brace));
        assert_eq!(PathMatcher::new("/a}"), Err(TemplateError::Brace));
    }
}
