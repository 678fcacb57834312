//! A compiled configuration: where one proxy sends requests.

use std::sync::Arc;

use sluice_policy::{AttributeSet, Diagnostics, Workload};

use super::compile::compile;
use super::config::Config;
use super::hints::Hints;
use super::shares::Shares;
use super::sticky::StickyKey;
use super::world::Canary;
use crate::config::{DirectResponse, Headers, HttpRoute, Redirect};
use crate::destination_rule::SubsetPolicy;
use crate::guard::{CanaryGuard, Subset};
use crate::route_table::RouteTable;

/// Everything that a decision needs, immutable and shareable.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) table: RouteTable<usize>,
    pub(super) actions: Vec<Action>,
    /// What holds for destinations, each once.
    pub(super) upstreams: Vec<Upstream>,
    pub(super) guards: Vec<CanaryGuard>,
    pub(super) hints: Hints,
    pub(super) seed: Option<u64>,
    pub(super) demand: AttributeSet,
}

/// A destination of whichever routes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// Port, subset and host.
    pub(super) name: Box<str>,
    pub(super) policy: SubsetPolicy,
}

/// What a route leads to.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) then: Then,
    /// As it was configured.
    pub(super) route: Arc<HttpRoute>,
}

#[derive(Debug)]
pub(super) enum Then {
    Forward(Forward),
    Redirect(Redirect),
    Respond(DirectResponse),
}

/// Sending it on.
#[derive(Debug)]
pub(super) struct Forward {
    pub(super) destinations: Vec<Target>,
    pub(super) shares: Shares,
    /// The shares while the canary is drained, of a route with a guard.
    pub(super) drained: Option<Shares>,
    /// How many retries a request would have.
    pub(super) retries: u32,
    /// The number of the guard that watches the split.
    pub(super) guard: Option<usize>,
    /// By what clients are told apart, and what makes their keys this route's.
    pub(super) sticky: Option<(StickyKey, u64)>,
    /// Headers that tell Envoy's router how long and how often, with what becomes of a
    /// client's own.
    pub(super) router: Vec<RouterHeader>,
    /// Names of the mirrors of the route.
    pub(super) mirrors: Vec<Box<str>>,
    /// Whether the destinations are not all of one host.
    pub(super) has_hosts: bool,
}

impl Forward {
    /// What its destinations get.
    pub(super) fn shares(&self, canary: Canary) -> &Shares {
        let drained = self.drained.as_ref();
        let drained = drained.filter(|_| canary == Canary::Drained);
        drained.unwrap_or(&self.shares)
    }
}

/// A destination.
#[derive(Debug)]
pub(super) struct Target {
    /// Host, subset and port in one text.
    pub(super) name: Box<str>,
    pub(super) host: Box<str>,
    pub(super) subset: Box<str>,
    pub(super) weight: u32,
    /// What it is to the guard.
    pub(super) role: Option<Subset>,
    pub(super) headers: Arc<Headers>,
}

/// A header of Envoy's router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RouterHeader {
    pub(super) name: &'static str,
    pub(super) value: Box<str>,
    /// Whether a client's own list has this one behind it; any other value of a client
    /// counts alone.
    pub(super) is_list: bool,
}

impl Program {
    /// What [`decide`](super::decide) looks at.
    pub fn demand(&self) -> AttributeSet {
        self.demand
    }

    /// How many routes there are.
    pub fn rule_count(&self) -> usize {
        self.table.route_count()
    }

    /// How many splits there are.
    pub fn split_count(&self) -> usize {
        self.actions.len()
    }

    /// The guards that are to be kept, by number.
    pub fn guards(&self) -> &[CanaryGuard] {
        &self.guards
    }

    /// Whether something holds for any destination, so that time matters.
    pub fn is_guarded(&self) -> bool {
        let mut upstreams = self.upstreams.iter();
        upstreams.any(|upstream| upstream.policy != SubsetPolicy::default())
    }

    /// What holds for each destination, for [`Upstreams::new`](crate::breaker::Upstreams).
    pub fn policies(&self) -> Vec<SubsetPolicy> {
        self.upstreams
            .iter()
            .map(|upstream| upstream.policy)
            .collect()
    }

    /// The name of a destination by the number of its breaker, as `PORT|SUBSET|HOST`.
    pub fn upstream_name(&self, number: usize) -> Option<&str> {
        self.upstreams.get(number).map(|upstream| &*upstream.name)
    }

    /// With one, what becomes of a request hangs on its `x-request-id` alone.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Names of the headers that carry decisions.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }
}

/// Reads, checks and compiles a pluginConfig for the workload that the proxy's node
/// describes; a `workload` in the configuration wins over it.
///
/// With errors among the findings it is a program without routes: requests go where
/// Envoy's own routes send them.
pub fn configure(plugin_config: &[u8], workload: Option<&Workload>) -> (Program, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut config = Config::parse(plugin_config, &mut diagnostics);
    let own_workload = config.workload.take();
    let workload = own_workload.or_else(|| workload.cloned());
    let program = compile(config, workload, &mut diagnostics);
    if diagnostics.has_errors() {
        return (Program::default(), diagnostics);
    }
    (program, diagnostics)
}
