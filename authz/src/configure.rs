//! From the bytes of a pluginConfig to a program, in one step.

use sluice_policy::{DiagnosticCode, Diagnostics, Workload};

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
    let has_resources = !(config.policies.is_empty() && config.peer_authentications.is_empty());
    if has_resources && workload.is_none() {
        let found = "neither node metadata with a NAMESPACE nor a workload";
        let expected = "one of them: policies apply by namespace and labels";
        diagnostics.error(DiagnosticCode::UnknownWorkload, "workload", found, expected);
    }
    let program = match workload {
        _ if diagnostics.has_errors() => {
            Program::refuse_all(format!("{} errors", diagnostics.count_errors()))
        }
        Some(workload) => compile(&config, workload),
        None => compile(&config, &Workload::default()),
    };
    (program, diagnostics)
}
