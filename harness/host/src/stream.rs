//! The state of one HTTP stream, as Envoy's filter manager and the Wasm
//! filters' contexts keep it.

use crate::attributes::Attributes;
use crate::callout::CalloutRecord;
use crate::headers::Headers;
use crate::metrics::Change;
use crate::outcome::{Cost, LogLine, OutcomeKind, Trap};

/// The way through the filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// First plugin first, towards the upstream.
    Request,
    /// Last plugin first, towards the client.
    Response,
}

/// One stream in flight.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub attributes: Attributes,
    pub started_ns: u64,
    /// Stands in for Envoy's connection id where the recording has none.
    pub connection_id: u64,
    /// One per plugin, in chain order.
    pub seats: Vec<Seat>,
    pub request: Lane,
    pub response: Lane,
    pub filter_state: Vec<(Vec<u8>, State)>,
    /// The access-log phase, in which every map is readable.
    pub logging: bool,
    pub response_code: Option<u16>,
    pub details: Option<Vec<u8>>,
    /// The last end that a plugin or the upstream gave the stream.
    pub ending: Option<Ending>,
    pub finished: bool,
    pub request_done_ns: Option<u64>,
    pub route_cache_cleared: bool,
    pub tally: Tally,
}

/// Who ended a stream, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    pub kind: OutcomeKind,
    pub plugin: Option<usize>,
}

/// What a stream used and said.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub costs: Vec<Cost>,
    pub callouts: Vec<CalloutRecord>,
    pub logs: Vec<LogLine>,
    pub metrics: Vec<(Change, u64)>,
    pub unknown_reads: Vec<String>,
    pub traps: Vec<Trap>,
}

/// A filter-state object.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub value: Vec<u8>,
    /// Whether it may be set only once.
    pub readonly: bool,
}

/// How a plugin takes part in a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Its VM runs.
    #[default]
    Serving,
    /// Its VM had failed open when the stream began.
    Skipped,
    /// Its VM had failed closed when the stream began.
    Broken,
}

/// A plugin's context of one stream.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    pub presence: Presence,
    /// Which life of the VM the context belongs to.
    pub generation: u32,
    /// Zero until the context is created in the VM.
    pub context_id: u32,
    /// Whether it has seen request headers; one that has not is left out of
    /// the response.
    pub started: bool,
    pub replied: bool,
    pub request: View,
    pub response: View,
}

/// What a context can read of one direction. Envoy forgets a map or buffer
/// when the callback that was given it returns Continue.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub headers: bool,
    pub trailers: bool,
    pub body: BodyView,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum BodyView {
    #[default]
    Nothing,
    /// The frame in hand.
    Frame,
    /// Everything buffered so far.
    Buffered,
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub headers: Headers,
    pub arrived: bool,
    pub trailers: Option<Headers>,
    /// The frame that filters are looking at.
    pub frame: Vec<u8>,
    /// What a filter holds back.
    pub buffered: Option<Vec<u8>>,
    pub end_seen: bool,
    /// One per filter, in the order of this direction.
    pub passes: Vec<Pass>,
    /// Nothing flows any more.
    pub closed: bool,
    /// Counts restarts, so that an iteration notices that its lane was taken
    /// over by a local reply.
    pub epoch: u32,
    pub bytes: u64,
    pub sent: Sent,
}

/// What left the last filter.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub started: bool,
    pub ended: bool,
    pub body: Vec<Vec<u8>>,
    pub trailers: bool,
    /// The headers as they were sent, where somebody changed them later.
    pub headers: Option<Headers>,
}

/// Where a filter stands in one direction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pass {
    pub iteration: Iteration,
    pub headers_continued: bool,
    pub in_callback: bool,
    /// The filter asked to go on while in its own callback.
    pub resume: bool,
}

/// Envoy's iteration state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Iteration {
    #[default]
    Continue,
    StopSingle,
    StopAll,
}

impl Stream {
    pub(crate) fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    pub(crate) fn lane_mut(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    /// Readies a used stream for `plugins` plugins, keeping its memory.
    pub(crate) fn reset(&mut self, plugins: usize) {
        self.request.reset(plugins);
        self.response.reset(plugins);
        self.seats.clear();
        self.seats.resize_with(plugins, Seat::default);
        self.filter_state.clear();
        self.tally = Tally {
            costs: vec![Cost::default(); plugins],
            ..Tally::default()
        };
        self.logging = false;
        self.response_code = None;
        self.details = None;
        self.ending = None;
        self.finished = false;
        self.request_done_ns = None;
        self.route_cache_cleared = false;
    }
}

impl Seat {
    pub(crate) fn view_mut(&mut self, direction: Direction) -> &mut View {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }
}

impl Lane {
    /// Starts over, keeping memory. Whoever iterated over it stops.
    pub(crate) fn reset(&mut self, plugins: usize) {
        self.headers.clear();
        self.frame.clear();
        self.passes.clear();
        self.passes.resize_with(plugins, Pass::default);
        self.arrived = false;
        self.trailers = None;
        self.buffered = None;
        self.end_seen = false;
        self.closed = false;
        self.epoch = self.epoch.wrapping_add(1);
        self.bytes = 0;
        self.sent = Sent::default();
    }

    /// Keeps what is held back together with what was held before.
    pub(crate) fn hold(&mut self, data: Vec<u8>) {
        match &mut self.buffered {
            Some(held) => held.extend_from_slice(&data),
            None => self.buffered = Some(data),
        }
    }
}
