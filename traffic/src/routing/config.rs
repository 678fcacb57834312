//! What the routing filter is configured with.

use sluice_policy::resource::{
    CANARY_GUARD, DESTINATION_RULE, Kind, STICKY_SPLIT, VIRTUAL_SERVICE,
};
use sluice_policy::{Diagnostics, Mesh, Resource, Workload, plugin_config};

use super::hints::Hints;
use super::sticky::StickySplit;
use crate::destination_rule::DestinationRule;
use crate::guard::{self, CanaryGuard};
use crate::{Proxy, VirtualService};

/// The kinds of resources that the filter takes.
pub const KINDS: [&Kind; 4] = [
    &VIRTUAL_SERVICE,
    &DESTINATION_RULE,
    &CANARY_GUARD,
    &STICKY_SPLIT,
];

/// Everything that the filter was configured with.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// VirtualServices, in no particular order.
    pub services: Vec<VirtualService>,
    /// DestinationRules.
    pub rules: Vec<DestinationRule>,
    /// CanaryGuards, each with where it stands.
    pub guards: Vec<(CanaryGuard, Box<str>)>,
    /// StickySplits.
    pub sticky: Vec<StickySplit>,
    /// Mesh-wide settings.
    pub mesh: Mesh,
    /// The workload, where the configuration names it.
    pub workload: Option<Workload>,
    /// `gateways` that the proxy serves.
    pub gateways: Vec<Box<str>>,
    /// `hintHeaders`.
    pub hints: Hints,
    /// `seed`: with one, what becomes of a request hangs on its `x-request-id` alone.
    pub seed: Option<u64>,
}

impl Config {
    /// Reads a pluginConfig; [`Diagnostics::has_errors`] says whether it may be used.
    pub fn parse(bytes: &[u8], diagnostics: &mut Diagnostics) -> Self {
        let mut config = Self::default();
        let common = plugin_config::read(bytes, &KINDS, diagnostics, |resource, diagnostics| {
            config.add(resource, diagnostics);
        });
        let mut options = common.options();
        let gateways = options.take("gateways");
        let hints = options.take("hintHeaders");
        let seed = options.take("seed");
        options.finish(diagnostics);
        if let Some(gateways) = gateways {
            config.gateways = Proxy::read_gateways(&gateways, diagnostics);
        }
        if let Some(hints) = hints {
            config.hints = Hints::read(&hints, diagnostics);
        }
        let seed = seed.and_then(|seed| seed.integer(0..=i64::MAX, diagnostics));
        config.seed = seed.map(i64::unsigned_abs);
        config.mesh = common.mesh;
        config.workload = common.workload;
        config
    }

    /// Reads one resource of one of the [`KINDS`] and adds it.
    pub fn add(&mut self, resource: &Resource<'_>, diagnostics: &mut Diagnostics) {
        if *resource.kind == STICKY_SPLIT {
            self.sticky.extend(StickySplit::read(resource, diagnostics));
        } else if *resource.kind == CANARY_GUARD {
            let guard = guard::config::read(resource, diagnostics);
            self.guards.push((guard, resource.path.as_str().into()));
        } else if *resource.kind == DESTINATION_RULE {
            let rule = DestinationRule::read(resource, diagnostics);
            self.rules.extend(rule);
        } else {
            self.services
                .extend(VirtualService::read(resource, diagnostics));
        }
    }
}
