//! Reads `fault`.

use super::Fault;
use sluice_policy::Diagnostics;
use sluice_policy::json::Node;

/// Reads `fault`.
pub fn read(_node: &Node<'_>, _diagnostics: &mut Diagnostics) -> Option<Fault> {
    Some(Fault)
}
