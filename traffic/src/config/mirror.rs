//! Copies of requests that are sent elsewhere too.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics};

use super::destination::{self, Destination};
use super::http_route::warn_of_idle;
use super::percentage::{self, MILLION};

/// Where copies go.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// `destination`.
    pub destination: Destination,
    /// Of a million requests, how many.
    pub millionths: u32,
}

/// Reads `mirror`, its percentages, and `mirrors`.
pub(super) fn read_all(route: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Mirror> {
    let mirror = route.take("mirror");
    let percentage = route.take("mirrorPercentage");
    // `mirror_percent` is the older one, in whole percent.
    let percent = route.take("mirrorPercent");
    let mirrors = route.take("mirrors");
    if let (Some(_), Some(mirrors)) = (&mirror, &mirrors) {
        let expected = "only one of mirror and mirrors";
        mirrors.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    if mirror.is_none() {
        for node in [&percentage, &percent].into_iter().flatten() {
            let expected = "`mirror` beside it, or `percentage` in each of `mirrors`";
            warn_of_idle(node, expected, diagnostics);
        }
    }
    let percentage = percentage.and_then(|node| percentage::read(&node, diagnostics));
    let percent = percent.and_then(|node| node.integer(0..=100_i32, diagnostics));
    let percent = percent.map(|percent| percent.unsigned_abs() * (MILLION / 100));
    let mut all = Vec::new();
    if let Some(destination) = mirror.and_then(|node| destination::read(&node, diagnostics)) {
        all.push(Mirror {
            destination,
            millionths: percentage.or(percent).unwrap_or(MILLION),
        });
    }
    let items = mirrors.and_then(|node| node.items(diagnostics));
    for item in items.unwrap_or_default() {
        all.extend(read(&item, diagnostics));
    }
    all.retain(|mirror| mirror.millionths > 0);
    all
}

fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Mirror> {
    let mut object = node.object(diagnostics)?;
    let destination = object.require("destination", diagnostics);
    let percentage = object.take("percentage");
    object.finish(diagnostics);
    let millionths = percentage.map_or(Some(MILLION), |node| percentage::read(&node, diagnostics));
    Some(Mirror {
        destination: destination.and_then(|node| destination::read(&node, diagnostics))?,
        millionths: millionths?,
    })
}
