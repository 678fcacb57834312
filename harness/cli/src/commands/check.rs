//! `sluice check`.

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::Args;
use sluice_host::{Chain, Engine, EngineOptions, PluginState};
use sluice_policy::Workload;

use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::native::{self, Native};
use crate::output::Output;
use crate::plugins::gather::{self, Found, Gathered};
use crate::plugins::installation::{Installation, Loader};
use crate::plugins::manifest::{Filter, WasmFilter};
use crate::plugins::{Direction, Extension};
use crate::replay::simulation::say_logs;
use crate::replay::world;
use crate::report::human::plural;
use crate::workload::WorkloadOption;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Options of `sluice check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice check wasm-plugins/ --modules target/wasm\n  \
    sluice check authz.yaml --modules dist --workload namespace=production,app=payment-service")]
pub struct CheckArgs {
    /// Files or folders of WasmPlugin and TrafficExtension manifests
    #[arg(value_name = "FILE|DIR", required = true)]
    pub manifests: Vec<PathBuf>,

    /// Folder of modules: an image `…/NAME:TAG` is NAME.wasm there (`sluice-NAME` also NAME.wasm)
    #[arg(long, value_name = "DIR")]
    pub modules: Option<PathBuf>,

    /// Whose proxy configures the plugins [default: the plugin's namespace, and the labels it selects]
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub workload: Option<WorkloadOption>,

    /// Judge the manifests alone, and run no module
    #[arg(long)]
    pub manifests_only: bool,
}

/// Runs the command. Whatever is refused is a finding.
///
/// # Errors
/// When a file cannot be read.
pub fn run(args: &CheckArgs, console: &mut Console) -> Result<Exit, Failure> {
    let gathered = gather::gather(&args.manifests, console)?;
    let engine = Engine::new(EngineOptions {
        quick_compile: true,
    })?;
    let mut check = Check {
        args,
        engine: &engine,
        loader: Loader::new(&engine, args.modules.as_deref()),
        output: Output::open(None, console.color())?,
        refused: gathered.refused,
    };
    for found in &gathered.plugins {
        check.plugin(&gathered, found, console)?;
    }
    check.conclude(gathered.plugins.len())
}

struct Check<'a> {
    args: &'a CheckArgs,
    engine: &'a Engine,
    loader: Loader<'a>,
    output: Output,
    refused: usize,
}

impl Check<'_> {
    fn plugin(
        &mut self,
        gathered: &Gathered,
        found: &Found,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let extension = &found.extension;
        let verdict = match &extension.spec.filter {
            Filter::Lua => Ok("a Lua script, not run".to_owned()),
            Filter::Wasm(filter) if filter.is_network => Ok("a network filter, not run".to_owned()),
            Filter::Wasm(filter) => self.filter(gathered, found, filter, console),
        };
        let name = extension.plugin_name();
        let line = match verdict {
            Ok(remark) => format!(
                "{GOOD}ok{GOOD:#}      {} {name}: {remark}\n",
                extension.kind
            ),
            Err(failure) => {
                let span = found.node.locate("spec", true);
                console.point(
                    Severity::Error,
                    &failure.to_string(),
                    gathered.source(found),
                    span,
                );
                self.refused += 1;
                format!("{BAD}refused{BAD:#} {} {name}\n", extension.kind)
            }
        };
        self.output.print(&line)
    }

    /// What it is worth saying of a filter that is taken.
    fn filter(
        &mut self,
        gathered: &Gathered,
        found: &Found,
        filter: &WasmFilter,
        console: &mut Console,
    ) -> Result<String, Failure> {
        let native = self.read_natively(gathered, found, filter, console)?;
        let mut remark = if self.args.manifests_only {
            "not run"
        } else {
            self.configure(&found.extension, filter, &native.said, console)?
        }
        .to_owned();
        if let Some(program) = &native.program {
            let workload = self.workload(&found.extension);
            if program.is_idle() {
                self.warn_of_nothing(gathered, found, &workload, console);
            }
            let in_force = match program.rule_count() {
                _ if program.is_idle() => "nothing".to_owned(),
                0 => "resources without rules".to_owned(),
                rules => plural(u64::try_from(rules).unwrap_or(u64::MAX), "rule"),
            };
            remark.push_str(&format!(", {in_force} in force for {workload}"));
        }
        Ok(remark)
    }

    /// A security filter without anything to enforce is most often a mistake.
    fn warn_of_nothing(
        &self,
        gathered: &Gathered,
        found: &Found,
        workload: &WorkloadOption,
        console: &mut Console,
    ) {
        let path = found.extension.configuration_path();
        let help = match self.args.workload {
            Some(_) => "every request passes",
            None => "every request passes; --workload says whose proxy it is",
        };
        let message = format!(
            "{path}: found nothing in force for {workload}, expected a resource that applies to it; {help} \
             [nothing-in-force]"
        );
        let span = found.node.locate(path, true);
        console.point(Severity::Warning, &message, gathered.source(found), span);
    }

    /// Reads the configuration of our own filters as Rust, which knows where
    /// in the manifest a finding stands.
    fn read_natively(
        &self,
        gathered: &Gathered,
        found: &Found,
        filter: &WasmFilter,
        console: &mut Console,
    ) -> Result<Natively, Failure> {
        let workload = self.workload(&found.extension);
        let Some((program, diagnostics)) = native::read(filter, &workload.workload) else {
            return Ok(Natively::default());
        };
        let said: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        for (diagnostic, message) in diagnostics.iter().zip(&said) {
            let path = found.extension.configuration_path();
            let path = format!("{path}.{}", diagnostic.path);
            let span = found.node.place_of(diagnostic, &path);
            console.point(
                diagnostic.severity.into(),
                message,
                gathered.source(found),
                span,
            );
        }
        let errors = format!("{} in its configuration", diagnostics.errors_in_words());
        let expected = "a configuration that the filter takes";
        if diagnostics.has_errors() {
            return Err(Failure::new(
                found.extension.plugin_name(),
                errors,
                expected,
                "plugin-refused",
            ));
        }
        Ok(Natively {
            program: Some(program),
            said,
        })
    }

    fn workload(&self, extension: &Extension) -> WorkloadOption {
        self.args
            .workload
            .clone()
            .unwrap_or_else(|| likely_workload(extension))
    }

    /// Really starts the plugin, as a proxy would that gets this manifest.
    fn configure(
        &mut self,
        extension: &Extension,
        filter: &WasmFilter,
        said: &[String],
        console: &mut Console,
    ) -> Result<&'static str, Failure> {
        self.loader.load(&extension.plugin_name(), filter)?;
        let installation = Installation::load(&[extension], Direction::Inbound, &mut self.loader)?;
        let workload = self.workload(extension);
        let world = world::world(&workload, Direction::Inbound, 0);
        let chain = Chain::new(self.engine, installation.chosen(&[0]), world)?;
        say_logs(&chain, said, console);
        let path = extension.plugin_name();
        let expected = "a plugin that takes its configuration";
        match chain.plugin_state(0) {
            Some(PluginState::Refused) => Err(Failure::new(
                path,
                "a refused configuration",
                expected,
                "plugin-refused",
            )),
            Some(PluginState::Failed(reason)) => {
                Err(Failure::new(path, reason, expected, "plugin-failed"))
            }
            Some(PluginState::Running) | None => Ok("takes its configuration"),
        }
    }

    fn conclude(mut self, accepted: usize) -> Result<Exit, Failure> {
        let total = u64::try_from(accepted).unwrap_or(u64::MAX);
        let style = if self.refused == 0 { GOOD } else { BAD };
        let refused = self.refused;
        self.output.print(&format!(
            "{}, {style}{refused} refused{style:#}\n",
            plural(total, "valid manifest")
        ))?;
        self.output.finish()?;
        Ok(if refused == 0 {
            Exit::Ok
        } else {
            Exit::Findings
        })
    }
}

/// What a filter that is ours is natively; nothing of other people's.
#[derive(Default)]
struct Natively {
    program: Option<Native>,
    /// The messages that were shown.
    said: Vec<String>,
}

/// A workload that the plugin would attach to, for plugins that look at whose proxy they are on.
fn likely_workload(extension: &Extension) -> WorkloadOption {
    let workload = Workload {
        namespace: extension.namespace.clone(),
        labels: extension.spec.attachment.labels.clone(),
        ..Workload::default()
    };
    WorkloadOption {
        workload,
        ..WorkloadOption::default()
    }
}
