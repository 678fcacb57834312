//! The contexts of one VM: which plugin a stream belongs to, and what waits.
//!
//! Envoy shares a VM between all plugins with the same module, so one module may
//! have several root contexts, each with its own configuration.
//!
//! `proxy_on_delete` would tell when a context is gone, at the price of a call into
//! the VM for every request. Ticks tell it for nothing: each root context has its
//! own, and they stop with it.

mod delays;
mod errands;
mod observed;

use sluice_policy::{AttributeSet, CalloutEvent, HeaderEdit, Request};

use crate::abi::{Buffer, HeaderMap, Host, Level};
use crate::by_number::ByNumber;
use crate::effects;
use crate::facts::Facts;
use crate::filter::{HttpFilter, Setup, Step, Woken};
use crate::{counters, node, pairs};
use delays::Timetable;
use errands::{Errand, Held};
use observed::Observed;

/// What the host does with a stream after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The stream goes on.
    Continue = 0,
    /// The stream waits for `resume_request`, headers and body: Envoy's
    /// `StopAllIterationAndWatermark`. Plain `StopIteration` (1) means the same
    /// only while `allow_on_headers_stop_iteration` is off; with it, a body could
    /// carry the request past its check.
    Pause = 4,
}

/// Time between the ticks of a root context.
const TICK_MS: u32 = 1_000;
/// A root context is gone when each of the others has ticked so often without it.
const MISSED_TICKS: usize = 8;
/// Most requests that wait, are parked, delayed or observed, and most responses with edits: a client can open and
/// reset streams faster than ticks tell that they are gone, and memory of a VM never
/// shrinks.
const MOST_PENDING: usize = 8_192;

/// A configured filter.
struct Slot<F> {
    root: u32,
    filter: F,
    /// Ticks of other root contexts since the last one of its own.
    missed: usize,
}

/// A request that waits for a callout.
struct Waiting<W> {
    stream: u32,
    root: u32,
    state: W,
}

pub(crate) struct Runtime<F: HttpFilter> {
    /// Few, so a list is searched faster than a map.
    filters: Vec<Slot<F>>,
    /// Root context of the stream that was created last. Envoy creates a stream's
    /// context right before its request headers, so that is the one they are for.
    last_created: (u32, u32),
    /// Requests that wait for a callout, by token.
    waiting: ByNumber<Waiting<F::Waiting>>,
    /// Edits that wait for response headers, by stream.
    response_edits: ByNumber<Vec<HeaderEdit>>,
    /// Requests that wait for news of their filter, by stream.
    parked: ByNumber<Held<F::Waiting>>,
    /// Errands under way, by token.
    errands: ByNumber<Errand>,
    /// When delayed requests are due, for each root context.
    timetables: Vec<Timetable>,
    /// Requests that are delayed, by stream.
    delayed: ByNumber<Held<F::Waiting>>,
    /// Requests whose end is of interest, by stream.
    observed: ByNumber<Observed<F::Waiting>>,
    /// Whether it was said since the last tick that there are too many of them.
    is_crowded: bool,
    /// Requests held back, to ask once the callback is over.
    woken: Vec<(u32, Woken)>,
}

impl<F: HttpFilter> Runtime<F> {
    pub(crate) const fn new() -> Self {
        Self {
            filters: Vec::new(),
            last_created: (0, 0),
            waiting: ByNumber::new(),
            response_edits: ByNumber::new(),
            parked: ByNumber::new(),
            errands: ByNumber::new(),
            timetables: Vec::new(),
            delayed: ByNumber::new(),
            observed: ByNumber::new(),
            is_crowded: false,
            woken: Vec::new(),
        }
    }

    fn filter(&mut self, root: u32) -> Option<&mut F> {
        self.filters
            .iter_mut()
            .find(|slot| slot.root == root)
            .map(|slot| &mut slot.filter)
    }

    /// Drops all other filters, each after a last word.
    fn keep(&mut self, host: Host<'_>, stays: impl Fn(&Slot<F>) -> bool) {
        self.filters.retain_mut(|slot| {
            let stays = stays(slot);
            if !stays {
                if F::HAS_DELAYS {
                    // Those of another filter are none of its.
                    Host::set_delayed(0);
                }
                slot.filter.on_drop(host);
            }
            stays
        });
    }

    /// What the filter of `root` says to the stream that the host is at.
    fn ask(
        &mut self,
        host: Host<'_>,
        root: u32,
        question: impl FnOnce(&mut F, &Request<'_>) -> Step<F::Waiting>,
    ) -> Step<F::Waiting> {
        self.ask_with(host, root, F::demand, question)
    }

    /// The same with attributes of the caller's choice.
    fn ask_with(
        &mut self,
        host: Host<'_>,
        root: u32,
        demand: impl FnOnce(&F) -> AttributeSet,
        question: impl FnOnce(&mut F, &Request<'_>) -> Step<F::Waiting>,
    ) -> Step<F::Waiting> {
        if F::HAS_DELAYS {
            self.tell_delayed(root);
        }
        let Some(filter) = self.filter(root) else {
            return F::unconfigured();
        };
        let demand = demand(filter);
        let facts = if F::READS_MORE_THAN_HEADERS {
            Facts::read(host, demand)
        } else {
            Facts::read_only_headers(host, demand)
        };
        question(filter, &facts.request())
    }

    /// Carries out a step, and those it leads to.
    fn take(
        &mut self,
        host: Host<'_>,
        stream: u32,
        root: u32,
        mut step: Step<F::Waiting>,
    ) -> Action {
        loop {
            step = match step {
                Step::Continue => return Action::Continue,
                Step::Reply(reply) => {
                    effects::reply(host, &reply);
                    return Action::Pause;
                }
                Step::Forward(edits) => {
                    return if edit_or_reset(host, &edits) {
                        Action::Continue
                    } else {
                        Action::Pause
                    };
                }
                Step::Wait(..) | Step::Amend { .. } if !F::HAS_CALLOUTS => F::unconfigured(),
                Step::Park(_) if !F::HAS_ERRANDS => F::unconfigured(),
                Step::Delay { .. } if !F::HAS_DELAYS => F::unconfigured(),
                Step::Observe { .. } if !F::OBSERVES => F::unconfigured(),
                Step::Delay { for_ms, state } => {
                    let Some(state) = self.delay(host, stream, root, for_ms, state) else {
                        return Action::Pause;
                    };
                    self.ask_crowded(host, root, state)
                }
                Step::Observe { request, state } => {
                    if !edit_or_reset(host, &request) {
                        self.end(host, Observed { root, state });
                        return Action::Pause;
                    }
                    self.observe(host, stream, root, state);
                    return Action::Continue;
                }
                Step::Park(state) => {
                    self.parked.insert(stream, Held { root, state });
                    return Action::Pause;
                }
                Step::Wait(callout, state) => match effects::call(host, &callout) {
                    Some(token) => {
                        let waiting = Waiting {
                            stream,
                            root,
                            state,
                        };
                        self.waiting.insert(token, waiting);
                        return Action::Pause;
                    }
                    None => self.ask(host, root, |filter, request| {
                        filter.on_callout(host, request, state, &CalloutEvent::Failed)
                    }),
                },
                Step::Amend {
                    request,
                    response,
                    state,
                } => {
                    if !edit_or_reset(host, &request) {
                        return Action::Pause;
                    }
                    if !response.is_empty() {
                        self.postpone(host, stream, response);
                    }
                    self.ask(host, root, |filter, request| {
                        filter.on_amended(host, request, state)
                    })
                }
            }
        }
    }

    fn postpone(&mut self, host: Host<'_>, stream: u32, edits: Vec<HeaderEdit>) {
        let mut all = self.response_edits.remove(stream).unwrap_or_default();
        all.extend(edits);
        self.response_edits.insert(stream, all);
        if self.response_edits.len() > MOST_PENDING
            && let Some(oldest) = self.response_edits.first()
        {
            self.response_edits.remove(oldest);
            host.log(
                Level::Warn,
                "too many responses to edit: one goes out as it is",
            );
        }
    }

    /// Ends the oldest callout as a failed one when too many wait, and has the oldest
    /// parked request asked. Its stream is most likely gone; if it is not, the filter
    /// says what a failure means.
    fn make_room(&mut self, host: Host<'_>, stream: u32) {
        if F::HAS_ERRANDS
            && self.parked.len() > MOST_PENDING
            && let Some(oldest) = self.parked.first()
        {
            self.woken.push((oldest, Woken::Crowded));
        }
        if F::HAS_CALLOUTS
            && self.waiting.len() > MOST_PENDING
            && let Some(oldest) = self.waiting.first()
        {
            self.resume(host, oldest, &CalloutEvent::Failed);
            back_to(host, stream);
        }
    }

    /// Forgets what belongs to streams that are gone: the host knows them no more.
    fn forget_gone_streams(&mut self, host: Host<'_>, root: u32) {
        let has_parked = F::HAS_ERRANDS && !self.parked.is_empty();
        let has_delayed = F::HAS_DELAYS && !self.delayed.is_empty();
        let has_observed = F::OBSERVES && !self.observed.is_empty();
        let has_waiting =
            F::HAS_CALLOUTS && !(self.waiting.is_empty() && self.response_edits.is_empty());
        if !(has_waiting || has_parked || has_delayed || has_observed) {
            return;
        }
        let lives = |stream| host.set_effective_context(stream).is_ok();
        if F::HAS_CALLOUTS {
            self.waiting.retain(|_, waiting| lives(waiting.stream));
            self.response_edits.retain(|stream, _| lives(stream));
        }
        if has_parked {
            self.parked.retain(|stream, _| lives(stream));
        }
        if has_delayed {
            self.delayed.retain(|stream, _| lives(stream));
            self.forget_gone_delays();
        }
        let gone = if has_observed {
            self.observed.take_unless(|stream, _| lives(stream))
        } else {
            Vec::new()
        };
        back_to(host, root);
        if has_observed {
            self.end_missed(host, gone);
        }
    }

    fn resume(&mut self, host: Host<'_>, token: u32, event: &CalloutEvent<'_>) {
        let Some(Waiting {
            stream,
            root,
            state,
        }) = self.waiting.remove(token)
        else {
            return;
        };
        if host.set_effective_context(stream).is_err() {
            return;
        }
        let step = self.ask(host, root, |filter, request| {
            filter.on_callout(host, request, state, event)
        });
        self.go_on(host, stream, root, step);
        self.settle(host, root, stream);
    }

    /// Carries out what was decided on a request that the host holds back.
    fn go_on(&mut self, host: Host<'_>, stream: u32, root: u32, step: Step<F::Waiting>) {
        if self.take(host, stream, root, step) == Action::Continue && host.resume_request().is_err()
        {
            host.log(Level::Warn, "a request that waited could not be resumed");
        }
    }

    /// An answer to a callout: of an errand, or for the request that waits for it.
    fn answer(&mut self, host: Host<'_>, token: u32, event: &CalloutEvent<'_>) {
        if F::HAS_ERRANDS
            && let Some(Errand { root, number }) = self.errands.remove(token)
        {
            if let Some(filter) = self.filter(root) {
                filter.on_errand(host, number, event);
            }
            self.settle(host, root, root);
        } else if F::HAS_CALLOUTS {
            self.resume(host, token, event);
        }
    }
}

/// What the host calls.
impl<F: HttpFilter> Runtime<F> {
    pub(crate) fn on_context_create(&mut self, context: u32, parent: u32) {
        self.last_created = (context, parent);
    }

    pub(crate) fn on_configure(&mut self, host: Host<'_>, root: u32, size: usize) -> bool {
        let configuration = if size == 0 {
            Ok(&[][..])
        } else {
            host.buffer(Buffer::PluginConfiguration, size)
        };
        let Ok(configuration) = configuration else {
            host.log(Level::Error, "the host did not hand over the configuration");
            return false;
        };
        let workload = node::workload(host);
        let configured = F::configure(Setup {
            configuration,
            workload: workload.as_ref(),
        });
        for (level, lines) in [
            (Level::Warn, &configured.warnings),
            (Level::Error, &configured.errors),
        ] {
            for line in lines {
                host.log(level, &format!("{}: {line}", F::NAME));
            }
        }
        host.refresh_log_level();
        let has_ticks = host.set_tick_period_ms(TICK_MS).is_ok();
        if !has_ticks {
            host.log(
                Level::Warn,
                "the host does not tick: what is gone stays in memory",
            );
        }
        if let Err(line) = counters::settle(has_ticks) {
            host.log(Level::Warn, line);
        }
        self.keep(host, |slot| slot.root != root);
        self.filters.push(Slot {
            root,
            filter: configured.filter,
            missed: 0,
        });
        if F::HAS_DELAYS {
            self.set_timer(host, root);
        }
        // What they were asked by a former filter is of no more use.
        if F::HAS_ERRANDS {
            self.errands.retain(|_, errand| errand.root != root);
            self.wake(root);
        }
        self.settle(host, root, root);
        configured.errors.is_empty() || !F::REFUSES_BAD_CONFIGURATION
    }

    pub(crate) fn on_request_headers(&mut self, host: Host<'_>, stream: u32) -> Action {
        let (created, root) = self.last_created;
        let step = if created == stream {
            self.ask(host, root, |filter, request| {
                filter.on_request(host, request)
            })
        } else {
            F::unconfigured()
        };
        let action = self.take(host, stream, root, step);
        self.settle(host, root, stream);
        self.make_room(host, stream);
        action
    }

    pub(crate) fn on_response_headers(&mut self, host: Host<'_>, stream: u32) {
        if F::HAS_CALLOUTS
            && !self.response_edits.is_empty()
            && let Some(edits) = self.response_edits.remove(stream)
        {
            edit_response(host, &edits);
        }
        if F::OBSERVES {
            self.on_observed_response(host, stream);
        }
    }

    pub(crate) fn on_http_call_response(
        &mut self,
        host: Host<'_>,
        token: u32,
        headers: usize,
        body_size: usize,
    ) {
        let lines = host
            .header_pairs(HeaderMap::CalloutResponse)
            .map_or(None, pairs::decode);
        let body = if body_size == 0 {
            Ok(&[][..])
        } else {
            let size = body_size.min(F::MOST_ANSWER_BYTES);
            host.buffer(Buffer::CalloutResponseBody, size)
        };
        let event = match (headers, &lines, body) {
            // Envoy reports a transport failure as a response without headers.
            (1.., Some(headers), Ok(body)) => CalloutEvent::HttpResponse { headers, body },
            _ => CalloutEvent::Failed,
        };
        self.answer(host, token, &event);
    }

    pub(crate) fn on_grpc_receive(&mut self, host: Host<'_>, token: u32, size: usize) {
        let message = if size == 0 {
            Ok(&[][..])
        } else {
            host.buffer(Buffer::GrpcMessage, size)
        };
        let event = message.map_or(CalloutEvent::Failed, CalloutEvent::GrpcMessage);
        self.answer(host, token, &event);
    }

    pub(crate) fn on_grpc_close(&mut self, host: Host<'_>, token: u32, status: u32) {
        self.answer(host, token, &CalloutEvent::GrpcClosed(status));
    }

    pub(crate) fn on_tick(&mut self, host: Host<'_>, root: u32) {
        if F::HAS_DELAYS && !self.release_due(host, root) {
            return;
        }
        host.refresh_log_level();
        self.is_crowded = false;
        for slot in &mut self.filters {
            slot.missed = if slot.root == root {
                0
            } else {
                slot.missed + 1
            };
        }
        if F::HAS_DELAYS {
            self.tell_delayed(root);
        }
        if let Some(filter) = self.filter(root) {
            filter.on_tick(host);
        }
        self.settle(host, root, root);
        let gone = MISSED_TICKS * self.filters.len();
        self.keep(host, |slot| slot.missed <= gone);
        if F::HAS_DELAYS {
            self.forget_gone_timetables();
        }
        self.forget_gone_streams(host, root);
    }
}

/// Edits a request, or resets it: what could not be set may be an identity that the
/// upstream trusts.
fn edit_or_reset(host: Host<'_>, edits: &[HeaderEdit]) -> bool {
    let is_edited = effects::edit(host, HeaderMap::Request, edits);
    if !is_edited {
        effects::reset(host);
    }
    is_edited
}

fn edit_response(host: Host<'_>, edits: &[HeaderEdit]) {
    if !effects::edit(host, HeaderMap::Response, edits) {
        host.log(Level::Warn, "response headers could not be edited");
    }
}

/// Makes the context of the callback the one that host calls are about again.
fn back_to(host: Host<'_>, context: u32) {
    if host.set_effective_context(context).is_err() {
        host.log(Level::Warn, "the host lost the context of a callback");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Configured;
    use crate::scripted_host::{INTERNAL_FAILURE, calls, script};
    use sluice_policy::{AttributeSet, Callout, Reply};

    /// Asks, and lets pass what is answered with headers.
    struct Asking;

    impl HttpFilter for Asking {
        const NAME: &'static str = "asking";
        type Waiting = ();

        /// The configuration is one error, or none.
        fn configure(setup: Setup<'_>) -> Configured<Self> {
            let error = String::from_utf8_lossy(setup.configuration).into_owned();
            Configured {
                filter: Self,
                errors: Some(error)
                    .filter(|error| !error.is_empty())
                    .into_iter()
                    .collect(),
                warnings: Vec::new(),
            }
        }

        fn demand(&self) -> AttributeSet {
            AttributeSet::EMPTY
        }

        fn on_request(&mut self, _: Host<'_>, _: &Request<'_>) -> Step<()> {
            let callout = Callout::Http {
                cluster: "c".to_owned(),
                headers: Vec::new(),
                timeout_ms: 1,
            };
            Step::Wait(callout, ())
        }

        fn on_amended(&mut self, _: Host<'_>, _: &Request<'_>, (): ()) -> Step<()> {
            Step::Continue
        }

        fn on_callout(
            &mut self,
            _: Host<'_>,
            _: &Request<'_>,
            (): (),
            event: &CalloutEvent<'_>,
        ) -> Step<()> {
            match event {
                CalloutEvent::HttpResponse { .. } => Step::Continue,
                _ => Self::unconfigured(),
            }
        }

        fn on_tick(&mut self, host: Host<'_>) {
            host.increment_metric(1, 1).unwrap();
        }

        fn unconfigured() -> Step<()> {
            Step::Reply(Reply {
                status: 403,
                headers: Vec::new(),
                body: Vec::new(),
                details: Vec::new(),
                grpc_status: None,
            })
        }
    }

    fn configured(roots: &[u32]) -> Runtime<Asking> {
        let mut runtime = Runtime::new();
        for root in roots {
            assert!(Host::enter(|host| runtime.on_configure(host, *root, 0)));
        }
        runtime
    }

    fn tick(runtime: &mut Runtime<Asking>, root: u32, times: usize) {
        for _ in 0..times {
            Host::enter(|host| runtime.on_tick(host, root));
        }
    }

    fn roots(runtime: &Runtime<Asking>) -> Vec<u32> {
        runtime.filters.iter().map(|slot| slot.root).collect()
    }

    #[test]
    fn a_root_context_whose_ticks_stop_is_forgotten() {
        let mut runtime = configured(&[1, 2]);
        tick(&mut runtime, 2, MISSED_TICKS * 2);
        assert_eq!(roots(&runtime), [1, 2]);
        tick(&mut runtime, 2, 1);
        assert_eq!(roots(&runtime), [2]);
    }

    /// How often filters told the host what they had counted, in `act`.
    fn told(act: impl FnOnce()) -> usize {
        script(|_| {});
        act();
        let told = |call: &&String| call.starts_with("proxy_increment_metric");
        calls().iter().filter(told).count()
    }

    #[test]
    fn a_filter_tells_what_it_counted_when_it_ticks_and_before_it_is_dropped() {
        let mut runtime = configured(&[1, 2]);
        assert_eq!(told(|| tick(&mut runtime, 2, 1)), 1);
        let again = || {
            Host::enter(|host| runtime.on_configure(host, 1, 0));
        };
        assert_eq!(told(again), 1);
        let ticks = MISSED_TICKS * 2 + 1;
        assert_eq!(told(|| tick(&mut runtime, 2, ticks)), ticks + 1);
    }

    #[test]
    fn root_contexts_that_tick_in_turn_stay() {
        let mut runtime = configured(&[1, 2, 3]);
        for _ in 0..100 {
            for root in [1, 2, 3] {
                tick(&mut runtime, root, 1);
            }
        }
        assert_eq!(roots(&runtime), [1, 2, 3]);
    }

    #[test]
    fn the_last_root_context_stays_however_long_it_is_silent() {
        let mut runtime = configured(&[1]);
        tick(&mut runtime, 7, 3);
        assert_eq!(roots(&runtime), [1]);
        tick(&mut runtime, 1, 100);
        assert_eq!(roots(&runtime), [1]);
    }

    #[test]
    fn a_new_configuration_takes_the_place_of_the_old() {
        let mut runtime = configured(&[1, 1]);
        assert_eq!(roots(&runtime), [1]);
        assert!(runtime.filter(1).is_some() && runtime.filter(2).is_none());
    }

    fn pending(runtime: &mut Runtime<Asking>, streams: &[u32]) {
        Host::enter(|host| {
            for &stream in streams {
                let waiting = Waiting {
                    stream,
                    root: 1,
                    state: (),
                };
                runtime.waiting.insert(stream, waiting);
                runtime.postpone(host, stream, vec![HeaderEdit::Remove(b"x".to_vec())]);
            }
        });
    }

    #[test]
    fn what_belongs_to_a_stream_that_is_gone_is_forgotten() {
        let mut runtime = configured(&[1, 2]);
        pending(&mut runtime, &[4, 8]);
        script(|host| {
            host.failures
                .insert("proxy_set_effective_context 8", INTERNAL_FAILURE);
        });
        // Whichever root context ticks: that of the stream may be gone too.
        tick(&mut runtime, 2, 1);
        assert_eq!(runtime.waiting.numbers(), [4]);
        assert_eq!(runtime.response_edits.numbers(), [4]);
        assert_eq!(calls().last().unwrap(), "proxy_set_effective_context 2");
    }

    #[test]
    fn of_too_many_requests_that_wait_the_oldest_is_answered() {
        let last = u32::try_from(MOST_PENDING).unwrap() * 2 + 2;
        let mut runtime = configured(&[1]);
        let streams: Vec<u32> = (2..=last).step_by(2).collect();
        pending(&mut runtime, &streams);
        script(|_| {});
        Host::enter(|host| runtime.make_room(host, last));
        let numbers = runtime.waiting.numbers();
        assert_eq!((numbers.len(), numbers[0]), (MOST_PENDING, 4));
        let numbers = runtime.response_edits.numbers();
        assert_eq!((numbers.len(), numbers[0]), (MOST_PENDING, 4));
        assert_eq!(
            calls(),
            [
                "proxy_set_effective_context 2".to_owned(),
                "proxy_send_local_response 403".to_owned(),
                format!("proxy_set_effective_context {last}"),
            ]
        );
    }

    fn take(step: Step<()>, failing: &'static str) -> (Action, Vec<String>) {
        let mut runtime = configured(&[1]);
        script(|host| {
            host.failures.insert(failing, INTERNAL_FAILURE);
        });
        let mut step = Some(step);
        let mut action = None;
        Host::enter(|host| {
            action = step.take().map(|step| runtime.take(host, 2, 1, step));
        });
        (action.unwrap(), calls())
    }

    fn amended() -> Step<()> {
        Step::Amend {
            request: vec![HeaderEdit::Set(b"x-user".to_vec(), b"a".to_vec())],
            response: Vec::new(),
            state: (),
        }
    }

    #[test]
    fn a_request_whose_headers_cannot_be_edited_is_reset() {
        let (action, calls) = take(amended(), "proxy_replace_header_map_value");
        assert_eq!(action, Action::Pause);
        assert_eq!(
            calls,
            [
                "proxy_replace_header_map_value x-user",
                "proxy_close_stream"
            ]
        );
        assert_eq!(take(amended(), "").0, Action::Continue);
    }

    #[test]
    fn a_refusal_that_cannot_be_sent_becomes_a_reset() {
        let refuse = Asking::unconfigured;
        let (action, calls) = take(refuse(), "proxy_send_local_response");
        assert_eq!(action, Action::Pause);
        assert_eq!(
            calls,
            ["proxy_send_local_response 403", "proxy_close_stream"]
        );
        let (action, calls) = take(refuse(), "");
        assert_eq!(
            (action, calls),
            (
                Action::Pause,
                vec!["proxy_send_local_response 403".to_owned()]
            )
        );
    }

    #[test]
    fn a_stream_of_no_known_root_context_is_refused() {
        let mut runtime = configured(&[1]);
        for (created, asked) in [((2, 9), 2), ((2, 1), 3)] {
            script(|_| {});
            runtime.on_context_create(created.0, created.1);
            let mut action = None;
            Host::enter(|host| action = Some(runtime.on_request_headers(host, asked)));
            assert_eq!(action, Some(Action::Pause));
            assert_eq!(calls(), ["proxy_send_local_response 403"]);
        }
    }

    /// Whether the request goes on after an answer with so many headers, encoded so.
    fn resumed(headers: usize, pairs: Option<&[u8]>) -> Vec<String> {
        let mut runtime = Runtime::<Asking>::new();
        script(|host| {
            if let Some(pairs) = pairs {
                host.answers
                    .insert("pairs:6".to_owned(), Ok(pairs.to_vec()));
            }
        });
        Host::enter(|host| {
            runtime.on_configure(host, 1, 0);
            runtime.on_context_create(2, 1);
            assert_eq!(runtime.on_request_headers(host, 2), Action::Pause);
            runtime.on_http_call_response(host, 4, headers, 0);
        });
        let resumed = |call: &String| call.starts_with("proxy_continue");
        calls().into_iter().filter(resumed).collect()
    }

    #[test]
    fn only_an_answer_with_headers_is_one() {
        let pairs = pairs::encode(&[(b":status", b"200")]);
        assert_eq!(resumed(1, Some(&pairs)), ["proxy_continue_stream"]);
        assert!(resumed(0, Some(&pairs)).is_empty());
        assert!(resumed(1, None).is_empty());
        assert!(resumed(1, Some(b"\x01\0\0\0")).is_empty());
    }

    #[test]
    fn a_grpc_call_that_closes_ends_the_wait() {
        let mut runtime = configured(&[1]);
        pending(&mut runtime, &[4]);
        script(|_| {});
        Host::enter(|host| runtime.on_grpc_close(host, 4, 14));
        assert!(runtime.waiting.is_empty());
        assert_eq!(
            calls(),
            [
                "proxy_set_effective_context 4",
                "proxy_send_local_response 403"
            ]
        );
    }

    #[test]
    fn a_configuration_with_an_error_is_refused() {
        for (configuration, accepted) in [(&b""[..], true), (b"no such key", false)] {
            script(|host| {
                let answer = Ok(configuration.to_vec());
                host.answers.insert("buffer:7".to_owned(), answer);
            });
            let mut runtime = Runtime::<Asking>::new();
            let result = Host::enter(|host| runtime.on_configure(host, 1, configuration.len()));
            assert_eq!(result, accepted);
            // What could not be configured serves all the same, and refuses.
            assert_eq!(roots(&runtime), [1]);
        }
    }

    #[test]
    fn the_log_level_is_asked_for_with_every_tick() {
        let mut runtime = configured(&[1]);
        script(|_| {});
        tick(&mut runtime, 1, 2);
        let asked = |call: &&String| *call == "proxy_get_log_level";
        assert_eq!(calls().iter().filter(asked).count(), 2);
    }

    #[test]
    fn a_pause_holds_headers_and_body() {
        // StopAllIterationAndWatermark of Envoy's FilterHeadersStatus.
        assert_eq!(Action::Pause as u32, 4);
    }

    #[test]
    fn edits_of_one_response_add_up() {
        let mut runtime = configured(&[1]);
        for name in [b"a", b"b"] {
            Host::enter(|host| {
                runtime.postpone(host, 5, vec![HeaderEdit::Remove(name.to_vec())]);
            });
        }
        assert_eq!(runtime.response_edits.remove(5).unwrap().len(), 2);
    }
}
