//! Headers by which Envoy's own routes learn what was decided.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, field};

/// Names of the headers, in lower case. A client's own are taken from every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hints {
    /// The subset of the chosen destination.
    pub subset: Box<str>,
    /// The name of the route.
    pub route: Box<str>,
    /// The host of the chosen destination, where a service has several.
    pub destination: Box<str>,
    /// Where a copy of the request is to go.
    pub mirror: Box<str>,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            subset: "x-sluice-subset".into(),
            route: "x-sluice-route".into(),
            destination: "x-sluice-destination".into(),
            mirror: "x-sluice-mirror".into(),
        }
    }
}

impl Hints {
    /// Reads the option `hintHeaders`.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut hints = Self::default();
        let Some(mut object) = node.object(diagnostics) else {
            return hints;
        };
        let fields = [
            ("subset", &mut hints.subset),
            ("route", &mut hints.route),
            ("destination", &mut hints.destination),
            ("mirror", &mut hints.mirror),
        ];
        for (key, place) in fields {
            let name = object
                .take(key)
                .and_then(|node| read_name(&node, diagnostics));
            if let Some(name) = name {
                *place = name;
            }
        }
        object.finish(diagnostics);
        hints.demand_distinct(node, diagnostics);
        hints
    }

    fn demand_distinct(&self, node: &Node<'_>, diagnostics: &mut Diagnostics) {
        let names = self.names();
        let mut rest = &names[..];
        while let Some((name, others)) = rest.split_first() {
            if others.contains(name) {
                let expected = "another header for each";
                node.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
            }
            rest = others;
        }
    }

    /// All of them.
    pub fn names(&self) -> [&str; 4] {
        [&self.subset, &self.route, &self.destination, &self.mirror]
    }
}

/// What a hint's name begins with: no other header of the mesh may be overwritten or
/// taken from clients by mistake.
const CUSTOM: &str = "x-";

fn read_name(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let name = node.text(diagnostics)?.to_ascii_lowercase();
    let is_name = field::is_name(&name) && name.starts_with(CUSTOM);
    if !is_name || name.starts_with("x-envoy-") || name.starts_with("x-forwarded-") {
        let expected = "the name of a header of your own, which begins with `x-`";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
        return None;
    }
    Some(name.into())
}
