//! What came of an exchange.

use crate::callout::CalloutRecord;
use crate::exchange::Message;
use std::sync::Arc;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// The request reached the upstream.
    Forwarded,
    /// A plugin, or Envoy on its behalf, answered.
    Replied,
    /// The stream was reset.
    Reset,
    /// A plugin paused the stream and nothing was left that could resume it.
    #[default]
    Held,
}

/// What the callbacks of one plugin used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Wasm instructions, as wasmtime counts fuel.
    pub fuel: u64,
    /// Calls from the guest into the host, WASI included.
    pub host_calls: u64,
    /// Bytes copied over the guest's boundary, in both directions.
    pub bytes_copied: u64,
}

impl Cost {
    /// Adds what another piece of work used.
    pub fn add(&mut self, other: Self) {
        self.fuel = self.fuel.saturating_add(other.fuel);
        self.host_calls = self.host_calls.saturating_add(other.host_calls);
        self.bytes_copied = self.bytes_copied.saturating_add(other.bytes_copied);
    }
}

/// The cost of one plugin in one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginCost {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The sum over its callbacks for this stream.
    pub cost: Cost,
}

/// Severity, with Envoy's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LogLevel {
    /// 0.
    Trace,
    /// 1.
    Debug,
    /// 2.
    Info,
    /// 3.
    Warn,
    /// 4.
    Error,
    /// 5.
    Critical,
}

impl LogLevel {
    /// The level with Envoy's number `level`.
    pub fn from_number(level: u32) -> Option<Self> {
        let levels = [
            Self::Trace,
            Self::Debug,
            Self::Info,
            Self::Warn,
            Self::Error,
            Self::Critical,
        ];
        levels.get(usize::try_from(level).ok()?).copied()
    }

    /// The lower-case name in Envoy's log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// One line that a plugin, or the host about it, logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Virtual time, nanoseconds since the epoch.
    pub at_ns: u64,
    /// Severity.
    pub level: LogLevel,
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The context that logged: the root's id, or the stream's.
    pub context_id: u32,
    /// The line without Envoy's prefix, lossily as UTF-8.
    pub message: String,
}

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Collects values.
    Histogram,
}

/// What one exchange did to one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDelta {
    /// The name as defined by the guest.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: MetricKind,
    /// Counter and gauge: the change. Histogram: the sum of recorded values.
    pub change: i64,
    /// Values recorded, for a histogram; operations, otherwise.
    pub operations: u64,
}

/// A guest that failed while it worked for this stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The callback that did not return.
    pub callback: &'static str,
    /// Why, in wasmtime's or the host's words.
    pub reason: String,
    /// Whether a limit (fuel, memory) was hit, rather than the guest failing.
    pub limit: bool,
}

/// Everything that one exchange came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// The status the client sees.
    pub status: Option<u16>,
    /// The plugin that decided: who replied, reset or held.
    pub plugin: Option<Arc<str>>,
    /// Envoy's response code details.
    pub details: Option<Vec<u8>>,
    /// The request as the next hop sees it.
    pub request: Message,
    /// The response as the client sees it.
    pub response: Option<Message>,
    /// Virtual time that plugins held the request before it was forwarded or
    /// answered, in nanoseconds.
    pub delay_ns: u64,
    /// HTTP and gRPC calls that plugins made for this stream.
    pub callouts: Vec<CalloutRecord>,
    /// Metrics touched by callbacks of this stream, in order of first touch.
    pub metrics: Vec<MetricDelta>,
    /// Lines logged by callbacks of this stream.
    pub logs: Vec<LogLine>,
    /// Cost per plugin, in chain order.
    pub costs: Vec<PluginCost>,
    /// Attribute paths that a plugin read and nobody knows the value of.
    pub unknown_reads: Vec<String>,
    /// Whether a plugin changed the request so that Envoy would choose the
    /// route anew.
    pub route_cache_cleared: bool,
    /// Guests that failed in this exchange.
    pub traps: Vec<Trap>,
}
