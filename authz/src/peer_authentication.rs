//! PeerAuthentication at layer 7: who must come with a client certificate.
//!
//! Istio enforces STRICT in the TLS handshake, by having no plaintext filter
//! chain: a plaintext connection is reset before there is a request. A wasm
//! HTTP filter sees requests only, so here a plaintext request under STRICT is
//! *refused* with 403 and the policy is named in the response-code details.
//! Where Istio's own listener is in front, this never fires; where it is not
//! (plain Envoy, replayed traffic), it gives the same verdict.
//!
//! DISABLE and PERMISSIVE accept both kinds of connection; that DISABLE makes
//! Istio's listener not offer TLS cannot be seen from here. Gateways and
//! waypoints have no PeerAuthentication: their TLS is configured elsewhere.

use sluice_policy::{Attribute, AttributeSet, Fact};

use crate::subject::Facts;

/// The modes that a workload enforces.
#[derive(Debug, Default)]
pub(crate) struct PeerModes {
    /// Id of the policy that makes the workload STRICT.
    pub(crate) strict: Option<Box<str>>,
    /// Overrides by port: the id of the policy if STRICT, none if not.
    pub(crate) ports: Vec<(u16, Option<Box<str>>)>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal<'p> {
    /// The policy.
    pub(crate) id: &'p str,
    /// Facts that might have helped the request.
    pub(crate) unavailable: AttributeSet,
}

impl PeerModes {
    /// Whether the request must be refused for want of a client certificate.
    ///
    /// An unknown port counts as the strictest one, an unknown kind of
    /// connection as plaintext.
    pub(crate) fn refusal<'p>(&'p self, facts: &Facts<'_>) -> Option<Refusal<'p>> {
        if facts.request.connection.mtls == Fact::Present(true) {
            return None;
        }
        let port = facts.port();
        let id = match port {
            Fact::Present(port) => self.on_port(port),
            Fact::Absent | Fact::Unavailable => self.strictest(),
        }?;
        let mut unavailable = AttributeSet::EMPTY;
        if facts.request.connection.mtls.is_unavailable() {
            unavailable.insert(Attribute::Mtls);
        }
        if port.is_unavailable() && !self.ports.is_empty() {
            unavailable.insert(Attribute::DestinationAddress);
        }
        Some(Refusal { id, unavailable })
    }

    /// The attributes that [`refusal`](Self::refusal) looks at.
    pub(crate) fn demand(&self) -> AttributeSet {
        let mut demand = AttributeSet::EMPTY;
        if self.strictest().is_some() {
            demand.insert(Attribute::Mtls);
            if !self.ports.is_empty() {
                demand.insert(Attribute::DestinationAddress);
            }
        }
        demand
    }

    fn on_port(&self, port: u16) -> Option<&str> {
        let own = self.ports.iter().find(|(number, _)| *number == port);
        own.map_or(&self.strict, |(_, strict)| strict).as_deref()
    }

    fn strictest(&self) -> Option<&str> {
        let ports = self.ports.iter().map(|(_, strict)| strict);
        ports.chain([&self.strict]).find_map(Option::as_deref)
    }
}
