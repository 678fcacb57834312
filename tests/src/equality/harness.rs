//! The recording in the harness.

use std::{fs, sync::Arc};

use sluice_cli::replay::{exchange::to_host, services::Services};
use sluice_host::{
    Attributes, Chain, ConnectionManager, Engine, EngineOptions, Message, Module, OutcomeKind,
    PluginConfig, Value, World,
};
use sluice_recording::Exchange;

use super::{
    Seen,
    scene::{Plugin, Scene, now_ns},
};

/// One worker with the plugins.
pub struct Harness {
    chain: Chain,
}

impl Harness {
    /// Starts it.
    ///
    /// # Errors
    /// When a module is none or the chain does not start.
    pub fn start(scene: &Scene) -> Result<Self, String> {
        let engine = Engine::new(EngineOptions::default()).map_err(|error| error.to_string())?;
        let plugins = scene.plugins.iter().map(|plugin| load(&engine, plugin));
        let plugins = plugins.collect::<Result<_, _>>()?;
        let world = World {
            now_ns: scene.exchanges.first().map_or(0, now_ns),
            proxy: proxy(),
            callouts: Box::new(Services::new(Arc::new(scene.script()?))),
            // Recorded behind the connection manager, which has done its work.
            connection_manager: ConnectionManager::NONE,
            ..World::default()
        };
        let chain = Chain::new(&engine, plugins, world).map_err(|error| error.to_string())?;
        Ok(Self { chain })
    }

    /// Runs one exchange at the time at which it was recorded.
    pub fn run(&mut self, recorded: &Exchange<'_>) -> Seen {
        self.chain.advance_to(now_ns(recorded));
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

fn load(engine: &Engine, plugin: &Plugin) -> Result<(Module, PluginConfig), String> {
    let wasm = fs::read(&plugin.module).map_err(|error| error.to_string())?;
    let module = Module::compile(engine, &plugin.name, &wasm);
    let configuration = PluginConfig::new(&plugin.name, plugin.configuration.as_str());
    Ok((module.map_err(|error| error.to_string())?, configuration))
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
