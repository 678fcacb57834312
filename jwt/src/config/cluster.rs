//! The option `jwksClusters`.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::key_source::ClusterMapping;

/// Reads the list. What is wrong is left out: there is an error then, and nothing
/// uses the rest.
pub(super) fn read_all(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<ClusterMapping> {
    let mut clusters: Vec<ClusterMapping> = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        let Some(cluster) = read(&item, diagnostics) else {
            continue;
        };
        let is_known = |known: &ClusterMapping| {
            known.host.eq_ignore_ascii_case(&cluster.host) && known.port == cluster.port
        };
        if clusters.iter().any(is_known) {
            let expected = "each host and port once";
            item.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
        }
        clusters.push(cluster);
    }
    clusters
}

fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<ClusterMapping> {
    let mut object = node.object(diagnostics)?;
    let host = object.require("host", diagnostics);
    let port = object.take("port");
    let cluster = object.require("cluster", diagnostics);
    object.finish(diagnostics);
    let host = host.and_then(|host| read_host(&host, diagnostics));
    let port = port.map(|port| port.integer(1..=u16::MAX, diagnostics));
    let cluster = cluster.and_then(|cluster| cluster.text(diagnostics));
    Some(ClusterMapping {
        host: host?.to_owned(),
        port: match port {
            Some(port) => Some(port?),
            None => None,
        },
        cluster: cluster?.to_owned(),
    })
}

/// A host as a URL has it; an IPv6 address without brackets.
fn read_host<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let host = node.text(diagnostics)?;
    if host.contains(['/', '[', ']', '@', '|', '*', ' ']) {
        let expected = "the host of a URL, without scheme, port and path";
        node.error(DiagnosticCode::InvalidJwksUri, expected, diagnostics);
        return None;
    }
    Some(host)
}
