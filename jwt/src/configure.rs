//! From the bytes of a pluginConfig to a program, in one step.

use sluice_policy::{DiagnosticCode, Diagnostics, ProxyKind, Workload};

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
    if !config.resources.is_empty() && workload.is_none() {
        let found = "neither node metadata with a NAMESPACE nor a workload";
        let expected = "one of them: policies apply by namespace and labels";
        diagnostics.error(DiagnosticCode::UnknownWorkload, "workload", found, expected);
    }
    if let Some(workload) = workload {
        demand_services(&config, workload, &mut diagnostics);
    }
    let program = match workload {
        _ if diagnostics.has_errors() => Program::refuse_all(diagnostics.errors_in_words()),
        Some(workload) => compile(&config, workload),
        None => compile(&config, &Workload::default()),
    };
    (program, diagnostics)
}

/// A waypoint's node does not say which services it stands before. Without them a
/// resource for a service would apply to nothing, and its tokens would go unchecked.
fn demand_services(config: &Config, workload: &Workload, diagnostics: &mut Diagnostics) {
    if workload.kind != ProxyKind::Waypoint || !workload.services.is_empty() {
        return;
    }
    let mut targets = config
        .resources
        .iter()
        .flat_map(|resource| &resource.attachment.targets);
    if targets.any(|target| matches!(target.kind.as_str(), "Service" | "ServiceEntry")) {
        let found = "a waypoint of unknown services, and resources that target services";
        let expected = "the services that the waypoint stands before, under workload.services";
        let code = DiagnosticCode::UnknownWorkload;
        diagnostics.error(code, "workload.services", found, expected);
    }
}
