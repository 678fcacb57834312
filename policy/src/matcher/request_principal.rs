//! Issuer and subject of a token.

use super::StringMatcher;

/// A value of `requestPrincipals`, split at its *last* slash, because issuers
/// are URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestPrincipalMatcher {
    /// Test of the claim `iss`.
    pub issuer: StringMatcher,
    /// Test of the claim `sub`.
    pub subject: StringMatcher,
}

impl RequestPrincipalMatcher {
    /// Reads a value.
    ///
    /// A star counts at one place only, and the leading one first: `*x/S` is
    /// any issuer that ends in `x` and exactly the subject `S`, even if `S` ends
    /// in a star.
    pub fn new(value: &str) -> Self {
        let (issuer, subject) = match value.rsplit_once('/') {
            Some((issuer, subject)) => Self::split(issuer, subject),
            None => Self::whole(value),
        };
        Self { issuer, subject }
    }

    fn split(issuer: &str, subject: &str) -> (StringMatcher, StringMatcher) {
        match (issuer.strip_prefix('*'), subject.strip_suffix('*')) {
            (Some(_), _) => (StringMatcher::text(issuer), StringMatcher::exact(subject)),
            (None, Some("")) => (StringMatcher::exact(issuer), StringMatcher::NonEmpty),
            (None, Some(prefix)) => (StringMatcher::exact(issuer), StringMatcher::prefix(prefix)),
            (None, None) => (StringMatcher::exact(issuer), StringMatcher::exact(subject)),
        }
    }

    fn whole(value: &str) -> (StringMatcher, StringMatcher) {
        match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(""), _) => (StringMatcher::NonEmpty, StringMatcher::NonEmpty),
            (Some(suffix), _) => (StringMatcher::NonEmpty, StringMatcher::suffix(suffix)),
            (None, Some(prefix)) => (StringMatcher::prefix(prefix), StringMatcher::NonEmpty),
            (None, None) => (StringMatcher::exact(value), StringMatcher::exact("")),
        }
    }

    /// Whether both claims fit.
    pub fn matches(&self, issuer: &[u8], subject: &[u8]) -> bool {
        self.issuer.matches(issuer) && self.subject.matches(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn values_split_as_istio_splits_them() {
        let (any, exact) = (StringMatcher::NonEmpty, StringMatcher::exact);
        let (prefix, suffix) = (StringMatcher::prefix, StringMatcher::suffix);
        let table = [
            ("*", any.clone(), any.clone()),
            ("*/S", any.clone(), exact("S")),
            ("*/S*", any.clone(), exact("S*")),
            ("*x/S", suffix("x"), exact("S")),
            ("*S", any.clone(), suffix("S")),
            ("I/*", exact("I"), any.clone()),
            ("I/P*", exact("I"), prefix("P")),
            ("P*", prefix("P"), any),
            ("I/S", exact("I"), exact("S")),
            ("I", exact("I"), exact("")),
            ("https://a/b", exact("https://a"), exact("b")),
        ];
        for (value, issuer, subject) in table {
            assert_eq!(
                RequestPrincipalMatcher::new(value),
                RequestPrincipalMatcher { issuer, subject },
                "{value}"
            );
        }
    }

    #[test]
    fn an_empty_subject_is_no_subject() {
        assert!(!RequestPrincipalMatcher::new("*").matches(b"i", b""));
        assert!(RequestPrincipalMatcher::new("*").matches(b"i", b"s"));
    }
}
