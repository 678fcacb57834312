//! One Envoy worker: plugins in order and the streams in them.

mod callbacks;
mod events;
mod finish;
mod flow;
mod reply;
mod run;
mod start;

use crate::engine::Engine;
use crate::module::Module;
use crate::outcome::{LogLine, MetricKind, Trap};
use crate::plugin::PluginConfig;
use crate::stream::{Direction, Stream};
use crate::vm::Vm;
use crate::worker::{Place, Worker};
use crate::{Attributes, Cost, Headers, HostError, World};

/// A stream that was opened and not yet closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId {
    index: usize,
    /// Tells a stream from later ones in the same place.
    serial: u64,
}

/// How a plugin stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginState {
    /// Configured and running.
    Running,
    /// `on_vm_start` or `on_configure` said no. Its fail strategy decides
    /// what becomes of requests.
    Refused,
    /// A callback trapped; the text says why.
    Failed(String),
}

/// Plugins in order, with the virtual clock, shared data, metrics and log of
/// one worker.
pub struct Chain {
    engine: Engine,
    plugins: Vec<Plugin>,
    vms: Vec<Vm>,
    worker: Box<Worker>,
}

struct Plugin {
    module: Module,
    config: PluginConfig,
    vm: usize,
    state: PluginState,
}

impl Chain {
    /// Starts and configures every plugin. A plugin that refuses its
    /// configuration or traps is no error here: see [`Self::plugin_state`].
    ///
    /// # Errors
    ///
    /// When a module cannot be instantiated: wrong export types
    /// (`module-not-instantiable`).
    pub fn new(
        engine: &Engine,
        plugins: Vec<(Module, PluginConfig)>,
        world: World,
    ) -> Result<Self, HostError> {
        let worker = Box::new(Worker::new(world));
        let mut chain = Self {
            engine: engine.clone(),
            plugins: Vec::new(),
            vms: Vec::new(),
            worker,
        };
        for (module, config) in plugins {
            chain.add_plugin(module, config)?;
        }
        Ok(chain)
    }

    /// How many plugins there are.
    pub fn len(&self) -> usize {
        self.plugins.len()
    }

    /// Whether there are no plugins.
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// How the plugin at `index` of the chain stands.
    pub fn plugin_state(&self, index: usize) -> Option<&PluginState> {
        self.plugins.get(index).map(|plugin| &plugin.state)
    }

    /// Linear memory of that plugin's VM now, in bytes.
    pub fn memory_bytes(&self, index: usize) -> Option<usize> {
        self.vms.get(self.plugins.get(index)?.vm)?.memory_bytes()
    }

    /// What that plugin's callbacks outside any stream used so far: start,
    /// configuration, ticks.
    pub fn idle_cost(&self, index: usize) -> Option<Cost> {
        self.worker.idle_costs.get(index).copied()
    }

    /// The virtual time, nanoseconds since the epoch.
    pub fn now_ns(&self) -> u64 {
        self.worker.now_ns
    }

    /// Lines logged outside any stream (start, configuration, ticks) so far.
    pub fn logs(&self) -> &[LogLine] {
        &self.worker.logs
    }

    /// Takes the lines of [`Self::logs`] out, so that they do not pile up.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.worker.logs)
    }

    /// Guests that failed outside any stream so far.
    pub fn traps(&self) -> &[Trap] {
        &self.worker.traps
    }

    /// Every metric: name, kind and value (of a histogram, how many values).
    pub fn metrics(&self) -> Vec<(&str, MetricKind, u64)> {
        self.worker
            .metrics
            .iter()
            .map(|stat| (&*stat.name, stat.kind, stat.value))
            .collect()
    }

    /// A shared-data value and its compare-and-swap number.
    pub fn shared_data(&self, vm_id: &str, key: &[u8]) -> Option<(&[u8], u32)> {
        self.worker.shared.get(vm_id.as_bytes(), key)
    }

    /// Opens a stream, as a new request on a connection does.
    pub fn open(&mut self, attributes: &Attributes) -> StreamId {
        let index = self.worker.vacant.pop().unwrap_or_else(|| {
            self.worker.streams.push(Stream::default());
            self.worker.streams.len() - 1
        });
        self.reload_failed_plugins();
        self.worker.connections += 1;
        let (connection_id, now_ns) = (self.worker.connections, self.worker.now_ns);
        if let Some(stream) = self.worker.streams.get_mut(index) {
            stream.reset(self.plugins.len());
            stream.attributes = attributes.clone();
            stream.connection_id = connection_id;
            stream.started_ns = now_ns;
            for (seat, plugin) in stream.seats.iter_mut().zip(&self.plugins) {
                seat.presence = plugin.presence();
                seat.generation = self.vms.get(plugin.vm).map_or(0, |vm| vm.generation);
            }
        }
        StreamId {
            index,
            serial: connection_id,
        }
    }

    /// Feeds the request headers of a stream. What Envoy's connection manager
    /// does to them is done first.
    pub fn request_headers(&mut self, stream: StreamId, headers: &Headers, end_of_stream: bool) {
        let Some(index) = self.live(stream) else {
            return;
        };
        let (manager, worker) = (self.worker.manager, &mut *self.worker);
        if let Some(found) = worker.streams.get_mut(index) {
            found.request.headers.copy_from(headers);
            manager.prepare(&mut found.request.headers, &mut worker.random);
        }
        self.feed_headers(index, Direction::Request, end_of_stream);
    }

    /// Feeds a piece of request body.
    pub fn request_body(&mut self, stream: StreamId, chunk: &[u8], end_of_stream: bool) {
        if let Some(index) = self.live(stream) {
            self.feed_data(index, Direction::Request, chunk, end_of_stream);
        }
    }

    /// Feeds the request trailers, which end the request.
    pub fn request_trailers(&mut self, stream: StreamId, trailers: &Headers) {
        if let Some(index) = self.live(stream) {
            self.feed_trailers(index, Direction::Request, trailers);
        }
    }

    /// Feeds the response headers from upstream.
    pub fn response_headers(&mut self, stream: StreamId, headers: &Headers, end_of_stream: bool) {
        let Some(index) = self.live(stream) else {
            return;
        };
        if let Some(found) = self.worker.streams.get_mut(index) {
            if found.response.arrived {
                return;
            }
            found.response.headers.copy_from(headers);
            found.details = Some(b"via_upstream".to_vec());
        }
        self.note_status(index);
        self.feed_headers(index, Direction::Response, end_of_stream);
    }

    /// Feeds a piece of response body.
    pub fn response_body(&mut self, stream: StreamId, chunk: &[u8], end_of_stream: bool) {
        if let Some(index) = self.live(stream) {
            self.feed_data(index, Direction::Response, chunk, end_of_stream);
        }
    }

    /// Feeds the response trailers, which end the response.
    pub fn response_trailers(&mut self, stream: StreamId, trailers: &Headers) {
        if let Some(index) = self.live(stream) {
            self.feed_trailers(index, Direction::Response, trailers);
        }
    }

    /// Ends every plugin as Envoy does when it shuts down.
    pub fn shut_down(&mut self) {
        for plugin in 0..self.plugins.len() {
            self.end_root(plugin);
        }
    }

    /// Where an open stream lies; a closed one lies nowhere.
    fn live(&self, stream: StreamId) -> Option<usize> {
        let found = self.worker.streams.get(stream.index)?;
        (found.connection_id == stream.serial).then_some(stream.index)
    }

    fn root_place(&self, plugin: usize) -> Place {
        let context_id = self
            .worker
            .roots
            .get(plugin)
            .map_or(0, |root| root.context_id);
        Place {
            context_id,
            plugin,
            stream: None,
        }
    }
}
