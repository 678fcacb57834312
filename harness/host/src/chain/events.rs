//! What happens between callbacks: deferred actions, ticks, answers to
//! callouts, filled queues.

use super::Chain;
use crate::agenda::Event;
use crate::callout::{CalloutResult, GrpcEvent, HttpAnswer};
use crate::calls;
use crate::exchange::Message;
use crate::headers::Headers;
use crate::status::Status;
use crate::stream::Direction;
use crate::worker::{Action, Place, Root};

impl Chain {
    /// Moves the virtual clock and fires every tick, reply and queue event
    /// that is due, in order. Never moves it backwards.
    pub fn advance_to(&mut self, now_ns: u64) {
        while let Some((at_ns, event)) = self.worker.agenda.take_due(now_ns) {
            self.worker.now_ns = self.worker.now_ns.max(at_ns);
            self.fire(event);
        }
        self.worker.now_ns = self.worker.now_ns.max(now_ns);
    }

    /// Does what host calls asked for during a callback.
    pub(super) fn settle_actions(&mut self) {
        while !self.worker.actions.is_empty() {
            for action in std::mem::take(&mut self.worker.actions) {
                self.act(action);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Continue { place, direction } => self.resume(place, direction),
            Action::Reply { place, reply } => {
                if let Some(stream) = place.stream {
                    self.reply(stream, place.plugin, reply);
                }
            }
            Action::Reset { place } => {
                if let Some(stream) = place.stream {
                    self.close_by_plugin(stream, place.plugin);
                }
            }
            Action::Done { plugin } => self.delete_root(plugin),
        }
    }

    /// A filter that asks to go on from its own callback goes on when that
    /// callback has returned.
    fn resume(&mut self, place: Place, direction: Direction) {
        let Some(stream) = place.stream else { return };
        let at = self.position(direction, place.plugin);
        let Some(lane) = self.open_lane(stream, direction) else {
            return;
        };
        let Some(pass) = lane.passes.get_mut(at) else {
            return;
        };
        if pass.in_callback {
            pass.resume = true;
            return;
        }
        let serving = self.worker.serving.replace(stream);
        self.go_on(stream, direction, at);
        self.worker.serving = serving;
    }

    fn fire(&mut self, event: Event) {
        match event {
            Event::Tick { plugin, at_ns } => self.tick(plugin, at_ns),
            Event::QueueReady { plugin, token } => {
                let place = self.root_place(plugin);
                let params = (place.context_id, token);
                self.call(
                    place,
                    "proxy_on_queue_ready",
                    |exports| &exports.queue_ready,
                    params,
                );
            }
            Event::HttpAnswer {
                plugin,
                token,
                answer,
            } => self.http_answer(plugin, token, answer),
            Event::Grpc {
                plugin,
                token,
                event,
            } => self.grpc_event(plugin, token, event),
        }
        self.settle_actions();
        self.worker.serving = None;
    }

    fn tick(&mut self, plugin: usize, at_ns: u64) {
        let place = self.root_place(plugin);
        let Some(root) = self.worker.roots.get_mut(plugin) else {
            return;
        };
        if root.tick_at_ns != Some(at_ns) {
            return;
        }
        self.call(
            place,
            "proxy_on_tick",
            |exports| &exports.tick,
            place.context_id,
        );
        self.settle_actions();
        let failed = self.vm_of(plugin).is_none_or(|vm| vm.failure.is_some());
        let now_ns = self.worker.now_ns;
        let Some(root) = self.worker.roots.get_mut(plugin) else {
            return;
        };
        // With the period that is set now, whoever set it.
        root.tick_at_ns = None;
        if root.tick_ms > 0 && !failed {
            let at_ns = now_ns + u64::from(root.tick_ms) * 1_000_000;
            root.tick_at_ns = Some(at_ns);
            self.worker.agenda.add(at_ns, Event::Tick { plugin, at_ns });
        }
    }

    /// An HTTP call was answered, or failed. Its cost and logs are booked to
    /// the stream that made it.
    fn http_answer(&mut self, plugin: usize, token: u32, answer: HttpAnswer) {
        let Some(stream) = calls::stream_of(&self.worker, plugin, token) else {
            return;
        };
        self.worker.serving = stream;
        let result = match &answer {
            HttpAnswer::Response(message) => CalloutResult::Http(status_of(message)),
            HttpAnswer::Reset => CalloutResult::Failed,
        };
        calls::end(&mut self.worker, plugin, token, result);
        let place = self.root_place(plugin);
        let id = place.context_id;
        let params = match answer {
            HttpAnswer::Response(message) => {
                let message = Message {
                    body: vec![message.body.concat()],
                    ..message
                };
                let sizes = sizes(&message);
                self.with_root(plugin, |root| root.answer = Some(message));
                (id, token, sizes.0, sizes.1, sizes.2)
            }
            HttpAnswer::Reset => {
                let broken = (Status::BrokenConnection as u32, "reset".to_owned());
                self.with_root(plugin, |root| root.status = broken);
                (id, token, 0, 0, 0)
            }
        };
        self.call(
            place,
            "proxy_on_http_call_response",
            |exports| &exports.http_call_response,
            params,
        );
        self.settle_actions();
        self.with_root(plugin, |root| {
            root.answer = None;
            root.status.1.clear();
        });
    }

    /// Something came from a gRPC peer. Of a call Envoy hands on only the
    /// message or the failure.
    fn grpc_event(&mut self, plugin: usize, token: u32, event: GrpcEvent) {
        let Some(stream) = calls::stream_of(&self.worker, plugin, token) else {
            return;
        };
        self.worker.serving = stream;
        let is_stream = calls::is_stream(token);
        match event {
            GrpcEvent::InitialMetadata(metadata) if is_stream => {
                self.grpc_initial(plugin, token, metadata);
            }
            GrpcEvent::TrailingMetadata(metadata) if is_stream => {
                self.grpc_trailing(plugin, token, metadata);
            }
            GrpcEvent::InitialMetadata(_) | GrpcEvent::TrailingMetadata(_) => {}
            GrpcEvent::Message(message) => {
                if !is_stream {
                    calls::end(&mut self.worker, plugin, token, CalloutResult::Grpc(0));
                }
                self.grpc_message(plugin, token, message);
            }
            GrpcEvent::Close(0, _) if !is_stream => {
                calls::end(&mut self.worker, plugin, token, CalloutResult::Grpc(0));
            }
            GrpcEvent::Close(status, message) => self.grpc_closed(plugin, token, status, message),
        }
    }

    fn grpc_initial(&mut self, plugin: usize, token: u32, metadata: Headers) {
        let place = self.root_place(plugin);
        let params = (place.context_id, token, count(metadata.len()));
        self.with_root(plugin, |root| root.grpc_initial = Some(metadata));
        self.call(
            place,
            "proxy_on_grpc_receive_initial_metadata",
            |exports| &exports.grpc_receive_initial_metadata,
            params,
        );
        self.settle_actions();
        self.with_root(plugin, |root| root.grpc_initial = None);
    }

    fn grpc_trailing(&mut self, plugin: usize, token: u32, metadata: Headers) {
        let place = self.root_place(plugin);
        let params = (place.context_id, token, count(metadata.len()));
        self.with_root(plugin, |root| root.grpc_trailing = Some(metadata));
        self.call(
            place,
            "proxy_on_grpc_receive_trailing_metadata",
            |exports| &exports.grpc_receive_trailing_metadata,
            params,
        );
        self.settle_actions();
        self.with_root(plugin, |root| root.grpc_trailing = None);
    }

    fn grpc_message(&mut self, plugin: usize, token: u32, message: Vec<u8>) {
        let place = self.root_place(plugin);
        let params = (place.context_id, token, count(message.len()));
        self.with_root(plugin, |root| root.grpc_message = Some(message));
        self.call(
            place,
            "proxy_on_grpc_receive",
            |exports| &exports.grpc_receive,
            params,
        );
        self.settle_actions();
        self.with_root(plugin, |root| root.grpc_message = None);
    }

    fn grpc_closed(&mut self, plugin: usize, token: u32, status: u32, message: String) {
        calls::remote_closed(&mut self.worker, plugin, token, status);
        let place = self.root_place(plugin);
        self.with_root(plugin, |root| root.status = (status, message));
        let params = (place.context_id, token, status);
        self.call(
            place,
            "proxy_on_grpc_close",
            |exports| &exports.grpc_close,
            params,
        );
        self.settle_actions();
        self.with_root(plugin, |root| root.status.1.clear());
    }

    fn with_root(&mut self, plugin: usize, change: impl FnOnce(&mut Root)) {
        if let Some(root) = self.worker.roots.get_mut(plugin) {
            change(root);
        }
    }
}

/// Header lines, body bytes and trailer lines of an answer.
fn sizes(message: &Message) -> (u32, u32, u32) {
    let body = message.body.iter().map(Vec::len).sum();
    (
        count(message.headers.len()),
        count(body),
        count(message.trailers.as_ref().map_or(0, Headers::len)),
    )
}

fn status_of(message: &Message) -> Option<u16> {
    std::str::from_utf8(message.headers.get(":status")?)
        .ok()?
        .parse()
        .ok()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
