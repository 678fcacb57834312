//! Hosts as DestinationRules name them.

use sluice_policy::json::Node;
use sluice_policy::{Diagnostics, field};

use crate::host;

/// Reads `host`: a name without dots is that of a service in the namespace of the rule,
/// wherever the client is.
pub(super) fn read(
    node: &Node<'_>,
    namespace: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Box<str>> {
    let host = field::host(node, diagnostics)?;
    Some(host::in_full(host, namespace).into())
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
    use super::closeness;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

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
