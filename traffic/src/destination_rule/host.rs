//! Hosts as DestinationRules name them.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::short_text;

/// Domain of services, where nobody configures another.
const DOMAIN: &str = "svc.cluster.local";

/// Reads `host`: a name without dots is that of a service in the namespace of the rule,
/// wherever the client is.
pub(super) fn read(
    node: &Node<'_>,
    namespace: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Box<str>> {
    let host = node.text(diagnostics)?;
    let rest = host.strip_prefix('*').unwrap_or(host);
    let is_wildcard = rest.len() < host.len();
    if rest.contains('*') || (is_wildcard && !(rest.is_empty() || rest.starts_with('.'))) {
        let expected = "a host, or \"*\" in place of the first labels of one";
        node.error(DiagnosticCode::InvalidWildcard, expected, diagnostics);
        return None;
    }
    Some(in_full(host, namespace).into())
}

/// A host that a resource of `namespace` names, in full and in lower case.
pub fn in_full(host: &str, namespace: &str) -> String {
    let mut host = host.to_ascii_lowercase();
    if !host.contains(['.', '*']) {
        host = format!("{host}.{namespace}.{DOMAIN}");
    }
    host
}

/// The namespace of a service; `None` for hosts that are no services of the cluster.
pub(super) fn namespace(host: &str) -> Option<&str> {
    let (service, domain) = short_text::split_once(host, ".svc.")?;
    let (name, namespace) = service.split_once('.')?;
    let is_service = !name.is_empty() && !namespace.contains('.') && !domain.is_empty();
    is_service.then_some(namespace)
}

/// How closely a rule's host is the host: more for an equal one, then the longer wildcard.
/// `None` when it is another.
pub(super) fn closeness(rule: &str, host: &str) -> Option<usize> {
    if rule == host {
        return Some(usize::MAX);
    }
    let end = rule.strip_prefix('*')?;
    let is_longer = host.len() > end.len() || end.is_empty();
    (is_longer && host.ends_with(end)).then_some(end.len())
}

#[cfg(test)]
mod tests {
    use super::{closeness, in_full, namespace};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_short_name_is_a_service_of_the_rules_namespace() {
        assert_eq!(in_full("Shop", "prod"), "shop.prod.svc.cluster.local");
        for host in ["shop.prod", "shop.example.com", "*", "*.example.com"] {
            assert_eq!(in_full(host, "prod"), host);
        }
    }

    #[test]
    fn a_service_says_its_namespace() {
        assert_eq!(namespace("shop.prod.svc.cluster.local"), Some("prod"));
        for host in ["shop", "shop.prod", "shop.svc.x", "a.b.c.svc.x", ".b.svc.x"] {
            assert_eq!(namespace(host), None, "{host}");
        }
    }

    #[test]
    fn the_closest_host_is_equal_then_long() {
        let close = |rule| closeness(rule, "a.b.com");
        assert_eq!(close("a.b.com"), Some(usize::MAX));
        assert_eq!(close("*.b.com"), Some(6));
        assert_eq!(close("*.com"), Some(4));
        assert_eq!(close("*"), Some(0));
        for other in ["b.com", "*.a.b.com", "*a.b.com", "", "a.b.co"] {
            assert_eq!(close(other), None, "{other}");
        }
    }
}
