//! Passing headers, body and trailers from filter to filter: Envoy's filter
//! manager (`source/common/http/filter_manager.cc`) for both directions.

use super::Chain;
use super::callbacks::DataVerdict;
use crate::headers::Headers;
use crate::stream::{Direction, Iteration, Lane, Pass};

impl Chain {
    /// Headers arrive at the first filter.
    pub(super) fn feed_headers(&mut self, stream: usize, direction: Direction, end: bool) {
        let Some(lane) = self
            .open_lane(stream, direction)
            .filter(|lane| !lane.arrived)
        else {
            return;
        };
        lane.arrived = true;
        lane.end_seen = end;
        self.worker.serving = Some(stream);
        self.pass_headers(stream, direction, 0, end);
        self.worker.serving = None;
    }

    /// A frame of the body arrives.
    pub(super) fn feed_data(
        &mut self,
        stream: usize,
        direction: Direction,
        chunk: &[u8],
        end: bool,
    ) {
        let Some(lane) = self
            .open_lane(stream, direction)
            .filter(|lane| lane.arrived && !lane.end_seen)
        else {
            return;
        };
        lane.end_seen = end;
        lane.bytes += chunk.len() as u64;
        self.worker.serving = Some(stream);
        self.pass_data(stream, direction, 0, chunk.to_vec(), end);
        self.worker.serving = None;
    }

    /// Trailers arrive; they end the message.
    pub(super) fn feed_trailers(
        &mut self,
        stream: usize,
        direction: Direction,
        trailers: &Headers,
    ) {
        let Some(lane) = self
            .open_lane(stream, direction)
            .filter(|lane| lane.arrived && !lane.end_seen)
        else {
            return;
        };
        lane.end_seen = true;
        lane.trailers = Some(trailers.clone());
        self.worker.serving = Some(stream);
        self.pass_trailers(stream, direction, 0);
        self.worker.serving = None;
    }

    pub(super) fn open_lane(&mut self, stream: usize, direction: Direction) -> Option<&mut Lane> {
        let stream = self
            .worker
            .streams
            .get_mut(stream)
            .filter(|stream| !stream.finished)?;
        Some(stream.lane_mut(direction)).filter(|lane| !lane.closed)
    }

    fn epoch(&self, stream: usize, direction: Direction) -> u32 {
        self.worker
            .streams
            .get(stream)
            .map_or(0, |stream| stream.lane(direction).epoch)
    }

    fn halted(&self, stream: usize, direction: Direction, epoch: u32) -> bool {
        self.worker
            .streams
            .get(stream)
            .is_none_or(|stream| stream.halted(direction, epoch))
    }

    fn pass(&mut self, stream: usize, direction: Direction, at: usize) -> Option<&mut Pass> {
        self.worker
            .streams
            .get_mut(stream)?
            .lane_mut(direction)
            .passes
            .get_mut(at)
    }

    /// Takes headers from the filter at `at` on.
    pub(super) fn pass_headers(
        &mut self,
        stream: usize,
        direction: Direction,
        mut at: usize,
        end: bool,
    ) {
        let epoch = self.epoch(stream, direction);
        while at < self.plugins.len() {
            self.set_in_callback(stream, direction, at, true);
            let plugin = self.position(direction, at);
            let verdict = self.ask_about_headers(stream, direction, plugin, end);
            if self.halted(stream, direction, epoch) {
                return;
            }
            self.set_in_callback(stream, direction, at, false);
            let Some(pass) = self.pass(stream, direction, at) else {
                return;
            };
            pass.iteration = verdict;
            pass.headers_continued = verdict == Iteration::Continue;
            if verdict != Iteration::Continue {
                return;
            }
            at += 1;
        }
        self.send_headers(stream, direction, end);
    }

    /// Takes a frame from the filter at `at` on.
    pub(super) fn pass_data(
        &mut self,
        stream: usize,
        direction: Direction,
        mut at: usize,
        data: Vec<u8>,
        end: bool,
    ) {
        let epoch = self.epoch(stream, direction);
        let mut data = data;
        while at < self.plugins.len() {
            let Some(iteration) = self.pass(stream, direction, at).map(|pass| pass.iteration)
            else {
                return;
            };
            let Some(lane) = self.open_lane(stream, direction) else {
                return;
            };
            if iteration == Iteration::StopAll {
                lane.hold(data);
                return;
            }
            lane.frame = data;
            let last = end && lane.trailers.is_none();
            self.set_in_callback(stream, direction, at, true);
            let plugin = self.position(direction, at);
            let verdict = self.ask_about_data(stream, direction, plugin, last);
            if self.halted(stream, direction, epoch) {
                return;
            }
            self.set_in_callback(stream, direction, at, false);
            let Some(lane) = self.open_lane(stream, direction) else {
                return;
            };
            data = std::mem::take(&mut lane.frame);
            if verdict == DataVerdict::Continue && iteration == Iteration::Continue {
                at += 1;
                continue;
            }
            self.stop_data(stream, direction, at, verdict, data);
            return;
        }
        self.send_data(stream, direction, data, end);
    }

    /// The filter at `at` stopped on data, or goes on after it had stopped.
    fn stop_data(
        &mut self,
        stream: usize,
        direction: Direction,
        at: usize,
        verdict: DataVerdict,
        data: Vec<u8>,
    ) {
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        match verdict {
            DataVerdict::Continue | DataVerdict::Hold => lane.hold(data),
            // What ends here must still end when the filter goes on.
            DataVerdict::Drop if lane.end_seen && lane.trailers.is_none() => lane.hold(Vec::new()),
            DataVerdict::Drop => {}
        }
        if verdict == DataVerdict::Continue {
            self.go_on(stream, direction, at);
        } else if let Some(pass) = self.pass(stream, direction, at) {
            pass.iteration = Iteration::StopSingle;
        }
    }

    /// Takes trailers from the filter at `at` on.
    pub(super) fn pass_trailers(&mut self, stream: usize, direction: Direction, mut at: usize) {
        let epoch = self.epoch(stream, direction);
        while at < self.plugins.len() {
            let Some(iteration) = self.pass(stream, direction, at).map(|pass| pass.iteration)
            else {
                return;
            };
            if iteration == Iteration::StopAll {
                return;
            }
            self.set_in_callback(stream, direction, at, true);
            let plugin = self.position(direction, at);
            let passes = self.ask_about_trailers(stream, direction, plugin);
            if self.halted(stream, direction, epoch) {
                return;
            }
            self.set_in_callback(stream, direction, at, false);
            if !passes {
                if let Some(pass) = self.pass(stream, direction, at) {
                    pass.iteration = Iteration::StopSingle;
                }
                return;
            }
            if iteration == Iteration::StopSingle {
                self.go_on(stream, direction, at);
                return;
            }
            at += 1;
        }
        self.send_trailers(stream, direction);
    }

    /// A stopped filter goes on: what it held back reaches the next filter. A
    /// filter that had stopped everything is asked about body and trailers
    /// first, for it has not seen them.
    pub(super) fn go_on(&mut self, stream: usize, direction: Direction, at: usize) {
        let epoch = self.epoch(stream, direction);
        let Some(pass) = self.pass(stream, direction, at) else {
            return;
        };
        if pass.iteration == Iteration::Continue {
            return;
        }
        let from = if pass.iteration == Iteration::StopAll {
            at
        } else {
            at + 1
        };
        pass.iteration = Iteration::Continue;
        let headers_waited = !std::mem::replace(&mut pass.headers_continued, true);
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        let had_trailers = lane.trailers.is_some();
        let end_seen = lane.end_seen;
        if headers_waited {
            let end = end_seen && lane.buffered.is_none() && !had_trailers;
            self.pass_headers(stream, direction, at + 1, end);
            if self.halted(stream, direction, epoch) {
                return;
            }
        }
        let held = self
            .open_lane(stream, direction)
            .and_then(|lane| lane.buffered.take());
        if let Some(data) = held {
            self.pass_data(stream, direction, from, data, end_seen && !had_trailers);
            if self.halted(stream, direction, epoch) {
                return;
            }
        }
        if had_trailers {
            self.pass_trailers(stream, direction, from);
        }
    }

    fn set_in_callback(&mut self, stream: usize, direction: Direction, at: usize, inside: bool) {
        if let Some(pass) = self.pass(stream, direction, at) {
            pass.in_callback = inside;
        }
    }

    /// Headers leave the last filter.
    fn send_headers(&mut self, stream: usize, direction: Direction, end: bool) {
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        if direction == Direction::Response && lane.headers.get(":status").is_none() {
            self.refuse_headless(stream);
            return;
        }
        let unsendable = lane.headers.iter().find(|(_, value)| !is_sendable(value));
        if direction == Direction::Request
            && let Some((name, _)) = unsendable
        {
            let name = String::from_utf8_lossy(name).into_owned();
            self.refuse_unsendable(stream, &name);
            return;
        }
        lane.sent.started = true;
        if direction == Direction::Response {
            self.note_status(stream);
        }
        if end {
            self.end_message(stream, direction);
        }
    }

    pub(super) fn note_status(&mut self, stream: usize) {
        let Some(stream) = self.worker.streams.get_mut(stream) else {
            return;
        };
        let status = stream.response.headers.get(":status").unwrap_or_default();
        stream.response_code = std::str::from_utf8(status)
            .ok()
            .and_then(|text| text.parse().ok());
    }

    /// A frame leaves the last filter.
    fn send_data(&mut self, stream: usize, direction: Direction, data: Vec<u8>, end: bool) {
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        if !data.is_empty() {
            lane.sent.body.push(data);
        }
        if end && lane.trailers.is_none() {
            self.end_message(stream, direction);
        }
    }

    /// Trailers leave the last filter.
    fn send_trailers(&mut self, stream: usize, direction: Direction) {
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        lane.sent.trailers = true;
        self.end_message(stream, direction);
    }

    /// The request has reached the upstream, or the response the client.
    fn end_message(&mut self, stream: usize, direction: Direction) {
        let now_ns = self.worker.now_ns;
        let Some(found) = self.worker.streams.get_mut(stream) else {
            return;
        };
        found.lane_mut(direction).sent.ended = true;
        match direction {
            Direction::Request => found.request_done_ns = Some(now_ns),
            Direction::Response => self.finish_stream(stream),
        }
    }
}

/// Whether Envoy's router sends such a value upstream: RFC 9110 section 5.5 allows no
/// control characters but tabs.
fn is_sendable(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}
