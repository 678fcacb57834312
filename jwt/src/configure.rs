//! From the bytes of a pluginConfig to a program, in one step.

use sluice_policy::selector::demand_placement;
use sluice_policy::{Diagnostics, Workload};

use crate::compile::compile;
use crate::config::Config;
use crate::program::Program;

/// Reads, checks and compiles a pluginConfig for the workload that the proxy's
/// node describes; a `workload` in the configuration wins over it.
///
/// Always a program: with errors among the findings it is one that refuses
/// every request. The command line and the proxy share this, so that they
/// refuse the same configurations.
pub fn configure(plugin_config: &[u8], workload: Option<&Workload>) -> (Program, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let config = Config::parse(plugin_config, &mut diagnostics);
    let workload = config.workload.as_ref().or(workload);
    let attachments = config.resources.iter().map(|resource| &resource.attachment);
    demand_placement(attachments, workload, &mut diagnostics);
    let program = match workload {
        _ if diagnostics.has_errors() => Program::refuse_all(diagnostics.errors_in_words()),
        Some(workload) => compile(&config, workload),
        None => compile(&config, &Workload::default()),
    };
    (program, diagnostics)
}
