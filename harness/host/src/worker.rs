//! Everything outside the guests of one worker. It is lent to the VM that runs
//! for the time of each callback, so that host calls reach it directly.

use crate::agenda::Agenda;
use crate::attributes::Attributes;
use crate::callout::{CalloutResult, Callouts, GrpcCall, NoCallouts};
use crate::exchange::Message;
use crate::headers::Headers;
use crate::metrics::{Change, MetricIds, Metrics};
use crate::outcome::{Cost, LogLevel, LogLine, MetricKind, Trap};
use crate::random::Random;
use crate::shared::{Queues, SharedData};
use crate::stream::{Direction, Stream};
use crate::world::{ConnectionManager, World};
use std::sync::Arc;

/// The context that a host call works for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub context_id: u32,
    pub plugin: usize,
    /// Index of the stream; `None` in a root context.
    pub stream: Option<usize>,
}

/// What a host call asked for that happens once the callback has returned.
#[derive(Debug)]
pub(crate) enum Action {
    Continue { place: Place, direction: Direction },
    Reply { place: Place, reply: LocalReply },
    Reset { place: Place },
    Done { plugin: usize },
}

/// What `proxy_send_local_response` was given.
#[derive(Debug)]
pub(crate) struct LocalReply {
    pub status: u32,
    pub details: Vec<u8>,
    pub body: Vec<u8>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub grpc_status: Option<u32>,
}

/// The root context of one plugin.
pub(crate) struct Root {
    pub name: Arc<str>,
    pub root_id: String,
    pub vm_id: String,
    pub vm: usize,
    pub context_id: u32,
    pub configuration: Vec<u8>,
    pub vm_configuration: Vec<u8>,
    /// Whether `on_configure` runs: only then can the configuration be read.
    pub configuring: bool,
    pub tick_ms: u32,
    /// When the next tick is due.
    pub tick_at_ns: Option<u64>,
    /// The HTTP answer or gRPC event being delivered.
    pub answer: Option<Message>,
    pub grpc_initial: Option<Headers>,
    pub grpc_trailing: Option<Headers>,
    pub grpc_message: Option<Vec<u8>>,
    pub status: (u32, String),
    /// Names given to `declare_property`.
    pub declared: Vec<(Vec<u8>, Declared)>,
    /// The root said that it was not done yet at shutdown.
    pub lingering: bool,
}

/// What a plugin declared about one property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub readonly: bool,
}

/// What belongs to one VM but lives outside it.
#[derive(Default)]
pub(crate) struct VmBooks {
    /// Every context by id.
    pub contexts: Vec<Place>,
    pub last_context_id: u32,
    pub metric_ids: MetricIds,
    /// How many callouts of each type (HTTP, gRPC call, gRPC stream) it made.
    pub callouts: [u32; 3],
}

/// A callout that has not ended.
pub(crate) struct OpenCall {
    pub plugin: usize,
    pub token: u32,
    pub grpc: Option<GrpcCall>,
    pub record: Option<(usize, usize)>,
    pub at_ns: u64,
    pub local_closed: bool,
    pub remote_closed: bool,
}

/// Everything outside the guests.
pub(crate) struct Worker {
    pub now_ns: u64,
    pub random: Random,
    pub proxy: Attributes,
    pub callouts: Box<dyn Callouts>,
    pub manager: ConnectionManager,
    pub hold_limit_ns: u64,
    pub main_thread_starts: u32,
    pub log_level: LogLevel,
    pub foreign_functions: bool,
    pub roots: Vec<Root>,
    pub books: Vec<VmBooks>,
    pub streams: Vec<Stream>,
    pub vacant: Vec<usize>,
    pub connections: u64,
    pub metrics: Metrics,
    pub shared: SharedData,
    pub queues: Queues,
    pub open_calls: Vec<OpenCall>,
    pub actions: Vec<Action>,
    pub agenda: Agenda,
    pub logs: Vec<LogLine>,
    pub traps: Vec<Trap>,
    /// Cost of callbacks that served no stream, by plugin.
    pub idle_costs: Vec<Cost>,
    /// The stream that cost, logs and metrics are booked to.
    pub serving: Option<usize>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            now_ns: 0,
            random: Random::default(),
            proxy: Attributes::new(),
            callouts: Box::new(NoCallouts),
            manager: ConnectionManager::NONE,
            hold_limit_ns: 0,
            main_thread_starts: 0,
            log_level: LogLevel::Info,
            foreign_functions: true,
            roots: Vec::new(),
            books: Vec::new(),
            streams: Vec::new(),
            vacant: Vec::new(),
            connections: 0,
            metrics: Metrics::default(),
            shared: SharedData::default(),
            queues: Queues::default(),
            open_calls: Vec::new(),
            actions: Vec::new(),
            agenda: Agenda::default(),
            logs: Vec::new(),
            traps: Vec::new(),
            idle_costs: Vec::new(),
            serving: None,
        }
    }
}

impl Worker {
    pub(crate) fn new(world: World) -> Self {
        Self {
            now_ns: world.now_ns,
            random: Random::new(world.seed),
            proxy: world.proxy,
            callouts: world.callouts,
            manager: world.connection_manager,
            hold_limit_ns: world.hold_limit_ns,
            main_thread_starts: world.main_thread_starts,
            log_level: world.log_level,
            foreign_functions: world.foreign_functions,
            ..Self::default()
        }
    }

    pub(crate) fn stream(&self, index: usize) -> Option<&Stream> {
        self.streams.get(index)
    }

    pub(crate) fn stream_mut(&mut self, index: usize) -> Option<&mut Stream> {
        self.streams.get_mut(index)
    }

    pub(crate) fn root(&self, place: Place) -> Option<&Root> {
        self.roots.get(place.plugin)
    }

    pub(crate) fn root_mut(&mut self, place: Place) -> Option<&mut Root> {
        self.roots.get_mut(place.plugin)
    }

    pub(crate) fn books(&self, place: Place) -> Option<&VmBooks> {
        self.books.get(self.root(place)?.vm)
    }

    pub(crate) fn books_mut(&mut self, place: Place) -> Option<&mut VmBooks> {
        let vm = self.root(place)?.vm;
        self.books.get_mut(vm)
    }

    /// A new context id of a VM, entered in its books.
    pub(crate) fn new_context(&mut self, plugin: usize, stream: Option<usize>) -> Place {
        let mut place = Place {
            context_id: 0,
            plugin,
            stream,
        };
        if let Some(books) = self.books_mut(place) {
            books.last_context_id += 1;
            place.context_id = books.last_context_id;
            books.contexts.push(place);
        }
        place
    }

    pub(crate) fn forget_context(&mut self, place: Place) {
        if let Some(books) = self.books_mut(place) {
            books
                .contexts
                .retain(|known| known.context_id != place.context_id);
        }
    }

    /// Writes a line to the log of the stream being served, or of the worker.
    pub(crate) fn log(&mut self, place: Place, level: LogLevel, message: String) {
        if level < self.log_level {
            return;
        }
        let Some(root) = self.roots.get(place.plugin) else {
            return;
        };
        let line = LogLine {
            at_ns: self.now_ns,
            level,
            plugin: Arc::clone(&root.name),
            context_id: place.context_id,
            message,
        };
        match self.serving.and_then(|index| self.streams.get_mut(index)) {
            Some(stream) => stream.tally.logs.push(line),
            None => self.logs.push(line),
        }
    }

    /// Books the cost of a callback.
    pub(crate) fn charge(&mut self, plugin: usize, cost: Cost) {
        let costs = match self.serving.and_then(|index| self.streams.get_mut(index)) {
            Some(stream) => &mut stream.tally.costs,
            None => &mut self.idle_costs,
        };
        if let Some(total) = costs.get_mut(plugin) {
            total.add(cost);
        }
    }

    /// Books a guest's failure.
    pub(crate) fn book_trap(&mut self, trap: Trap) {
        match self.serving.and_then(|index| self.streams.get_mut(index)) {
            Some(stream) => stream.tally.traps.push(trap),
            None => self.traps.push(trap),
        }
    }

    /// Books what an operation did to a metric.
    pub(crate) fn book_metric(&mut self, change: Change) {
        let Some(stream) = self.serving.and_then(|index| self.streams.get_mut(index)) else {
            return;
        };
        match stream
            .tally
            .metrics
            .iter_mut()
            .find(|(known, _)| known.stat == change.stat)
        {
            Some((total, operations)) => {
                total.by = total.by.wrapping_add(change.by);
                *operations += 1;
            }
            None => stream.tally.metrics.push((change, 1)),
        }
    }

    pub(crate) fn stat_name(&self, index: usize) -> Option<(Arc<str>, MetricKind)> {
        self.metrics
            .stat(index)
            .map(|stat| (Arc::clone(&stat.name), stat.kind))
    }

    /// Ends the record of a callout.
    pub(crate) fn book_callout(&mut self, call: &OpenCall, result: CalloutResult) {
        let took_ns = self.now_ns.saturating_sub(call.at_ns);
        let Some((stream, record)) = call.record else {
            return;
        };
        let Some(stream) = self.streams.get_mut(stream) else {
            return;
        };
        if let Some(record) = stream
            .tally
            .callouts
            .get_mut(record)
            .filter(|record| record.token == call.token)
        {
            record.result = result;
            record.took_ns = took_ns;
        }
    }
}
