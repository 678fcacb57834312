//! A recording of the repository, and what stands before the service it was made of.

use std::{
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use sluice_cli::{callouts::Script, yaml};
use sluice_envoy::binary::{find_module, workspace_dir};
use sluice_policy::Diagnostics;
use sluice_recording::{Diagnostic, Exchange, Reader, Timestamp};

use crate::record::scene::Name;

/// A recording and the plugins of its example manifest.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Every exchange.
    pub exchanges: Vec<Exchange<'static>>,
    /// In the order in which requests meet them.
    pub plugins: Vec<Plugin>,
    /// What services say, as for `sluice replay --callouts`.
    callouts: Value,
}

/// A plugin of the manifest.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Of its module: `authz`.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// `spec.pluginConfig`, as the JSON text that Istio hands to the plugin.
    pub configuration: String,
}

impl Scene {
    /// Reads what belongs to the recording, and a manifest among the examples.
    ///
    /// # Errors
    /// When a part of it is not there or not whole.
    pub fn of(name: Name, example: &str) -> Result<Self, String> {
        let manifest = format!("wasm-plugins/examples/{example}.yaml");
        let plugins = documents(&manifest)?;
        Ok(Self {
            exchanges: recording(name)?,
            plugins: plugins.iter().map(plugin).collect::<Result<_, _>>()?,
            callouts: callouts(name)?,
        })
    }

    /// When the first exchange was recorded: what tokens are judged by.
    #[must_use]
    pub fn start(&self) -> SystemTime {
        let first = self.exchanges.first().map_or(0, now_ns);
        UNIX_EPOCH + Duration::from_nanos(first)
    }

    /// The services, for the harness.
    ///
    /// # Errors
    /// When the script is refused.
    pub fn script(&self) -> Result<Script, String> {
        if self.callouts.is_null() {
            return Ok(Script::default());
        }
        let mut diagnostics = Diagnostics::new();
        let script = Script::read(&self.callouts, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics.errors_in_words());
        }
        Ok(script)
    }

    /// The services for Envoy: cluster and body of each.
    pub fn served(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.callouts.get("callouts").and_then(Value::as_array);
        entries.into_iter().flatten().filter_map(|entry| {
            let body = entry.pointer("/answer/body")?.as_str()?;
            Some((entry.get("cluster")?.as_str()?, body))
        })
    }
}

/// When an exchange was recorded, in nanoseconds since 1970; 0 if nobody knows.
#[must_use]
pub fn now_ns(exchange: &Exchange<'_>) -> u64 {
    let time = exchange.time.map_or(0, Timestamp::as_nanos);
    u64::try_from(time).unwrap_or(0)
}

/// Every exchange of a recording of the repository.
///
/// # Errors
/// When it is not there or not whole.
pub fn recording(name: Name) -> Result<Vec<Exchange<'static>>, String> {
    let path = workspace_dir().join(format!("tests/recordings/{name}.jsonl"));
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|found| told(&found))?;
    let mut exchanges = Vec::new();
    while let Some(exchange) = reader.read().map_err(|found| told(&found))? {
        exchanges.push(exchange.into_owned());
    }
    Ok(exchanges)
}

/// Null where the recording needs no services.
fn callouts(name: Name) -> Result<Value, String> {
    let path = format!("tests/recordings/{name}-callouts.yaml");
    if !workspace_dir().join(&path).exists() {
        return Ok(Value::Null);
    }
    Ok(documents(&path)?.swap_remove(0))
}

fn plugin(manifest: &Value) -> Result<Plugin, String> {
    let missing = |pointer: &str| format!("a manifest without {pointer}");
    let field = |pointer: &str| manifest.pointer(pointer).ok_or_else(|| missing(pointer));
    let full = field("/metadata/name")?.as_str().unwrap_or_default();
    let name = full.trim_start_matches("sluice-");
    Ok(Plugin {
        name: name.to_owned(),
        module: find_module(name).map_err(|error| error.to_string())?,
        configuration: field("/spec/pluginConfig")?.to_string(),
    })
}

/// The YAML documents of a file of the repository, of which there is at least one.
///
/// # Errors
/// When it is not there, or no YAML.
pub fn documents(path: &str) -> Result<Vec<Value>, String> {
    let explain = |cause: String| format!("{path}: {cause}");
    let text = fs::read_to_string(workspace_dir().join(path));
    let text = text.map_err(|error| explain(error.to_string()))?;
    let documents = yaml::parse(&text).map_err(|error| explain(format!("{error:?}")))?;
    if documents.is_empty() {
        return Err(explain("no document".to_owned()));
    }
    Ok(documents.iter().map(yaml::Node::to_json).collect())
}

fn told(found: &[Diagnostic]) -> String {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
