//! The filters of a scenario, in order.

use serde_json::Value;
use sluice_host::{Module, PluginConfig};

use super::Others;
use crate::cases::scenario::Scenario;

/// Why a case that deals a number runs on the engine alone.
pub const OWN_DICE: &str = "a module throws its own dice: no case deals it a number";

type Chain = Vec<(Module, PluginConfig)>;

/// Those that decide who may pass, faults, and routes.
///
/// # Errors
/// Why one is not there.
pub fn of(scenario: &Scenario, authz: &Module, others: &Others) -> Result<Chain, String> {
    let mut chain = Chain::new();
    let mut add = |name: &str, module: &Module, config: Value| {
        let config = PluginConfig {
            // A case says which counters its one request moves.
            environment: vec![("SLUICE_COUNTERS".to_owned(), "immediate".to_owned())],
            ..PluginConfig::new(name, config.to_string())
        };
        chain.push((module.clone(), config));
    };
    if let Some(rules) = &scenario.authentication {
        add("jwt", there(&others.jwt)?, rules.plugin.config());
    }
    if scenario.authorizes() {
        add("authz", authz, scenario.plugin.config());
    }
    if let Some(plugin) = &scenario.faults {
        add("fault", there(&others.fault)?, plugin.config());
    }
    if let Some(plugin) = &scenario.routing {
        add("routing", there(&others.routing)?, plugin.config());
    }
    Ok(chain)
}

fn there(module: &Result<Module, String>) -> Result<&Module, String> {
    module.as_ref().map_err(Clone::clone)
}
