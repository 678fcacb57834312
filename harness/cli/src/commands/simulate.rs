//! What `replay` and `explain` begin with: plugins on a simulated proxy.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use sluice_host::{Engine, EngineOptions, LogLevel};
use sluice_policy::path_normalization::Normalization;

use crate::args::{PluginArgs, number};
use crate::callouts::Script;
use crate::console::Console;
use crate::failure::Failure;
use crate::plugins::installation::Loader;
use crate::plugins::{gather, mesh};
use crate::replay::simulation::Setup;

/// The plugins, and the world around them.
#[derive(Debug, Args)]
pub struct SimulationArgs {
    /// Plugins and proxy
    #[command(flatten)]
    pub plugins: PluginArgs,

    /// The mesh's path normalisation, done to requests whose paths are not recorded as normalised
    /// [default: mesh.pathNormalization of the plugins' pluginConfig, else BASE]
    #[arg(long, value_name = "MODE", value_parser = normalization_parser())]
    pub path_normalization: Option<Normalization>,

    /// What the services that plugins call would answer, such as the provider of a CUSTOM policy
    #[arg(long, value_name = "FILE")]
    pub callouts: Option<PathBuf>,

    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0", value_parser = number::seed)]
    pub seed: u64,
}

/// Istio's names of the modes.
fn normalization_parser() -> impl TypedValueParser<Value = Normalization> {
    let names = Normalization::NAMES.map(|(name, _)| name);
    PossibleValuesParser::new(names).map(|name| Normalization::from_name(&name).unwrap_or_default())
}

impl SimulationArgs {
    /// Reads everything that the options name, and sees that every plugin takes
    /// its configuration.
    ///
    /// # Errors
    /// When a file cannot be read, or something in one is refused.
    pub fn set_up(
        &self,
        options: EngineOptions,
        log_level: LogLevel,
        console: &mut Console,
    ) -> Result<Setup, Failure> {
        let engine = Engine::new(options)?;
        let mut loader = Loader::new(&engine, self.plugins.modules.as_deref());
        let installation = gather::install(&self.plugins, &mut loader, console)?;
        let normalization = mesh::path_normalization(&installation, self.path_normalization)?;
        let script = match &self.callouts {
            Some(path) => Script::load(path, console)?,
            None => Script::default(),
        };
        let setup = Setup {
            engine,
            installation,
            workload: self.plugins.workload.clone(),
            direction: self.plugins.direction,
            port: self.plugins.port,
            normalization,
            script: Arc::new(script),
            seed: self.seed,
            log_level,
        };
        setup.check_configuration(console)?;
        Ok(setup)
    }
}
