//! RequestAuthentication.

use sluice_policy::json::Node;
use sluice_policy::{Attachment, DiagnosticCode, Diagnostics, Resource};

use super::{JwtRule, RequestAuthentication, rule};

/// Most rules of one resource, from its schema.
const MOST_RULES: usize = 4096;

/// Reads a resource; what is wrong with it is in `diagnostics`.
pub(super) fn read(
    resource: &Resource<'_>,
    diagnostics: &mut Diagnostics,
) -> RequestAuthentication {
    let mut authentication = RequestAuthentication {
        name: resource.metadata.name.into(),
        namespace: resource.metadata.namespace.unwrap_or_default().into(),
        attachment: Attachment::default(),
        rules: Vec::new(),
    };
    let spec = resource.spec.as_ref();
    let Some(mut spec) = spec.and_then(|spec| spec.object(diagnostics)) else {
        return authentication;
    };
    authentication.attachment = Attachment::read(&mut spec, diagnostics);
    let rules = spec.take("jwtRules");
    spec.finish(diagnostics);
    if let Some(rules) = rules {
        authentication.rules = read_rules(&rules, diagnostics);
    }
    authentication
}

fn read_rules(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<JwtRule> {
    let nodes = node.items(diagnostics).unwrap_or_default();
    if nodes.len() > MOST_RULES {
        let expected = format!("at most {MOST_RULES} rules");
        node.error(DiagnosticCode::TooMany, expected, diagnostics);
    }
    // A rule that is no object has an error, and nothing uses the others.
    nodes
        .iter()
        .flat_map(|node| rule::read(node, diagnostics))
        .collect()
}
