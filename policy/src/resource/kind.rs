//! Kinds of resources.

use crate::diagnostic::{DiagnosticCode, Diagnostics, quote, quote_all, suggest};
use crate::json::{Node, one_of};

/// A kind of resource that is read as users write it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Name of the kind.
    pub name: &'static str,
    /// Versions that mean the same.
    pub api_versions: &'static [&'static str],
    /// The filters that take it in their configuration.
    pub filters: &'static [&'static str],
}

/// Every security resource has been stable since `v1` and was the same before.
const SECURITY: &[&str] = &["security.istio.io/v1", "security.istio.io/v1beta1"];

/// AuthorizationPolicy.
pub const AUTHORIZATION_POLICY: Kind = Kind {
    name: "AuthorizationPolicy",
    api_versions: SECURITY,
    filters: &["authz"],
};

/// PeerAuthentication.
pub const PEER_AUTHENTICATION: Kind = Kind {
    name: "PeerAuthentication",
    api_versions: SECURITY,
    filters: &["authz"],
};

/// RequestAuthentication.
pub const REQUEST_AUTHENTICATION: Kind = Kind {
    name: "RequestAuthentication",
    api_versions: SECURITY,
    filters: &["jwt"],
};

/// Resources of traffic have been stable since `v1` and were the same before.
const NETWORKING: &[&str] = &[
    "networking.istio.io/v1",
    "networking.istio.io/v1beta1",
    "networking.istio.io/v1alpha3",
];

/// VirtualService.
pub const VIRTUAL_SERVICE: Kind = Kind {
    name: "VirtualService",
    api_versions: NETWORKING,
    filters: &["fault", "routing"],
};

/// DestinationRule.
pub const DESTINATION_RULE: Kind = Kind {
    name: "DestinationRule",
    api_versions: NETWORKING,
    filters: &["routing"],
};

/// What Istio has no resource for.
const OURS: &[&str] = &["sluice/v1alpha1"];

/// CanaryGuard, which takes a canary out of a split when it does worse.
pub const CANARY_GUARD: Kind = Kind {
    name: "CanaryGuard",
    api_versions: OURS,
    filters: &["routing"],
};

/// StickySplit, by which a client stays with the destination that it was sent to.
pub const STICKY_SPLIT: Kind = Kind {
    name: "StickySplit",
    api_versions: OURS,
    filters: &["routing"],
};

/// All of them: a filter that is given another filter's kind names that filter.
const ALL: [&Kind; 7] = [
    &AUTHORIZATION_POLICY,
    &PEER_AUTHENTICATION,
    &REQUEST_AUTHENTICATION,
    &VIRTUAL_SERVICE,
    &DESTINATION_RULE,
    &CANARY_GUARD,
    &STICKY_SPLIT,
];

impl Kind {
    /// Reports a version in which the kind does not exist.
    pub(super) fn check_api_version(&self, node: Option<&Node<'_>>, diagnostics: &mut Diagnostics) {
        let Some(node) = node else { return };
        let Some(version) = node.string(diagnostics) else {
            return;
        };
        if !self.api_versions.contains(&version) {
            let expected = one_of(self.api_versions.iter().copied());
            let help = suggest(version, self.api_versions.iter().copied());
            node.error(DiagnosticCode::UnsupportedVersion, expected, diagnostics)
                .help = help;
        }
    }
}

/// Reads `kind`, which must be one of `kinds`.
pub(super) fn read(
    node: &Node<'_>,
    kinds: &[&'static Kind],
    diagnostics: &mut Diagnostics,
) -> Option<&'static Kind> {
    let name = node.text(diagnostics)?;
    let kind = kinds.iter().find(|kind| kind.name == name).copied();
    if kind.is_none() {
        let expected = one_of(kinds.iter().map(|kind| kind.name));
        let help = help(name, kinds);
        node.error(DiagnosticCode::UnsupportedKind, expected, diagnostics)
            .help = help;
    }
    kind
}

fn help(name: &str, kinds: &[&'static Kind]) -> Option<String> {
    if name == "List" {
        return Some("paste the items of the list, each as a resource of its own".to_owned());
    }
    let other = ALL.iter().find(|kind| kind.name == name);
    let filters = other.map_or(&[][..], |kind| kind.filters);
    let elsewhere = match filters {
        [] => None,
        [filter] => Some(format!("the filter {} takes it", quote(filter))),
        filters => {
            let names = quote_all(&mut filters.iter().copied(), " and ");
            Some(format!("the filters {names} take it"))
        }
    };
    elsewhere.or_else(|| suggest(name, kinds.iter().map(|kind| kind.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn found(name: &str) -> String {
        let mut diagnostics = Diagnostics::new();
        read(
            &Node::new(&json!(name), "kind"),
            &[&AUTHORIZATION_POLICY],
            &mut diagnostics,
        );
        diagnostics.to_string()
    }

    #[test]
    fn an_unknown_kind_comes_with_advice() {
        let expected = "expected one of \"AuthorizationPolicy\"";
        assert_eq!(found("AuthorizationPolicy"), "");
        assert_eq!(
            found("Telemetry"),
            format!("kind: found \"Telemetry\", {expected} [unsupported-kind]")
        );
        let advice = "the filter \"authz\" takes it";
        assert!(found("PeerAuthentication").contains(advice));
        assert!(found("AuthorisationPolicy").contains("did you mean \"AuthorizationPolicy\"?"));
        let advice = "the filters \"fault\" and \"routing\" take it";
        assert!(found("VirtualService").contains(advice));
        assert!(found("List").contains("the items of the list"));
    }
}
