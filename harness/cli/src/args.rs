//! The command line.

pub mod number;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::commands;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Runs Envoy Wasm plugins against recorded traffic, as Envoy and Istio would.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, styles = STYLES, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 ok, 1 findings, 2 usage, configuration or I/O error, 3 a guest trapped or hit a limit.\n\
                        Results go to standard output, diagnostics to standard error."
)]
pub struct Cli {
    /// When to use colours; `auto` respects NO_COLOR and asks whether there is a terminal
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay recordings through plugins and report what became of every exchange
    Replay(commands::replay::ReplayArgs),
    /// Turn Envoy taps, HAR files and access logs into a recording
    Import(commands::import::ImportArgs),
    /// Check manifests and plugin configuration, and configure the plugins for real
    Check(commands::check::CheckArgs),
    /// Explain what decided one exchange, and what nearly did
    Explain(commands::explain::ExplainArgs),
    /// Show what a module exports and imports, and whether Envoy would load it
    Inspect(commands::inspect::InspectArgs),
    /// Make tokens, look at them, and turn keys into key sets
    Token(commands::token::TokenArgs),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// Which plugins, on whose proxy: shared by the commands that run any.
#[derive(Debug, Args)]
pub struct PluginArgs {
    /// File or folder of WasmPlugin and TrafficExtension manifests (repeatable)
    #[arg(
        long,
        help_heading = "Plugins",
        value_name = "FILE|DIR",
        required = true
    )]
    pub plugins: Vec<PathBuf>,

    /// Folder of modules: an image `…/NAME:TAG` is NAME.wasm there (`sluice-NAME` also NAME.wasm)
    #[arg(long, help_heading = "Plugins", value_name = "DIR")]
    pub modules: Option<PathBuf>,

    /// Whose proxy is simulated: namespace=…, kind=sidecar|gateway|waypoint, name=…, cluster=…,
    /// serviceAccount=…, and labels as KEY=VALUE
    #[arg(
        long,
        help_heading = "Plugins",
        value_name = "KEY=VALUE,…",
        default_value = "namespace=default"
    )]
    pub workload: crate::workload::WorkloadOption,

    /// The listener that the traffic came through
    #[arg(
        long,
        help_heading = "Plugins",
        value_name = "DIRECTION",
        default_value = "inbound"
    )]
    pub direction: crate::plugins::Direction,

    /// Port of that listener, where a recording does not say it (destination.port)
    #[arg(long, help_heading = "Plugins", value_name = "PORT", value_parser = number::port)]
    pub port: Option<u16>,

    /// Namespace whose plugins apply to the whole mesh (meshConfig.rootNamespace)
    #[arg(
        long,
        help_heading = "Plugins",
        value_name = "NAMESPACE",
        default_value = "istio-system"
    )]
    pub root_namespace: String,
}
