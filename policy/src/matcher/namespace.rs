//! Namespaces of a peer identity.

use super::regex_text;

/// A value of `namespaces`: regex `.*/ns/VALUE/.*` over the whole identity,
/// where each `*` of the value is `.*` and the rest is literal.
///
/// A `*` may cross slashes, and the regex does not care where in the identity
/// `/ns/` stands: both are Istio's behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamespaceMatcher {
    /// `/ns/VALUE/` cut at its stars.
    pieces: Box<[Box<[u8]>]>,
}

impl NamespaceMatcher {
    /// Reads a value.
    pub fn new(value: &str) -> Self {
        let around = format!("/ns/{value}/");
        Self {
            pieces: around.split('*').map(super::string::bytes).collect(),
        }
    }

    /// The namespace, if the value is one: no `*`, and no `/` that would make it
    /// match across parts of the identity.
    pub fn literal(&self) -> Option<&[u8]> {
        let [only] = &*self.pieces else { return None };
        let literal = only.strip_prefix(b"/ns/")?.strip_suffix(b"/")?;
        (!literal.contains(&b'/')).then_some(literal)
    }

    /// Whether the identity, scheme included, is in the namespace.
    pub fn matches(&self, identity: &[u8]) -> bool {
        let mut rest = identity;
        for piece in &self.pieces {
            let Some(at) = super::find(rest, piece) else {
                return false;
            };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        // Literals are whole characters, so what lies between them is made of
        // characters exactly if the identity is.
        regex_text::is_dots(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(value: &str, identity: &str) -> bool {
        NamespaceMatcher::new(value).matches(identity.as_bytes())
    }

    #[test]
    fn a_plain_namespace_is_compared_whole() {
        assert!(matches("a", "spiffe://td/ns/a/sa/b"));
        assert!(!matches("a", "spiffe://td/ns/ab/sa/b"));
        assert!(!matches("a", "spiffe://td/ns/a"));
        assert!(!matches("a.b", "spiffe://td/ns/axb/sa/b"));
    }

    #[test]
    fn stars_stand_anywhere_and_cross_slashes() {
        assert!(matches("a*", "spiffe://td/ns/abc/sa/b"));
        assert!(matches("*c", "spiffe://td/ns/abc/sa/b"));
        assert!(matches("a*c*e", "spiffe://td/ns/abcde/sa/b"));
        assert!(!matches("a*c*e", "spiffe://td/ns/abcd/sa/b"));
        assert!(matches("a*sa", "spiffe://td/ns/abc/sa/b"));
        assert!(matches("a*", "spiffe://td/ns/x/sa/y/ns/ab/z"));
    }

    #[test]
    fn a_line_feed_anywhere_defeats_the_regex() {
        assert!(!matches("a", "spiffe://td/ns/a/sa/b\n"));
    }

    #[test]
    fn only_plain_values_are_literal() {
        assert_eq!(NamespaceMatcher::new("a").literal(), Some(&b"a"[..]));
        assert_eq!(NamespaceMatcher::new("a*").literal(), None);
        assert_eq!(NamespaceMatcher::new("a/b").literal(), None);
    }
}
