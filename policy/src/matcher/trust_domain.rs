//! Trust domains of a peer identity, and their aliases.

use super::{SPIFFE, StringMatcher, regex_text};

/// A value of `trustDomains`: at most one `*`, at an end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrustDomainMatcher(StringMatcher);

impl TrustDomainMatcher {
    /// Reads a value.
    pub fn new(value: &str) -> Self {
        Self(StringMatcher::header(value))
    }

    /// The pattern of the trust domain itself.
    pub fn pattern(&self) -> &StringMatcher {
        &self.0
    }

    /// Whether the identity, scheme included, is in the trust domain.
    ///
    /// Istio makes three forms of a value: `*` is the prefix `spiffe://`, a
    /// plain one the prefix `spiffe://VALUE/`, and one with a star a regex in
    /// which the star is `[^/]*` and `/.*` follows.
    pub fn matches(&self, identity: &[u8]) -> bool {
        let Some(rest) = identity.strip_prefix(SPIFFE.as_bytes()) else {
            return false;
        };
        if self.0 == StringMatcher::Any {
            return true;
        }
        let Some(end) = memchr::memchr(b'/', rest) else {
            return false;
        };
        let (domain, tail) = rest.split_at(end);
        let is_regex = !matches!(self.0, StringMatcher::Exact { .. });
        // `[^/]` accepts a line feed, `.` does not.
        self.0.matches(domain)
            && (!is_regex || regex_text::is_characters(domain) && regex_text::is_dots(tail))
    }
}

/// The trust domain of the mesh, then its aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustDomains(Vec<String>);

/// In a principal, a pointer to the mesh's own trust domain.
const LOCAL: &str = "cluster.local";

impl TrustDomains {
    /// The trust domain of the mesh and its aliases.
    pub fn new(own: &str, aliases: &[String]) -> Self {
        Self(
            std::iter::once(own.to_owned())
                .chain(aliases.iter().cloned())
                .collect(),
        )
    }

    /// The values that a value of `principals` stands for.
    ///
    /// Istio rewrites `TD/ns/NS/sa/SA` only, and only if `TD` is one of the
    /// known domains, matches one in either direction, or is `cluster.local`.
    pub fn expand_principal(&self, value: &str) -> Vec<String> {
        let Some((domain, rest)) = value
            .split_once('/')
            .filter(|_| value.split('/').count() == 5)
        else {
            return vec![value.to_owned()];
        };
        let is_known = domain == LOCAL
            || self
                .0
                .iter()
                .any(|known| fit(domain, known) || fit(known, domain));
        if domain == "*" || !is_known {
            return vec![value.to_owned()];
        }
        let mut values = Vec::with_capacity(self.0.len());
        for known in &self.0 {
            // A leading wildcard that covers the domain stays as it is.
            let is_covered = domain
                .strip_prefix('*')
                .is_some_and(|end| known.ends_with(end));
            let value = if is_covered {
                value.to_owned()
            } else {
                format!("{known}/{rest}")
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// The values that a value of `trustDomains` stands for: all known domains
    /// if it is one of them.
    pub fn expand_trust_domain(&self, value: &str) -> Vec<String> {
        if self.0.iter().any(|known| known == value) {
            self.0.clone()
        } else {
            vec![value.to_owned()]
        }
    }
}

/// Whether `pattern`, with a `*` at either end, accepts `text`.
fn fit(text: &str, pattern: &str) -> bool {
    text == pattern
        || pattern
            .strip_suffix('*')
            .is_some_and(|start| text.starts_with(start))
        || pattern
            .strip_prefix('*')
            .is_some_and(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(value: &str, identity: &str) -> bool {
        TrustDomainMatcher::new(value).matches(identity.as_bytes())
    }

    fn domains() -> TrustDomains {
        TrustDomains::new("td1", &["some-td".into(), "other-td".into()])
    }

    #[test]
    fn a_plain_trust_domain_is_compared_whole() {
        assert!(matches("td", "spiffe://td/ns/a/sa/b"));
        assert!(!matches("td", "spiffe://td2/ns/a/sa/b"));
        assert!(!matches("td", "spiffe://td"));
        assert!(matches("td", "spiffe://td/\n"));
    }

    #[test]
    fn a_star_stays_within_the_trust_domain() {
        assert!(matches("td*", "spiffe://td2/ns/a/sa/b"));
        assert!(matches("*2", "spiffe://td2/ns/a/sa/b"));
        assert!(!matches("*b", "spiffe://td2/ns/a/sa/b"));
        assert!(!matches("td*", "spiffe://td2/\n"));
        assert!(matches("*", "spiffe://"));
        assert!(!matches("*", "CN=a"));
    }

    #[test]
    fn known_principals_expand_to_every_domain() {
        let all = ["td1/ns/a/sa/b", "some-td/ns/a/sa/b", "other-td/ns/a/sa/b"];
        assert_eq!(domains().expand_principal("some-td/ns/a/sa/b"), all);
        assert_eq!(domains().expand_principal("cluster.local/ns/a/sa/b"), all);
        assert_eq!(domains().expand_principal("td*/ns/a/sa/b"), all);
    }

    #[test]
    fn a_wildcard_stays_for_the_domains_it_covers() {
        assert_eq!(
            domains().expand_principal("*-td/ns/a/sa/b"),
            ["td1/ns/a/sa/b", "*-td/ns/a/sa/b"]
        );
    }

    #[test]
    fn other_principals_stay() {
        for value in [
            "*",
            "*/ns/a/sa/b",
            "x/ns/a/sa/b",
            "some-td/ns/a",
            "some-td/*",
            "some-td",
        ] {
            assert_eq!(domains().expand_principal(value), [value]);
        }
    }

    #[test]
    fn trust_domains_expand_only_if_equal() {
        assert_eq!(
            domains().expand_trust_domain("some-td"),
            ["td1", "some-td", "other-td"]
        );
        for value in ["*-td", "cluster.local", "*"] {
            assert_eq!(domains().expand_trust_domain(value), [value]);
        }
    }
}
