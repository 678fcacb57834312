//! PeerAuthentication.

use sluice_policy::diagnostic::quote;
use sluice_policy::json::{self, Node};
use sluice_policy::matcher::parse_port;
use sluice_policy::{Attachment, DiagnosticCode, Diagnostics, Resource};

use super::{MtlsMode, PeerAuthentication};

/// `mtls.mode` by name.
const MODES: [(&str, MtlsMode); 4] = [
    ("UNSET", MtlsMode::Unset),
    ("DISABLE", MtlsMode::Disable),
    ("PERMISSIVE", MtlsMode::Permissive),
    ("STRICT", MtlsMode::Strict),
];

/// Reads a PeerAuthentication; what is wrong with it is in `diagnostics`.
pub(super) fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> PeerAuthentication {
    let metadata = &resource.metadata;
    let mut peer = PeerAuthentication {
        name: metadata.name.into(),
        namespace: metadata.namespace.unwrap_or_default().into(),
        created: metadata.created.unwrap_or_default().into(),
        attachment: Attachment::default(),
        mode: MtlsMode::Unset,
        ports: Vec::new(),
    };
    let Some(spec_node) = resource.spec.clone() else {
        return peer;
    };
    let Some(mut spec) = spec_node.object(diagnostics) else {
        return peer;
    };
    peer.attachment = Attachment::read(&mut spec, diagnostics);
    refuse_targets(&spec_node, diagnostics);
    if let Some(mtls) = spec.take("mtls") {
        peer.mode = mode(&mtls, diagnostics);
    }
    if let Some(ports) = spec.take("portLevelMtls") {
        peer.ports = port_modes(&ports, diagnostics);
        if peer.attachment.labels.is_empty() {
            let expected = "a selector with labels beside portLevelMtls";
            ports.error(
                DiagnosticCode::PortLevelNeedsSelector,
                expected,
                diagnostics,
            );
        }
    }
    spec.finish(diagnostics);
    peer
}

fn mode(node: &Node<'_>, diagnostics: &mut Diagnostics) -> MtlsMode {
    let Some(mut object) = node.object(diagnostics) else {
        return MtlsMode::Unset;
    };
    let mode = object.take("mode");
    object.finish(diagnostics);
    mode.and_then(|mode| mode.one_of(&MODES, diagnostics))
        .unwrap_or_default()
}

/// Unlike policies, this kind attaches by selector alone.
fn refuse_targets(spec: &Node<'_>, diagnostics: &mut Diagnostics) {
    for key in ["targetRef", "targetRefs"] {
        if spec.value().get(key).is_some() {
            let path = json::child(spec.path(), key);
            let expected = "one of \"selector\", \"mtls\", \"portLevelMtls\"";
            diagnostics.error(
                DiagnosticCode::UnknownKey,
                &path,
                "an unknown key",
                expected,
            );
        }
    }
}

fn port_modes(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<(u16, MtlsMode)> {
    let mut modes = Vec::new();
    let ports = node.entries(diagnostics);
    if ports.as_ref().is_some_and(Vec::is_empty) {
        node.error(DiagnosticCode::EmptyValue, "at least one port", diagnostics);
    }
    for (key, node) in ports.unwrap_or_default() {
        match parse_port(key).filter(|&port| port > 0) {
            Some(port) => {
                modes.retain(|&(other, _)| other != port);
                modes.push((port, mode(&node, diagnostics)));
            }
            None => {
                diagnostics.error(
                    DiagnosticCode::InvalidPort,
                    node.path(),
                    quote(key),
                    "a port from 1 to 65535",
                );
            }
        }
    }
    modes
}
