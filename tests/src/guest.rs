//! A module in the harness, with nothing around it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use sluice_host::{
    Attributes, Chain, Engine, EngineOptions, Exchange, LogLine, Message, Module, Outcome,
    PluginConfig, PluginState, Value, World,
};

/// A chain of one plugin.
pub struct Guest {
    chain: Chain,
}

impl Guest {
    /// Starts and configures the module at `path` in a proxy of `namespace`.
    pub fn start(path: &Path, namespace: &str, configuration: String) -> Result<Self> {
        let plugin = PluginConfig::new("bench", configuration);
        let guest = Self::load(path, plugin, world(namespace))?;
        ensure!(
            matches!(guest.state(), Some(PluginState::Running)),
            "{}: configuration refused: {:?}",
            path.display(),
            guest.logs()
        );
        Ok(guest)
    }

    /// Starts the module at `path`, which may refuse its configuration.
    pub fn load(path: &Path, plugin: PluginConfig, world: World) -> Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("{}: `cargo xtask dist` makes it", path.display()))?;
        let engine = Engine::new(EngineOptions::default())?;
        let module = Module::compile(&engine, &plugin.name, &bytes)?;
        let chain = Chain::new(&engine, vec![(module, plugin)], world)?;
        Ok(Self { chain })
    }

    /// Whether it runs.
    pub fn state(&self) -> Option<&PluginState> {
        self.chain.plugin_state(0)
    }

    /// Everything it has logged outside of streams.
    pub fn logs(&self) -> &[LogLine] {
        self.chain.logs()
    }

    /// Takes one exchange through.
    pub fn run(&mut self, exchange: &Exchange) -> Outcome {
        self.chain.run(exchange)
    }

    /// The time of its world.
    pub fn now_ns(&self) -> u64 {
        self.chain.now_ns()
    }

    /// Linear memory of the VM now.
    pub fn memory_bytes(&self) -> Result<usize> {
        self.chain
            .memory_bytes(0)
            .context("the chain has one plugin")
    }
}

/// A proxy of a workload in `namespace`, without clusters.
pub fn world(namespace: &str) -> World {
    let metadata = Value::Map(vec![("NAMESPACE".to_owned(), namespace.into())]);
    let node = Value::Map(vec![("metadata".to_owned(), metadata)]);
    World {
        proxy: Attributes::new().with("xds.node", node),
        ..World::default()
    }
}

/// A plain GET over HTTP/1.1, answered 200.
pub fn get(path: &str) -> Exchange {
    let request = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "bench.example"),
        (":path", path),
        ("accept", "*/*"),
        ("user-agent", "bench"),
        ("x-request-id", "4b6d9e3a-0000-4000-8000-000000000000"),
    ];
    Exchange {
        request: Message::of_headers(request),
        response: Some(Message::of_headers([
            (":status", "200"),
            ("content-type", "text/plain"),
        ])),
        ..Exchange::default()
    }
}
