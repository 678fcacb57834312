//! Streamed traces: segments of many exchanges, mixed, joined by their trace id.

use std::collections::{HashMap, HashSet, VecDeque};

use super::exchange;
use super::trace::{TraceSegment, TracedBody};
use crate::diagnostic::{Code, Diagnostic};
use crate::{Body, Exchange, Fields, Recorded, Request, Response};

/// Streamed traces have no end marker but response trailers, which few exchanges
/// have. Beyond this many open ones the one that began first is taken as complete.
const MAX_OPEN: usize = 4096;

/// The traces that are open.
#[derive(Default)]
pub(super) struct Segments {
    open: HashMap<u64, StreamedTrace>,
    /// Ids in order of their first segment; ids that are finished stay until they come up.
    order: VecDeque<u64>,
    /// Ids whose exchange was given away: eight bytes an exchange, so that a segment
    /// that comes too late is an error and never a second, torn exchange.
    given_away: HashSet<u64>,
}

/// The parts seen so far.
#[derive(Default)]
struct StreamedTrace {
    request_headers: Option<Fields<'static>>,
    request_body: Option<Body<'static>>,
    request_trailers: Option<Fields<'static>>,
    response_headers: Option<Fields<'static>>,
    response_body: Option<Body<'static>>,
    response_trailers: Option<Fields<'static>>,
}

impl Segments {
    /// Takes a segment, and gives the exchange that it finished or pushed out.
    pub(super) fn add(
        &mut self,
        segment: TraceSegment,
    ) -> Result<Option<Exchange<'static>>, Diagnostic> {
        let id = segment.trace_id;
        let previous = if segment.request_headers.is_some() {
            self.begin(id)?
        } else {
            None
        };
        if self.given_away.contains(&id) {
            return Err(late(id));
        }
        if !self.open.contains_key(&id) {
            self.order.push_back(id);
        }
        let trace = self.open.entry(id).or_default();
        trace.add(segment)?;
        if previous.is_some() {
            return Ok(previous);
        }
        if trace.response_trailers.is_some() {
            return self.give_away(id);
        }
        match self.open.len() > MAX_OPEN {
            true => self.take_oldest(),
            false => Ok(None),
        }
    }

    /// Envoy may use a trace id again: request headers always begin an exchange.
    fn begin(&mut self, id: u64) -> Result<Option<Exchange<'static>>, Diagnostic> {
        let has_begun = |trace: &StreamedTrace| trace.request_headers.is_some();
        let previous = match self.open.get(&id).is_some_and(has_begun) {
            true => self.give_away(id)?,
            false => None,
        };
        self.given_away.remove(&id);
        Ok(previous)
    }

    /// The exchange that began first, complete or not.
    pub(super) fn take_oldest(&mut self) -> Result<Option<Exchange<'static>>, Diagnostic> {
        while let Some(id) = self.order.pop_front() {
            if self.open.contains_key(&id) {
                return self.give_away(id);
            }
        }
        Ok(None)
    }

    fn give_away(&mut self, id: u64) -> Result<Option<Exchange<'static>>, Diagnostic> {
        self.given_away.insert(id);
        self.open
            .remove(&id)
            .map(|trace| trace.finish(id))
            .transpose()
    }
}

impl StreamedTrace {
    fn add(&mut self, segment: TraceSegment) -> Result<(), Diagnostic> {
        if let Some(map) = segment.request_headers {
            self.request_headers = Some(exchange::headers(map.headers)?);
        }
        if let Some(chunk) = segment.request_body_chunk {
            append(&mut self.request_body, chunk);
        }
        if let Some(map) = segment.request_trailers {
            self.request_trailers = exchange::trailers(map.headers)?.known();
        }
        if let Some(map) = segment.response_headers {
            self.response_headers = Some(exchange::headers(map.headers)?);
        }
        if let Some(chunk) = segment.response_body_chunk {
            append(&mut self.response_body, chunk);
        }
        if let Some(map) = segment.response_trailers {
            self.response_trailers = exchange::trailers(map.headers)?.known();
        }
        Ok(())
    }

    /// Without an end marker, parts that did not come before the last one that did are
    /// known to be absent; later ones may have been lost with the rest of the file.
    fn finish(self, id: u64) -> Result<Exchange<'static>, Diagnostic> {
        let headers = self.request_headers.ok_or_else(|| {
            let found = format!("trace {id} without request headers");
            let expected = "every segment of the trace";
            Diagnostic::new(Code::MissingField, found, expected)
                .on("http_streamed_trace_segment.request_headers")
                .suggest("the capture began in the middle of this exchange: take its segments out")
        })?;
        let has_response = self.response_headers.is_some();
        let has_end = self.response_trailers.is_some();
        let request = Request {
            headers,
            partial: None,
            body: before(self.request_body, has_response),
            trailers: before(self.request_trailers, has_response),
        };
        let response = self.response_headers.map(|headers| Response {
            headers,
            partial: None,
            body: before(self.response_body, has_end),
            trailers: before(self.response_trailers, has_end),
            latency_ms: None,
        });
        let response = response.map_or(Recorded::Unknown, Recorded::Known);
        Ok(Exchange {
            request,
            response,
            ..Exchange::default()
        })
    }
}

/// A part that is missing is absent if a later one was seen, else unknown.
fn before<T>(part: Option<T>, later_was_seen: bool) -> Recorded<T> {
    match (part, later_was_seen) {
        (Some(part), _) => Recorded::Known(part),
        (None, true) => Recorded::Absent,
        (None, false) => Recorded::Unknown,
    }
}

fn append(body: &mut Option<Body<'static>>, chunk: TracedBody) {
    let chunk = exchange::body(chunk);
    let body = body.get_or_insert_with(Body::default);
    body.bytes.to_mut().extend_from_slice(&chunk.bytes);
    body.truncated |= chunk.truncated;
}

fn late(id: u64) -> Diagnostic {
    let found = format!("a segment of trace {id}, whose exchange is already written");
    let expected = format!("the segments of at most {MAX_OPEN} traces mixed, trailers last");
    Diagnostic::new(Code::LateSegment, found, expected)
        .on("http_streamed_trace_segment.trace_id")
        .suggest("sort the segments by trace id")
}
