//! `sluice inspect`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anstyle::Style;
use clap::{Args, ValueEnum};
use serde_json::json;
use sha2::{Digest, Sha256};
use sluice_host::{AbiVersion, Engine, EngineOptions, Module};

use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::report::visible::visible;

const TITLE: Style = Style::new().bold();

/// Options of `sluice inspect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sluice inspect target/wasm/authz.wasm\n  sluice inspect authz.wasm --format json"
)]
pub struct InspectArgs {
    /// A module
    #[arg(value_name = "MODULE")]
    pub module: PathBuf,

    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: InspectFormat,
}

/// Formats of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// For people
    Human,
    /// One JSON object
    Json,
}

/// Runs the command. A module that Envoy would refuse is a finding.
///
/// # Errors
/// When the file cannot be read.
pub fn run(args: &InspectArgs, console: &mut Console) -> Result<Exit, Failure> {
    let name = args.module.display().to_string();
    let bytes = fs::read(&args.module).map_err(|error| Failure::reading(&args.module, &error))?;
    let engine = Engine::new(EngineOptions {
        quick_compile: true,
    })?;
    let module = match Module::compile(&engine, &name, &bytes) {
        Ok(module) => module,
        Err(error) => {
            console.failure(&error.into());
            return Ok(Exit::Findings);
        }
    };
    let facts = Facts::of(&module, &bytes);
    let mut output = Output::open(None, console.color())?;
    match args.format {
        InspectFormat::Human => output.print(&facts.human())?,
        InspectFormat::Json => output.write(facts.json().as_bytes())?,
    }
    output.finish()?;
    Ok(Exit::Ok)
}

struct Facts<'a> {
    name: &'a str,
    bytes: usize,
    sha256: String,
    abi: &'static str,
    imports: BTreeMap<&'a str, Vec<&'a str>>,
    exports: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    fn of(module: &'a Module, bytes: &[u8]) -> Self {
        let mut imports: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for import in module.imports() {
            let (from, name) = import.split_once('.').unwrap_or(("", import));
            imports.entry(from).or_default().push(name);
        }
        imports.values_mut().for_each(|names| names.sort_unstable());
        let mut exports: Vec<&str> = module.exports().iter().map(String::as_str).collect();
        exports.sort_unstable();
        let sha256 = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            name: module.name(),
            bytes: bytes.len(),
            sha256,
            abi: abi(module.abi_version()),
            imports,
            exports,
        }
    }

    fn human(&self) -> String {
        let mut text = format!("{TITLE}{}{TITLE:#}: Envoy would load it\n", self.name);
        text.push_str(&format!(
            "  size     {} bytes\n  sha256   {}\n  ABI      {}\n",
            self.bytes, self.sha256, self.abi
        ));
        text.push_str(&format!(
            "{TITLE}exports{TITLE:#}\n{}",
            listed(&self.exports)
        ));
        for (from, names) in &self.imports {
            text.push_str(&format!(
                "{TITLE}imports from {}{TITLE:#}\n{}",
                visible(from),
                listed(names)
            ));
        }
        text
    }

    fn json(&self) -> String {
        let value = json!({
            "module": self.name,
            "size_bytes": self.bytes,
            "sha256": self.sha256,
            "abi": self.abi,
            "exports": self.exports,
            "imports": self.imports,
        });
        format!("{value}\n")
    }
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("  {}\n", visible(name)))
        .collect()
}

fn abi(version: AbiVersion) -> &'static str {
    match version {
        AbiVersion::V0_1_0 => "proxy-wasm 0.1.0",
        AbiVersion::V0_2_0 => "proxy-wasm 0.2.0",
        AbiVersion::V0_2_1 => "proxy-wasm 0.2.1",
    }
}
