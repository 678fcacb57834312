//! Service accounts of a peer identity.

use super::{SPIFFE, regex_text};

/// A value of `serviceAccounts`:
/// regex `spiffe://.+/ns/NAMESPACE/(.+/)?sa/NAME(/.+)?`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceAccountMatcher {
    /// `/ns/NAMESPACE/`.
    namespace: Box<[u8]>,
    /// `sa/NAME`.
    name: Box<[u8]>,
}

impl ServiceAccountMatcher {
    /// Reads `NAME` (in the policy's own namespace) or `NAMESPACE/NAME`.
    pub fn new(value: &str, own_namespace: &str) -> Self {
        let (namespace, name) = value.split_once('/').unwrap_or((own_namespace, value));
        let bytes = |text: String| text.into_bytes().into_boxed_slice();
        Self {
            namespace: bytes(format!("/ns/{namespace}/")),
            name: bytes(format!("sa/{name}")),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &[u8] {
        let inner = self
            .namespace
            .strip_prefix(b"/ns/")
            .and_then(|rest| rest.strip_suffix(b"/"));
        inner.unwrap_or_default()
    }

    /// The name within the namespace.
    pub fn name(&self) -> &[u8] {
        self.name.strip_prefix(b"sa/").unwrap_or_default()
    }

    /// Whether the identity, scheme included, is that account.
    pub fn matches(&self, identity: &[u8]) -> bool {
        let Some(rest) = identity.strip_prefix(SPIFFE.as_bytes()) else {
            return false;
        };
        // The first namespace decides: `(.+/)?` can swallow any later one.
        let after_trust_domain = rest.get(1..).unwrap_or_default();
        let Some(at) = super::find(after_trust_domain, &self.namespace) else {
            return false;
        };
        let tail = after_trust_domain
            .get(at + self.namespace.len()..)
            .unwrap_or_default();
        self.ends_in_account(tail) && regex_text::is_dots(identity)
    }

    /// Regex `(.+/)?sa/NAME(/.+)?`.
    fn ends_in_account(&self, tail: &[u8]) -> bool {
        (0..tail.len()).any(|at| {
            let (before, from) = tail.split_at(at);
            let Some(after) = from.strip_prefix(&*self.name) else {
                return false;
            };
            let starts_well = before.is_empty() || before.len() > 1 && before.ends_with(b"/");
            let ends_well = after.is_empty() || after.len() > 1 && after.starts_with(b"/");
            starts_well && ends_well
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(value: &str, identity: &str) -> bool {
        ServiceAccountMatcher::new(value, "own").matches(identity.as_bytes())
    }

    #[test]
    fn a_bare_name_is_in_the_policys_namespace() {
        assert!(matches("b", "spiffe://td/ns/own/sa/b"));
        assert!(!matches("b", "spiffe://td/ns/a/sa/b"));
        assert!(matches("a/b", "spiffe://td/ns/a/sa/b"));
    }

    #[test]
    fn its_parts_can_be_told() {
        let matcher = ServiceAccountMatcher::new("a/b", "own");
        assert_eq!(
            (matcher.namespace(), matcher.name()),
            (&b"a"[..], &b"b"[..])
        );
    }

    #[test]
    fn extra_pairs_are_allowed_between_and_after() {
        assert!(matches("a/b", "spiffe://td/ns/a/x/y/sa/b"));
        assert!(matches("a/b", "spiffe://td/ns/a/sa/b/x/y"));
        assert!(matches("a/b", "spiffe://td/ns/a/ns/a/sa/b"));
        assert!(matches("a/b", "spiffe://td/ns/a/sa/bb/sa/b"));
    }

    #[test]
    fn parts_are_compared_whole() {
        assert!(!matches("a/b", "spiffe://td/ns/a/sa/bc"));
        assert!(!matches("a/b", "spiffe://td/ns/a/xsa/b"));
        assert!(!matches("a/b", "spiffe://td/ns/a/sa/b/"));
        assert!(!matches("a/b", "spiffe://td/ns/a//sa/b"));
        assert!(!matches("a/b", "spiffe:///ns/a/sa/b"));
        assert!(!matches("a/b", "td/ns/a/sa/b"));
        assert!(!matches("a/b", "spiffe://td/ns/a/sa/b/\n"));
    }
}
