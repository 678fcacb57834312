//! The recording in the harness.

use std::{fs, path::Path};

use sluice_cli::replay::exchange::to_host;
use sluice_host::{
    Attributes, Chain, ConnectionManager, Engine, EngineOptions, Message, Module, OutcomeKind,
    PluginConfig, Value, World,
};
use sluice_recording::Exchange;

use super::Seen;

/// One worker with the module.
pub struct Harness {
    chain: Chain,
}

impl Harness {
    /// Starts it.
    ///
    /// # Errors
    /// When the module is none or the chain does not start.
    pub fn start(module: &Path, configuration: &str) -> Result<Self, String> {
        let wasm = fs::read(module).map_err(|error| error.to_string())?;
        let engine = Engine::new(EngineOptions::default()).map_err(|error| error.to_string())?;
        let module = Module::compile(&engine, "authz", &wasm).map_err(|error| error.to_string())?;
        let world = World {
            proxy: proxy(),
            // Recorded behind the connection manager, which has done its work.
            connection_manager: ConnectionManager::NONE,
            ..World::default()
        };
        let plugins = vec![(module, PluginConfig::new("authz", configuration))];
        let chain = Chain::new(&engine, plugins, world).map_err(|error| error.to_string())?;
        Ok(Self { chain })
    }

    /// Runs one exchange.
    pub fn run(&mut self, recorded: &Exchange<'_>) -> Seen {
        let outcome = self.chain.run(&to_host(recorded));
        let forwarded = outcome.kind == OutcomeKind::Forwarded;
        let response = outcome.response.unwrap_or_default();
        Seen {
            status: outcome.status.unwrap_or_default(),
            upstream: forwarded.then(|| lines(&outcome.request)),
            reply: (!forwarded).then(|| lines(&response)),
            reply_body: (!forwarded).then(|| response.body_bytes()),
        }
    }
}

fn lines(message: &Message) -> sluice_envoy::client::HeaderLines {
    message
        .headers
        .iter()
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

fn proxy() -> Attributes {
    let labels = Value::Map(vec![("app".to_owned(), "payment-service".into())]);
    let metadata = vec![
        ("NAMESPACE".to_owned(), "production".into()),
        ("LABELS".to_owned(), labels),
    ];
    Attributes::new().with("xds.node.metadata", Value::Map(metadata))
}
