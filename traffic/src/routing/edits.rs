//! Changes of headers, in Envoy's order.

use sluice_policy::{HeaderEdit, Request};

use super::template;
use crate::config::HeaderOperations;

/// What a route and its destination change together. Envoy first takes away, then sets
/// and adds. Where there are several destinations, the chosen one's changes are done
/// before the route's; a single one's become part of the route's.
pub(super) fn edits(
    route: &HeaderOperations,
    destination: &HeaderOperations,
    is_single: bool,
    request: &Request<'_>,
) -> Vec<HeaderEdit> {
    let mut edits = Vec::new();
    if is_single {
        remove(route, &mut edits);
        remove(destination, &mut edits);
        write(route, request, &mut edits);
        write(destination, request, &mut edits);
    } else {
        for operations in [destination, route] {
            remove(operations, &mut edits);
            write(operations, request, &mut edits);
        }
    }
    edits
}

/// Bytes of names and values.
pub(super) fn size(edits: &[HeaderEdit]) -> usize {
    let sizes = edits.iter().map(|edit| match edit {
        HeaderEdit::Set(name, value) | HeaderEdit::Append(name, value) => name.len() + value.len(),
        HeaderEdit::Remove(name) => name.len(),
    });
    sizes.sum()
}

fn remove(operations: &HeaderOperations, edits: &mut Vec<HeaderEdit>) {
    let names = operations.remove.iter();
    edits.extend(names.map(|name| HeaderEdit::Remove(name.as_bytes().to_vec())));
}

fn write(operations: &HeaderOperations, request: &Request<'_>, edits: &mut Vec<HeaderEdit>) {
    for (name, value) in &operations.set {
        let value = template::fill(value, request);
        edits.push(HeaderEdit::Set(name.as_bytes().to_vec(), value));
    }
    for (name, value) in &operations.add {
        let value = template::fill(value, request);
        edits.push(HeaderEdit::Append(name.as_bytes().to_vec(), value));
    }
}
