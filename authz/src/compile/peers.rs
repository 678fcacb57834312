//! Which PeerAuthentication holds for a workload.

use sluice_policy::{ProxyKind, Workload};

use crate::config::{Config, MtlsMode, PeerAuthentication};
use crate::peer_authentication::PeerModes;

/// How far a policy reaches. A narrower one overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Mesh,
    Namespace,
    Workload,
}

/// The mode in force, and who set it.
#[derive(Debug, Clone, Copy)]
struct InForce<'c> {
    mode: MtlsMode,
    policy: Option<&'c PeerAuthentication>,
}

impl<'c> InForce<'c> {
    /// What holds once `policy` has said `mode`; UNSET says nothing.
    fn after(self, mode: MtlsMode, policy: &'c PeerAuthentication) -> Self {
        if mode == MtlsMode::Unset {
            self
        } else {
            Self {
                mode,
                policy: Some(policy),
            }
        }
    }

    fn strict(self) -> Option<Box<str>> {
        let policy = self.policy.filter(|_| self.mode == MtlsMode::Strict)?;
        Some(
            format!(
                "ns[{}]-peerauthentication[{}]",
                policy.namespace, policy.name
            )
            .into(),
        )
    }
}

/// The modes of a workload. Of several policies of one reach the oldest counts,
/// then the first by name; without any, Istio is PERMISSIVE.
pub(super) fn compile(config: &Config, workload: &Workload) -> PeerModes {
    if workload.kind != ProxyKind::Sidecar {
        return PeerModes::default();
    }
    let oldest = |reach| {
        let reaching = config
            .peer_authentications
            .iter()
            .filter(|peer| self::reach(peer, config, workload) == Some(reach));
        reaching.min_by_key(|peer| (&peer.created, &peer.name))
    };
    let mut default = InForce {
        mode: MtlsMode::Permissive,
        policy: None,
    };
    for policy in [Reach::Mesh, Reach::Namespace, Reach::Workload]
        .into_iter()
        .filter_map(oldest)
    {
        default = default.after(policy.mode, policy);
    }
    let own = oldest(Reach::Workload);
    let ports = own
        .into_iter()
        .flat_map(|policy| policy.ports.iter().map(move |port| (policy, port)));
    PeerModes {
        strict: default.strict(),
        ports: ports
            .map(|(policy, &(port, mode))| (port, default.after(mode, policy).strict()))
            .collect(),
    }
}

/// How far a policy reaches if it reaches this workload. A selector in the root
/// namespace selects nothing there, as in Istio.
fn reach(peer: &PeerAuthentication, config: &Config, workload: &Workload) -> Option<Reach> {
    let is_root = *peer.namespace == config.mesh.root_namespace;
    let is_own = *peer.namespace == workload.namespace;
    match (peer.attachment.labels.is_empty(), is_root, is_own) {
        (true, true, _) => Some(Reach::Mesh),
        (true, false, true) => Some(Reach::Namespace),
        (false, false, true) => peer.attachment.selects(workload).then_some(Reach::Workload),
        _ => None,
    }
}
