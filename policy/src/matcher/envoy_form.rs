//! The Envoy matcher that Istio generates for the same value, as JSON: what
//! `explain` shows, and what conformance tables are compared with.

use serde_json::{Value, json};

use super::{PathMatcher, PathTemplate, Segment, StringMatcher, regex_text};

impl StringMatcher {
    /// Envoy's `StringMatcher`; a present match, which that message cannot
    /// express, is `{"presentMatch": true}`.
    pub fn to_envoy_json(&self) -> Value {
        match self {
            Self::Exact { text, ignore_case } => {
                json!({"exact": lossy(text), "ignoreCase": ignore_case})
            }
            Self::Prefix { text, ignore_case } => {
                json!({"prefix": lossy(text), "ignoreCase": ignore_case})
            }
            Self::Suffix { text, ignore_case } => {
                json!({"suffix": lossy(text), "ignoreCase": ignore_case})
            }
            Self::Any => json!({"presentMatch": true}),
            Self::NonEmpty => safe_regex(".+"),
            // Istio quotes the suffix only; the prefix is its own `spiffe://`.
            Self::Around { prefix, suffix } => {
                let suffix = regex_text::quote(&lossy(suffix));
                safe_regex(&format!("{}.*{suffix}", lossy(prefix)))
            }
        }
    }

    /// Envoy's `HeaderMatcher` on the header `name`.
    pub fn to_envoy_header_json(&self, name: &str) -> Value {
        match self {
            Self::Any => json!({"name": name, "presentMatch": true}),
            other => json!({"name": name, "stringMatch": other.to_envoy_json()}),
        }
    }
}

impl PathTemplate {
    /// The template as Envoy writes it: `*` and `**` without braces.
    pub fn to_envoy_string(&self) -> String {
        let segments = self.segments().iter().map(|segment| match segment {
            Segment::Literal(literal) => lossy(literal),
            Segment::One => "*".to_owned(),
            Segment::Any => "**".to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl PathMatcher {
    /// Envoy's `PathMatcher`, or its URI template matcher.
    pub fn to_envoy_json(&self) -> Value {
        match self {
            Self::Text(matcher) => json!({"path": matcher.to_envoy_json()}),
            Self::Template(template) => json!({"pathTemplate": template.to_envoy_string()}),
        }
    }
}

/// Envoy's `StringMatcher` with a regular expression as it is.
pub fn safe_regex(regex: &str) -> Value {
    json!({"safeRegex": {"regex": regex}})
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn text_patterns_read_as_envoy_has_them() {
        let text = |value| StringMatcher::text(value).to_envoy_json();
        assert_eq!(text("a"), json!({"exact": "a", "ignoreCase": false}));
        assert_eq!(text("a*"), json!({"prefix": "a", "ignoreCase": false}));
        assert_eq!(text("*a"), json!({"suffix": "a", "ignoreCase": false}));
        assert_eq!(text("*"), json!({"safeRegex": {"regex": ".+"}}));
        let around = StringMatcher::principal("*a.b");
        assert_eq!(
            around.to_envoy_json(),
            json!({"safeRegex": {"regex": r"spiffe://.*a\.b"}})
        );
    }

    #[test]
    fn headers_and_paths_wrap_them() {
        let host = StringMatcher::host("*").to_envoy_header_json(":authority");
        assert_eq!(host, json!({"name": ":authority", "presentMatch": true}));
        let template = PathMatcher::new("/{*}/a/{**}/").map(|path| path.to_envoy_json());
        assert_eq!(template, Ok(json!({"pathTemplate": "/*/a/**/"})));
    }
}
