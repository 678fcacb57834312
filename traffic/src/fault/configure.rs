//! From the bytes of a pluginConfig to a program, in one step.

use sluice_policy::resource::VIRTUAL_SERVICE;
use sluice_policy::{Diagnostics, Workload, plugin_config};

use super::program::Program;
use super::rails::Rails;
use crate::config::VirtualService;
use crate::proxy::Proxy;

/// Reads, checks and compiles a pluginConfig for the workload that the proxy's
/// node describes; a `workload` in the configuration wins over it.
///
/// Always a program: with errors among the findings it is one that injects nothing.
/// `now_s`: seconds since 1970, where it is to be said what has expired.
pub fn configure(
    plugin_config: &[u8],
    workload: Option<&Workload>,
    now_s: Option<u64>,
) -> (Program, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let found = &mut diagnostics;
    let mut services = Vec::new();
    let common = plugin_config::read(
        plugin_config,
        &[&VIRTUAL_SERVICE],
        found,
        |resource, found| services.extend(VirtualService::read(resource, found)),
    );
    let mut options = common.options();
    let gateways = options.take("gateways");
    let seed = options.take("seed");
    let seed = seed.and_then(|seed| seed.integer(0..=i64::MAX.unsigned_abs(), found));
    let gateways = gateways.map(|node| Proxy::read_gateways(&node, found));
    let mut routes = services.iter().flat_map(|service| &service.http);
    let has_faults = routes.any(|route| route.fault.is_some());
    let rails = Rails::read(&mut options, has_faults, found);
    options.finish(found);
    rails.warn_if_expired(now_s, found);
    let workload = common.workload.as_ref().or(workload);
    let workload = workload.cloned().unwrap_or_default();
    let proxy = Proxy::new(workload, gateways.unwrap_or_default());
    let program = if found.has_errors() {
        Program::broken()
    } else {
        Program::compile(&services, &proxy, rails, seed, found)
    };
    (program, diagnostics)
}
