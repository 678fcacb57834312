//! One Envoy worker: plugins in order and the streams in them.

use crate::attributes::Attributes;
use crate::engine::Engine;
use crate::error::HostError;
use crate::exchange::Exchange;
use crate::headers::Headers;
use crate::module::Module;
use crate::outcome::{LogLine, MetricKind, Outcome};
use crate::plugin::PluginConfig;
use crate::world::World;

/// A stream that was opened and not yet closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(usize);

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
    _world: World,
}

impl Chain {
    /// Starts and configures every plugin. A plugin that refuses its
    /// configuration is no error here: see [`Self::plugin_state`].
    ///
    /// # Errors
    ///
    /// When a module cannot be instantiated at all.
    pub fn new(
        _engine: &Engine,
        _plugins: Vec<(Module, PluginConfig)>,
        world: World,
    ) -> Result<Self, HostError> {
        Ok(Self { _world: world })
    }

    /// How the plugin at `index` of the chain stands.
    pub fn plugin_state(&self, _index: usize) -> Option<&PluginState> {
        None
    }

    /// Takes one exchange through every plugin, to its end.
    pub fn run(&mut self, _exchange: &Exchange) -> Outcome {
        Outcome::default()
    }

    /// Opens a stream, as a new request on a connection does.
    pub fn open(&mut self, _attributes: &Attributes) -> StreamId {
        StreamId(0)
    }

    /// Feeds the request headers of a stream.
    pub fn request_headers(&mut self, _stream: StreamId, _headers: &Headers, _end_of_stream: bool) {
    }

    /// Feeds a piece of request body.
    pub fn request_body(&mut self, _stream: StreamId, _chunk: &[u8], _end_of_stream: bool) {}

    /// Feeds the request trailers, which end the request.
    pub fn request_trailers(&mut self, _stream: StreamId, _trailers: &Headers) {}

    /// Feeds the response headers from upstream.
    pub fn response_headers(
        &mut self,
        _stream: StreamId,
        _headers: &Headers,
        _end_of_stream: bool,
    ) {
    }

    /// Feeds a piece of response body.
    pub fn response_body(&mut self, _stream: StreamId, _chunk: &[u8], _end_of_stream: bool) {}

    /// Feeds the response trailers, which end the response.
    pub fn response_trailers(&mut self, _stream: StreamId, _trailers: &Headers) {}

    /// Ends a stream, finished or not, and says what came of it.
    pub fn close(&mut self, _stream: StreamId) -> Outcome {
        Outcome::default()
    }

    /// Moves the virtual clock and fires every tick, reply and queue event
    /// that is due, in order. Never moves it backwards.
    pub fn advance_to(&mut self, _now_ns: u64) {}

    /// The virtual time, nanoseconds since the epoch.
    pub fn now_ns(&self) -> u64 {
        0
    }

    /// Lines logged outside any stream (start, configuration, ticks) so far.
    pub fn logs(&self) -> &[LogLine] {
        &[]
    }

    /// Every metric: name, kind and value (of a histogram, how many values).
    pub fn metrics(&self) -> Vec<(&str, MetricKind, u64)> {
        Vec::new()
    }

    /// A shared-data value and its compare-and-swap number.
    pub fn shared_data(&self, _vm_id: &str, _key: &[u8]) -> Option<(&[u8], u32)> {
        None
    }
}
