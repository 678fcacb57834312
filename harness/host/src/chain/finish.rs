//! The end of a stream, and what came of it.

use super::{Chain, StreamId};
use crate::exchange::Message;
use crate::outcome::{MetricDelta, Outcome, OutcomeKind, PluginCost};
use crate::stream::{Ending, Iteration, Lane, Stream, Tally};
use std::sync::Arc;

impl Chain {
    /// Ends a stream, finished or not, and says what came of it. Of a stream
    /// that was closed before nothing is known any more.
    pub fn close(&mut self, stream: StreamId) -> Outcome {
        let Some(index) = self.live(stream) else {
            return Outcome::default();
        };
        self.finish_stream(index);
        let Some(found) = self.worker.streams.get_mut(index) else {
            return Outcome::default();
        };
        let mut found = std::mem::take(found);
        let outcome = self.outcome(&mut found);
        for call in &mut self.worker.open_calls {
            call.record = call.record.filter(|(owner, _)| *owner != index);
        }
        // Zero is no stream's serial: the id means nothing from now on.
        found.connection_id = 0;
        if let Some(slot) = self.worker.streams.get_mut(index) {
            *slot = found;
        }
        self.worker.vacant.push(index);
        outcome
    }

    /// Nothing flows any more; the plugins take their leave.
    pub(super) fn finish_stream(&mut self, stream: usize) {
        let now_ns = self.worker.now_ns;
        let Some(found) = self
            .worker
            .streams
            .get_mut(stream)
            .filter(|stream| !stream.finished)
        else {
            return;
        };
        found.finished = true;
        found.request_done_ns.get_or_insert(now_ns);
        // A stream that ends while something is still held back was held.
        if found.ending.is_none() {
            let ending = self.settled_ending(stream);
            if let Some(found) = self.worker.streams.get_mut(stream) {
                found.ending = Some(ending);
            }
        }
        let serving = self.worker.serving.replace(stream);
        self.say_goodbye(stream);
        self.settle_actions();
        self.worker.serving = serving;
        if let Some(found) = self.worker.streams.get_mut(stream) {
            found.request.closed = true;
            found.response.closed = true;
        }
    }

    fn settled_ending(&self, stream: usize) -> Ending {
        let Some(stream) = self.worker.streams.get(stream) else {
            return Ending {
                kind: OutcomeKind::Held,
                plugin: None,
            };
        };
        let holder = if stream.request.sent.ended {
            let response_waits = stream.response.arrived && !stream.response.sent.ended;
            stopped_at(&stream.response)
                .filter(|_| response_waits)
                .map(|at| self.plugins.len().saturating_sub(at + 1))
        } else {
            stopped_at(&stream.request)
        };
        match holder {
            Some(plugin) => Ending {
                kind: OutcomeKind::Held,
                plugin: Some(plugin),
            },
            None if stream.request.sent.started => Ending {
                kind: OutcomeKind::Forwarded,
                plugin: None,
            },
            None => Ending {
                kind: OutcomeKind::Held,
                plugin: None,
            },
        }
    }

    fn outcome(&self, stream: &mut Stream) -> Outcome {
        let ending = stream.ending.unwrap_or(Ending {
            kind: OutcomeKind::Held,
            plugin: None,
        });
        let tally = std::mem::take(&mut stream.tally);
        let delay_ns = stream
            .request_done_ns
            .map_or(0, |done_ns| done_ns.saturating_sub(stream.started_ns));
        let answered = stream.response.sent.started;
        Outcome {
            kind: ending.kind,
            status: stream.response_code,
            plugin: ending
                .plugin
                .and_then(|plugin| self.worker.roots.get(plugin))
                .map(|root| Arc::clone(&root.name)),
            details: stream.details.take(),
            request: sent(&mut stream.request),
            response: answered.then(|| sent(&mut stream.response)),
            delay_ns,
            route_cache_cleared: stream.route_cache_cleared,
            costs: self.costs(&tally),
            metrics: self.metric_deltas(&tally),
            callouts: tally.callouts,
            logs: tally.logs,
            unknown_reads: tally.unknown_reads,
            traps: tally.traps,
        }
    }

    fn costs(&self, tally: &Tally) -> Vec<PluginCost> {
        let named = self.worker.roots.iter().zip(&tally.costs);
        named
            .map(|(root, cost)| PluginCost {
                plugin: Arc::clone(&root.name),
                cost: *cost,
            })
            .collect()
    }

    fn metric_deltas(&self, tally: &Tally) -> Vec<MetricDelta> {
        let mut deltas = Vec::with_capacity(tally.metrics.len());
        for (change, operations) in &tally.metrics {
            if let Some((name, kind)) = self.worker.stat_name(change.stat) {
                deltas.push(MetricDelta {
                    name,
                    kind,
                    change: change.by,
                    operations: *operations,
                });
            }
        }
        deltas
    }
}

/// The first filter that stopped.
fn stopped_at(lane: &Lane) -> Option<usize> {
    lane.passes
        .iter()
        .position(|pass| pass.iteration != Iteration::Continue)
}

/// What left the last filter in one direction.
fn sent(lane: &mut Lane) -> Message {
    let later = lane.sent.headers.take();
    let trailers = lane.trailers.take().filter(|_| lane.sent.trailers);
    Message {
        headers: later.unwrap_or_else(|| std::mem::take(&mut lane.headers)),
        body: std::mem::take(&mut lane.sent.body),
        trailers,
    }
}
