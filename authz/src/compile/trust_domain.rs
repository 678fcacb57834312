//! Trust domain aliases: a mesh that changed its name accepts both.

use crate::config::Mesh;

/// The domain that Istio takes for the mesh's own wherever it is written.
const DEFAULT: &str = "cluster.local";

/// The names of the mesh, its own first.
#[derive(Debug)]
pub(crate) struct TrustDomains(Vec<Box<str>>);

impl TrustDomains {
    pub(crate) fn new(mesh: &Mesh) -> Self {
        let own = std::iter::once(mesh.trust_domain.clone());
        Self(own.chain(mesh.trust_domain_aliases.iter().cloned()).collect())
    }

    /// The principals that a principal stands for.
    ///
    /// Only a full identity (five parts) whose trust domain is written out and
    /// known is expanded; every other one stands for itself.
    pub(super) fn principals(&self, principal: &str) -> Vec<Box<str>> {
        let mut parts = principal.splitn(2, '/');
        let domain = parts.next().unwrap_or_default();
        let rest = parts.next().unwrap_or_default();
        let is_full = principal.split('/').count() == 5 && domain != "*";
        let is_known = domain == DEFAULT || self.0.iter().any(|known| are_same(domain, known));
        if !(is_full && is_known) {
            return vec![principal.into()];
        }
        let mut principals: Vec<Box<str>> = Vec::new();
        for known in &self.0 {
            let expanded = if ends_as(known, domain) { principal.into() } else { [known, "/", rest].concat().into() };
            if !principals.contains(&expanded) {
                principals.push(expanded);
            }
        }
        principals
    }

    /// The trust domains that a trust domain stands for.
    pub(super) fn domains(&self, domain: &str) -> Vec<Box<str>> {
        if self.0.iter().any(|known| **known == *domain) { self.0.clone() } else { vec![domain.into()] }
    }
}

/// Whether two domains are equal, or one is a wildcard that covers the other.
fn are_same(left: &str, right: &str) -> bool {
    left == right
        || [(left, right), (right, left)].into_iter().any(|(text, pattern)| ends_as(text, pattern) || starts_as(text, pattern))
}

fn ends_as(text: &str, pattern: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|suffix| text.ends_with(suffix))
}

fn starts_as(text: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn domains(own: &str, aliases: &[&str]) -> TrustDomains {
        TrustDomains([own].iter().chain(aliases).map(|&name| name.into()).collect())
    }

    fn expand(domains: &TrustDomains, principal: &str) -> Vec<String> {
        domains.principals(principal).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_known_domain_stands_for_all_of_them() {
        let mesh = domains("new", &["old"]);
        for principal in ["new/ns/a/sa/b", "old/ns/a/sa/b", "cluster.local/ns/a/sa/b"] {
            assert_eq!(expand(&mesh, principal), ["new/ns/a/sa/b", "old/ns/a/sa/b"]);
        }
    }

    #[test]
    fn others_stand_for_themselves() {
        let mesh = domains("new", &["old"]);
        for principal in ["other/ns/a/sa/b", "*/ns/a/sa/b", "old/ns/a", "*", "*b"] {
            assert_eq!(expand(&mesh, principal), [principal]);
        }
    }

    #[test]
    fn a_wildcard_stays_for_the_domains_that_it_covers() {
        assert_eq!(expand(&domains("new-td", &["old-td"]), "*-td/ns/a/sa/b"), ["*-td/ns/a/sa/b"]);
        assert_eq!(expand(&domains("new-td", &["x"]), "*-td/ns/a/sa/b"), ["*-td/ns/a/sa/b", "x/ns/a/sa/b"]);
    }

    #[test]
    fn a_trust_domain_is_expanded_only_if_equal() {
        let mesh = domains("new", &["old"]);
        assert_eq!(mesh.domains("old"), ["new".into(), "old".into()]);
        assert_eq!(mesh.domains("cluster.local"), ["cluster.local".into()]);
        assert_eq!(mesh.domains("*ld"), ["*ld".into()]);
    }
}
