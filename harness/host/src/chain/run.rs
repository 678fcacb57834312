//! A whole exchange in one call.

use super::{Chain, StreamId};
use crate::exchange::{Exchange, Message};
use crate::outcome::Outcome;
use crate::stream::Direction;

impl Chain {
    /// Takes one exchange through every plugin, to its end. A stream that is
    /// paused gets virtual time, up to `World::hold_limit_ns`, in which ticks
    /// fire and callouts are answered.
    pub fn run(&mut self, exchange: &Exchange) -> Outcome {
        let stream = self.open(&exchange.attributes);
        self.feed(stream, Direction::Request, &exchange.request);
        self.await_end(stream, exchange);
        self.close(stream)
    }

    fn feed(&mut self, stream: StreamId, direction: Direction, message: &Message) {
        let has_trailers = message.trailers.is_some();
        let ends_with_headers = message.body.is_empty() && !has_trailers;
        match direction {
            Direction::Request => self.request_headers(stream, &message.headers, ends_with_headers),
            Direction::Response => {
                self.response_headers(stream, &message.headers, ends_with_headers);
            }
        }
        for (index, chunk) in message.body.iter().enumerate() {
            let end = index + 1 == message.body.len() && !has_trailers;
            self.feed_data(stream.index, direction, chunk, end);
        }
        if let Some(trailers) = &message.trailers {
            self.feed_trailers(stream.index, direction, trailers);
        }
    }

    fn await_end(&mut self, stream: StreamId, exchange: &Exchange) {
        let limit_ns = self.worker.now_ns.saturating_add(self.worker.hold_limit_ns);
        let mut answered = false;
        while let Some(found) = self
            .worker
            .streams
            .get(stream.index)
            .filter(|stream| !stream.finished)
        {
            match (found.request_done_ns, &exchange.response) {
                (Some(_), None) => return,
                (Some(done_ns), Some(response)) if !answered => {
                    self.advance_to(done_ns.saturating_add(exchange.upstream_latency_ns));
                    answered = true;
                    self.feed(stream, Direction::Response, response);
                }
                _ => match self
                    .worker
                    .agenda
                    .next_at()
                    .filter(|at_ns| *at_ns <= limit_ns)
                {
                    Some(at_ns) => self.advance_to(at_ns),
                    None => return,
                },
            }
        }
    }
}
