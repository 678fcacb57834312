//! What every resource has besides its `spec`.

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::Node;

/// Fields of Kubernetes' ObjectMeta that say nothing to a filter.
const IGNORED: [&str; 12] = [
    "labels",
    "uid",
    "resourceVersion",
    "generation",
    "generateName",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
    "clusterName",
];

/// `metadata` of a resource.
#[derive(Debug, Clone)]
pub struct Metadata<'v> {
    /// `name`.
    pub name: &'v str,
    /// `namespace`.
    pub namespace: Option<&'v str>,
    /// `annotations`.
    pub annotations: Vec<(&'v str, &'v str)>,
    /// `creationTimestamp` as Kubernetes writes it, in UTC and whole seconds:
    /// the older of two is the lesser text.
    pub created: Option<&'v str>,
}

impl<'v> Metadata<'v> {
    /// Reads `metadata`.
    pub(super) fn read(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let name = object.require("name", diagnostics);
        let namespace = object.take("namespace");
        let annotations = object.take("annotations");
        let created = object.take("creationTimestamp");
        object.ignore(&IGNORED);
        object.finish(diagnostics);
        // Everything is read before the first failure counts: all errors in one pass.
        let name = name.and_then(|node| node.text(diagnostics));
        let namespace = namespace.map(|node| node.text(diagnostics));
        let annotations = annotations.map(|node| node.string_map(diagnostics));
        let created = created.map(|node| timestamp(&node, diagnostics));
        Some(Self {
            name: name?,
            namespace: transpose(namespace)?,
            annotations: transpose(annotations)?.unwrap_or_default(),
            created: transpose(created)?,
        })
    }

    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&'v str> {
        self.annotations
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

/// `None` for a value that is there and wrong, `Some(None)` for none.
fn transpose<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(value) => value.map(Some),
        None => Some(None),
    }
}

fn timestamp<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.string(diagnostics)?;
    if !is_timestamp(text) {
        let expected = "a time such as \"2026-01-31T23:59:59Z\"";
        node.error(DiagnosticCode::InvalidTimestamp, expected, diagnostics);
        return None;
    }
    Some(text)
}

/// RFC 3339 as Kubernetes writes it. The digits only need to sort.
fn is_timestamp(text: &str) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(form, byte): (&u8, u8)| {
        if *form == b'd' {
            byte.is_ascii_digit()
        } else {
            *form == byte
        }
    };
    text.len() == FORM.len() && FORM.iter().zip(text.bytes()).all(fits)
}
