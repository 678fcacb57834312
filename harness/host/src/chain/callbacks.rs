//! Calling a plugin about one stream, and reading its answer as Envoy does.

use super::{Chain, PluginState};
use crate::exports::Exports;
use crate::stream::{BodyView, Direction, Iteration, Presence, Seat, Stream};
use crate::vm::Called;
use crate::worker::Place;
use wasmtime::{TypedFunc, WasmParams, WasmResults};

/// What a filter answers to data, in the filter manager's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataVerdict {
    Continue,
    /// Stop, and keep the data.
    Hold,
    /// Stop, and drop the data.
    Drop,
}

/// How a plugin can be called for a stream.
enum Standing {
    Callable(Place),
    /// Left out of the stream.
    Aside,
    /// Failed, and must not let anything through.
    Down,
}

impl Chain {
    /// Calls an export in the VM of `place`'s plugin.
    pub(super) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        place: Place,
        name: &'static str,
        pick: impl FnOnce(&Exports) -> &Option<TypedFunc<P, R>>,
        params: P,
    ) -> Called<R> {
        let Some(plugin) = self.plugins.get(place.plugin) else {
            return Called::Missing;
        };
        let Some(vm) = self.vms.get_mut(plugin.vm) else {
            return Called::Missing;
        };
        let healthy = vm.failure.is_none();
        let called = vm.call(&mut self.worker, place, name, pick, params);
        if matches!(called, Called::Failed) && healthy {
            self.mark_failed(place.plugin);
        }
        called
    }

    /// A trap takes down every plugin in the VM.
    fn mark_failed(&mut self, plugin: usize) {
        let Some(vm) = self.plugins.get(plugin).map(|plugin| plugin.vm) else {
            return;
        };
        let reason = self
            .vms
            .get(vm)
            .and_then(|vm| vm.failure.clone())
            .unwrap_or_default();
        for sharer in self.plugins.iter_mut().filter(|sharer| sharer.vm == vm) {
            sharer.state = PluginState::Failed(reason.clone());
        }
    }

    fn seat(&self, stream: usize, plugin: usize) -> Option<&Seat> {
        self.worker.streams.get(stream)?.seats.get(plugin)
    }

    pub(super) fn seat_mut(&mut self, stream: usize, plugin: usize) -> Option<&mut Seat> {
        self.worker.streams.get_mut(stream)?.seats.get_mut(plugin)
    }

    fn standing(&self, stream: usize, plugin: usize) -> Standing {
        let Some(seat) = self.seat(stream, plugin) else {
            return Standing::Aside;
        };
        let Some(vm) = self.vm_of(plugin) else {
            return Standing::Aside;
        };
        match seat.presence {
            Presence::Skipped => Standing::Aside,
            Presence::Broken => Standing::Down,
            // A stream that was under way is refused even where later ones
            // pass: only the start of a stream looks at the fail strategy.
            Presence::Serving if vm.failure.is_some() || vm.generation != seat.generation => {
                Standing::Down
            }
            Presence::Serving => Standing::Callable(Place {
                context_id: seat.context_id,
                plugin,
                stream: Some(stream),
            }),
        }
    }

    /// `on_request_headers` or `on_response_headers`.
    pub(super) fn ask_about_headers(
        &mut self,
        stream: usize,
        direction: Direction,
        plugin: usize,
        end: bool,
    ) -> Iteration {
        if direction == Direction::Request {
            self.create_context(stream, plugin);
            if let Some(seat) = self.seat_mut(stream, plugin) {
                seat.started = true;
            }
        } else if !self.seat(stream, plugin).is_some_and(|seat| seat.started) {
            return Iteration::Continue;
        }
        let place = match self.standing(stream, plugin) {
            Standing::Callable(place) => place,
            Standing::Aside => return Iteration::Continue,
            Standing::Down => return self.refuse_headers(stream, plugin),
        };
        if let Some(seat) = self.seat_mut(stream, plugin) {
            seat.view_mut(direction).headers = true;
        }
        let called = self.call_headers(place, direction, end);
        self.settle_actions();
        let verdict = match called {
            Called::Missing => Iteration::Continue,
            Called::Returned(result) => self.headers_verdict(plugin, result),
            Called::Failed => match self.standing(stream, plugin) {
                Standing::Aside => Iteration::Continue,
                _ => self.refuse_headers(stream, plugin),
            },
        };
        let verdict = if self.take_resume(stream, direction, plugin) {
            Iteration::Continue
        } else {
            verdict
        };
        if verdict == Iteration::Continue
            && let Some(seat) = self.seat_mut(stream, plugin)
        {
            seat.view_mut(direction).headers = false;
        }
        verdict
    }

    /// The plugin's context of this stream comes into being.
    pub(super) fn create_context(&mut self, stream: usize, plugin: usize) {
        let Standing::Callable(place) = self.standing(stream, plugin) else {
            return;
        };
        if place.context_id != 0 {
            return;
        }
        let place = self.worker.new_context(plugin, Some(stream));
        if let Some(seat) = self.seat_mut(stream, plugin) {
            seat.context_id = place.context_id;
        }
        let root = self.root_place(plugin).context_id;
        self.call(
            place,
            "proxy_on_context_create",
            |exports| &exports.context_create,
            (place.context_id, root),
        );
        self.settle_actions();
    }

    fn call_headers(&mut self, place: Place, direction: Direction, end: bool) -> Called<u32> {
        let Some(stream) = place
            .stream
            .and_then(|index| self.worker.streams.get(index))
        else {
            return Called::Missing;
        };
        let count = count(stream.lane(direction).headers.len());
        let Some(exports) = self.vm_of(place.plugin).map(crate::vm::Vm::exports) else {
            return Called::Missing;
        };
        let (id, end) = (place.context_id, u32::from(end));
        match direction {
            Direction::Request if exports.request_headers.with_end.is_some() => self.call(
                place,
                "proxy_on_request_headers",
                |exports| &exports.request_headers.with_end,
                (id, count, end),
            ),
            Direction::Request => self.call(
                place,
                "proxy_on_request_headers",
                |exports| &exports.request_headers.without_end,
                (id, count),
            ),
            Direction::Response if exports.response_headers.with_end.is_some() => self.call(
                place,
                "proxy_on_response_headers",
                |exports| &exports.response_headers.with_end,
                (id, count, end),
            ),
            Direction::Response => self.call(
                place,
                "proxy_on_response_headers",
                |exports| &exports.response_headers.without_end,
                (id, count),
            ),
        }
    }

    /// Envoy turns StopIteration into StopAllIterationAndWatermark unless the
    /// plugin's configuration says otherwise; so it does with results it does
    /// not know. 2 is the old ContinueAndEndStream, which it does not honour.
    fn headers_verdict(&self, plugin: usize, result: u32) -> Iteration {
        let single = self
            .plugins
            .get(plugin)
            .is_some_and(|plugin| plugin.config.allow_on_headers_stop_iteration);
        match result {
            0 | 2 => Iteration::Continue,
            1 if single => Iteration::StopSingle,
            _ => Iteration::StopAll,
        }
    }

    /// A plugin that failed closed lets nothing through: 503, once.
    fn refuse_headers(&mut self, stream: usize, plugin: usize) -> Iteration {
        if self.fail_stream(stream, plugin) {
            Iteration::StopAll
        } else {
            Iteration::Continue
        }
    }

    /// `on_request_body` or `on_response_body`.
    pub(super) fn ask_about_data(
        &mut self,
        stream: usize,
        direction: Direction,
        plugin: usize,
        end: bool,
    ) -> DataVerdict {
        let Some(place) = self.place_for_more(stream, plugin) else {
            return self.refuse_data(stream, plugin);
        };
        let Some(place) = place else {
            return DataVerdict::Continue;
        };
        let size = self.show_body(stream, direction, plugin);
        let params = (place.context_id, size, u32::from(end));
        let called = match direction {
            Direction::Request => self.call(
                place,
                "proxy_on_request_body",
                |exports| &exports.request_body,
                params,
            ),
            Direction::Response => self.call(
                place,
                "proxy_on_response_body",
                |exports| &exports.response_body,
                params,
            ),
        };
        self.settle_actions();
        let (verdict, view) = match called {
            Called::Missing | Called::Returned(0) => (DataVerdict::Continue, BodyView::Nothing),
            Called::Returned(1) => (DataVerdict::Hold, BodyView::Buffered),
            Called::Returned(2) => (DataVerdict::Hold, BodyView::Nothing),
            Called::Returned(_) => (DataVerdict::Drop, BodyView::Nothing),
            Called::Failed => (self.refuse_data(stream, plugin), BodyView::Nothing),
        };
        let resumed = self.take_resume(stream, direction, plugin);
        let verdict = if resumed {
            DataVerdict::Continue
        } else {
            verdict
        };
        let view = if verdict == DataVerdict::Continue {
            BodyView::Nothing
        } else {
            view
        };
        if let Some(seat) = self.seat_mut(stream, plugin) {
            seat.view_mut(direction).body = view;
        }
        verdict
    }

    /// Lets the plugin see the body: all that is held back, with this frame,
    /// if it asked to buffer, and the frame alone otherwise.
    fn show_body(&mut self, stream: usize, direction: Direction, plugin: usize) -> u32 {
        let Some(stream) = self.worker.streams.get_mut(stream) else {
            return 0;
        };
        let Some(seat) = stream.seats.get_mut(plugin) else {
            return 0;
        };
        let view = seat.view_mut(direction);
        let buffering = view.body == BodyView::Buffered;
        if !buffering {
            view.body = BodyView::Frame;
        }
        let lane = stream.lane_mut(direction);
        if buffering {
            let frame = std::mem::take(&mut lane.frame);
            lane.hold(frame);
            return count(lane.buffered.as_ref().map_or(0, Vec::len));
        }
        count(lane.frame.len())
    }

    /// The place to call about body or trailers: `Some(None)` leaves the
    /// plugin out, `None` means that it is down.
    #[expect(
        clippy::option_option,
        reason = "down and left out are different answers"
    )]
    fn place_for_more(&self, stream: usize, plugin: usize) -> Option<Option<Place>> {
        if !self.seat(stream, plugin).is_some_and(|seat| seat.started) {
            return Some(None);
        }
        match self.standing(stream, plugin) {
            Standing::Callable(place) => Some(Some(place)),
            Standing::Aside => Some(None),
            Standing::Down => None,
        }
    }

    fn refuse_data(&mut self, stream: usize, plugin: usize) -> DataVerdict {
        if matches!(self.standing(stream, plugin), Standing::Down)
            && self.fail_stream(stream, plugin)
        {
            DataVerdict::Drop
        } else {
            DataVerdict::Continue
        }
    }

    /// `on_request_trailers` or `on_response_trailers`; whether to go on.
    pub(super) fn ask_about_trailers(
        &mut self,
        stream: usize,
        direction: Direction,
        plugin: usize,
    ) -> bool {
        let Some(place) = self.place_for_more(stream, plugin) else {
            return !self.fail_stream(stream, plugin);
        };
        let Some(place) = place else { return true };
        if let Some(seat) = self.seat_mut(stream, plugin) {
            seat.view_mut(direction).trailers = true;
        }
        let lines = self
            .worker
            .streams
            .get(stream)
            .and_then(|stream| stream.lane(direction).trailers.as_ref());
        let params = (
            place.context_id,
            count(lines.map_or(0, crate::Headers::len)),
        );
        let called = match direction {
            Direction::Request => self.call(
                place,
                "proxy_on_request_trailers",
                |exports| &exports.request_trailers,
                params,
            ),
            Direction::Response => self.call(
                place,
                "proxy_on_response_trailers",
                |exports| &exports.response_trailers,
                params,
            ),
        };
        self.settle_actions();
        let passes = match called {
            Called::Missing => true,
            Called::Returned(result) => result == 0,
            Called::Failed => match self.standing(stream, plugin) {
                Standing::Down => !self.fail_stream(stream, plugin),
                _ => true,
            },
        };
        let passes = self.take_resume(stream, direction, plugin) || passes;
        if passes && let Some(seat) = self.seat_mut(stream, plugin) {
            seat.view_mut(direction).trailers = false;
        }
        passes
    }

    /// `on_log` for every plugin, then `on_done` and `on_delete` for each: the
    /// access log comes before Envoy takes the filters down. A plugin that
    /// never saw the request gets its context only now.
    pub(super) fn say_goodbye(&mut self, stream: usize) {
        self.set_logging(stream, true);
        for plugin in 0..self.plugins.len() {
            self.create_context(stream, plugin);
            if let Standing::Callable(place) = self.standing(stream, plugin) {
                self.call(
                    place,
                    "proxy_on_log",
                    |exports| &exports.log,
                    place.context_id,
                );
            }
        }
        self.set_logging(stream, false);
        for plugin in 0..self.plugins.len() {
            if let Standing::Callable(place) = self.standing(stream, plugin) {
                // Envoy does not look at the result for a stream.
                self.call(
                    place,
                    "proxy_on_done",
                    |exports| &exports.done,
                    place.context_id,
                );
                self.call(
                    place,
                    "proxy_on_delete",
                    |exports| &exports.delete,
                    place.context_id,
                );
                self.worker.forget_context(place);
            }
        }
    }

    fn set_logging(&mut self, stream: usize, logging: bool) {
        if let Some(stream) = self.worker.streams.get_mut(stream) {
            stream.logging = logging;
        }
    }

    /// Whether the plugin asked to go on while it was being asked.
    fn take_resume(&mut self, stream: usize, direction: Direction, plugin: usize) -> bool {
        let at = self.position(direction, plugin);
        let Some(stream) = self.worker.streams.get_mut(stream) else {
            return false;
        };
        let pass = stream.lane_mut(direction).passes.get_mut(at);
        pass.is_some_and(|pass| std::mem::take(&mut pass.resume))
    }

    /// Where a plugin stands in a direction, and back.
    pub(super) fn position(&self, direction: Direction, plugin: usize) -> usize {
        match direction {
            Direction::Request => plugin,
            Direction::Response => self.plugins.len().saturating_sub(plugin + 1),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Stream {
    /// Whether a lane was closed or taken over since `epoch`.
    pub(super) fn halted(&self, direction: Direction, epoch: u32) -> bool {
        let lane = self.lane(direction);
        lane.closed || lane.epoch != epoch
    }
}
