//! DestinationRule: what is to be known of the subsets of a host before traffic is sent
//! there.
//!
//! The resource is read in full and refused where Istio would refuse it. Routing acts on
//! limits of requests, outlier detection and the budget of retries; the rest is for the
//! proxy that has the clusters, and only its form is checked.

mod form;
mod host;
mod left_to_envoy;
mod percent;
mod resolve;
mod traffic_policy;

#[cfg(test)]
mod tests;

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, Labels, Resource, field, selector};

pub use resolve::{DestinationRules, NoSubset, SubsetPolicy};
pub use traffic_policy::{BudgetPolicy, Limits, Outlier, PortPolicy, TrafficPolicy};

/// A DestinationRule, as far as routing acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationRule {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `metadata.creationTimestamp`; the empty text when there is none. The lesser is the
    /// older.
    pub created: Box<str>,
    /// `host`, in full and in lower case; perhaps `*.` and the end of one.
    pub host: Box<str>,
    /// `exportTo`; empty for all namespaces.
    pub export_to: Vec<Box<str>>,
    /// `workloadSelector`: for these workloads of its namespace alone.
    pub selector: Option<Labels>,
    /// `trafficPolicy`.
    pub policy: Option<TrafficPolicy>,
    /// `subsets`, each name once.
    pub subsets: Vec<Subset>,
}

/// A subset of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// `name`.
    pub name: Box<str>,
    /// `trafficPolicy`.
    pub policy: Option<TrafficPolicy>,
}

impl DestinationRule {
    /// Reads a resource of that kind. A field that is wrong is left empty, and there is an
    /// error.
    pub fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let metadata = &resource.metadata;
        let Some(namespace) = metadata.namespace else {
            let path = format!("{}.metadata.namespace", resource.path);
            diagnostics.error(
                DiagnosticCode::MissingNamespace,
                &path,
                "nothing",
                "the namespace of the resource",
            );
            return None;
        };
        let spec = resource.require_spec(diagnostics)?;
        let mut object = spec.object(diagnostics)?;
        let host = object.require("host", diagnostics);
        // Everything is read before the first failure counts: all errors in one pass.
        let host = host.and_then(|host| host::read(&host, namespace, diagnostics));
        let export_to = read_export_to(&mut object, diagnostics);
        let selector = object.take("workloadSelector");
        let policy = read_policy(&mut object, diagnostics);
        let subsets = object.take("subsets");
        object.finish(diagnostics);
        let selector = selector.and_then(|node| selector::read_labels(&node, diagnostics));
        let subsets = subsets.map_or_else(Vec::new, |node| read_subsets(&node, diagnostics));
        Some(Self {
            name: metadata.name.into(),
            namespace: namespace.into(),
            created: metadata.created.unwrap_or_default().into(),
            host: host?,
            export_to,
            selector,
            policy,
            subsets,
        })
    }
}

fn read_policy(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<TrafficPolicy> {
    let node = object.take("trafficPolicy")?;
    TrafficPolicy::read(&node, diagnostics)
}

fn read_export_to(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let texts = object.take("exportTo").map(|node| node.texts(diagnostics));
    let texts = texts.flatten().unwrap_or_default();
    texts.into_iter().map(|(text, _)| text.into()).collect()
}

fn read_subsets(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Subset> {
    let mut subsets: Vec<Subset> = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        let Some(subset) = read_subset(&item, diagnostics) else {
            continue;
        };
        if subsets.iter().any(|known| known.name == subset.name) {
            // Istio makes the same cluster twice, of which Envoy takes one.
            let expected = "each subset once; the first counts";
            let found = sluice_policy::diagnostic::quote(&subset.name);
            diagnostics.warning(DiagnosticCode::DuplicateItem, item.path(), found, expected);
        } else {
            subsets.push(subset);
        }
    }
    subsets
}

fn read_subset(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Subset> {
    let mut object = node.object(diagnostics)?;
    let name = object.require("name", diagnostics);
    let labels = object.take("labels");
    let policy = read_policy(&mut object, diagnostics);
    object.finish(diagnostics);
    // Which endpoints have the labels is known to who makes the clusters.
    if let Some(labels) = labels {
        labels.string_map(diagnostics);
    }
    let name = field::label(&name?, diagnostics)?;
    Some(Subset {
        name: name.into(),
        policy,
    })
}
