//! Where requests are sent, and how many of them.

use std::sync::Arc;

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, field};

use super::header_operations::{self, Headers};

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// `host`, as it is named.
    pub host: Box<str>,
    /// `subset`.
    pub subset: Option<Box<str>>,
    /// `port.number`.
    pub port: Option<u16>,
    /// Where it stands.
    pub path: Box<str>,
}

/// One item of `route`.
#[derive(Debug, Clone)]
pub struct WeightedDestination {
    /// `destination`.
    pub destination: Destination,
    /// `weight`; Istio does not look at that of a single one.
    pub weight: u32,
    /// `headers`.
    pub headers: Arc<Headers>,
}

/// Highest sum of weights that Envoy takes.
const MOST_WEIGHT: i64 = u32::MAX as i64;

/// Reads `route`.
pub(super) fn read_all(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<WeightedDestination> {
    let items = node.some_items(diagnostics).unwrap_or_default();
    let is_alone = items.len() == 1;
    let mut destinations = Vec::new();
    for item in items {
        destinations.extend(read_weighted(&item, is_alone, diagnostics));
    }
    let total: u64 = destinations.iter().map(|one| u64::from(one.weight)).sum();
    if !is_alone && !destinations.is_empty() && total == 0 {
        let expected = "a destination with a weight above 0";
        node.error(DiagnosticCode::OutOfRange, expected, diagnostics);
    }
    if total > u64::from(u32::MAX) {
        let expected = format!("weights of at most {MOST_WEIGHT} together");
        node.error(DiagnosticCode::OutOfRange, expected, diagnostics);
    }
    destinations
}

fn read_weighted(
    node: &Node<'_>,
    is_alone: bool,
    diagnostics: &mut Diagnostics,
) -> Option<WeightedDestination> {
    let mut object = node.object(diagnostics)?;
    let destination = object.require("destination", diagnostics);
    let weight = object.take("weight");
    let headers = object.take("headers");
    object.finish(diagnostics);
    let destination = destination.and_then(|node| read(&node, diagnostics));
    let weight = weight.map_or(Some(0), |weight| weight.integer(0..=i32::MAX, diagnostics));
    Some(WeightedDestination {
        destination: destination?,
        weight: if is_alone { 1 } else { weight?.unsigned_abs() },
        headers: Arc::new(header_operations::read(headers, diagnostics)),
    })
}

/// Reads a `destination`.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Destination> {
    let mut object = node.object(diagnostics)?;
    let host = object.require("host", diagnostics);
    let subset = object.take("subset");
    let port = object.take("port");
    object.finish(diagnostics);
    let host = host.and_then(|host| field::host(&host, diagnostics));
    // An empty one is none, as in the message that Istio reads.
    let subset = subset.filter(|subset| subset.value().as_str() != Some(""));
    let subset = subset.and_then(|subset| field::label(&subset, diagnostics));
    let port = port.and_then(|port| read_port(&port, diagnostics));
    Some(Destination {
        host: host?.into(),
        subset: subset.map(Into::into),
        port,
        path: node.path().into(),
    })
}

fn read_port(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    let mut object = node.object(diagnostics)?;
    let number = object.require("number", diagnostics);
    object.finish(diagnostics);
    number?.integer(1..=u16::MAX, diagnostics)
}
