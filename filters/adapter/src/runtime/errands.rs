//! What a filter does beside its requests: callouts of its own, and requests that
//! wait for what comes of them.

use sluice_policy::{Callout, CalloutEvent};

use super::{Runtime, back_to};
use crate::abi::Host;
use crate::effects;
use crate::filter::{HttpFilter, Step, Wants, Woken};

/// How often in a row a filter may want calls that cannot be made.
const MOST_ROUNDS: usize = 4;

/// A request that waits for news of its filter, or for its time.
pub(super) struct Held<W> {
    pub(super) root: u32,
    pub(super) state: W,
}

/// A callout that a filter made for itself.
pub(super) struct Errand {
    pub(super) root: u32,
    pub(super) number: u64,
}

impl<F: HttpFilter> Runtime<F> {
    /// Does what the filter of `root` wants, in a callback about `context`.
    pub(super) fn settle(&mut self, host: Host<'_>, root: u32, context: u32) {
        if !F::HAS_ERRANDS {
            return;
        }
        // A call that cannot be made may be cause for another one, elsewhere. What is
        // left after that waits for the next callback.
        for _ in 0..MOST_ROUNDS {
            let Some(filter) = self.filter(root) else {
                return;
            };
            let Wants { errands, wake } = filter.wants(host);
            if wake {
                self.wake(root);
            }
            if errands.is_empty() {
                return;
            }
            self.send(host, root, errands);
            if context != root {
                back_to(host, context);
            }
        }
    }

    /// Starts errands. They are the root context's: Envoy cancels the calls that a stream
    /// made when it ends.
    fn send(&mut self, host: Host<'_>, root: u32, errands: Vec<(u64, Callout)>) {
        let is_root = host.set_effective_context(root).is_ok();
        for (number, callout) in errands {
            let token = if is_root {
                effects::call(host, &callout)
            } else {
                None
            };
            if let Some(token) = token {
                self.errands.insert(token, Errand { root, number });
            } else if let Some(filter) = self.filter(root) {
                filter.on_errand(host, number, &CalloutEvent::Failed);
            }
        }
    }

    /// Has the parked requests of a filter asked, the oldest first.
    pub(super) fn wake(&mut self, root: u32) {
        let streams = self.parked.iter();
        let own = streams.filter(|(_, parked)| parked.root == root);
        let own = own.map(|(stream, _)| (stream, Woken::News));
        self.woken.extend(own);
    }

    /// The parked requests to ask now. Those that are woken meanwhile have to wait for
    /// the next callback, which is a tick at the latest: a filter that always has news
    /// must not keep the worker for itself.
    pub(crate) fn take_woken(&mut self) -> Vec<(u32, Woken)> {
        std::mem::take(&mut self.woken)
    }

    /// Asks what becomes of a request that is held back.
    pub(crate) fn ask_woken(&mut self, host: Host<'_>, stream: u32, why: Woken) {
        let is_due = F::HAS_DELAYS && why == Woken::Due;
        let held = if is_due {
            self.delayed.remove(stream)
        } else {
            self.parked.remove(stream)
        };
        let Some(Held { root, state }) = held else {
            return;
        };
        if host.set_effective_context(stream).is_err() {
            return;
        }
        let demand = if is_due {
            F::demand_when_due
        } else {
            F::demand
        };
        let step = self.ask_with(host, root, demand, |filter, request| {
            match filter.on_woken(host, request, state, why) {
                Step::Park(_) if why == Woken::Crowded => F::unconfigured(),
                step => step,
            }
        });
        self.go_on(host, stream, root, step);
        self.settle(host, root, stream);
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::super::{Action, MOST_PENDING};
    use super::*;
    use crate::exports::Module;
    use crate::filter::{Configured, Setup};
    use crate::scripted_host::{INTERNAL_FAILURE, calls, script};
    use sluice_policy::{AttributeSet, Reply, Request};
    use std::cell::Cell;

    thread_local! {
        /// What the filter wants next.
        static NEXT: Cell<(u64, bool)> = const { Cell::new((0, false)) };
        /// Whether what requests wait for has come.
        static OPEN: Cell<bool> = const { Cell::new(false) };
        /// The number of the last errand that ended, and whether it failed.
        static ENDED: Cell<Option<(u64, bool)>> = const { Cell::new(None) };
        /// How long the last body was.
        static BODY_BYTES: Cell<usize> = const { Cell::new(0) };
    }

    /// Parks requests until it is open. Wants errands to clusters named by number.
    struct Waits;

    impl HttpFilter for Waits {
        const NAME: &'static str = "waits";
        const HAS_ERRANDS: bool = true;
        const MOST_ANSWER_BYTES: usize = 4;
        type Waiting = ();

        fn configure(_: Setup<'_>) -> Configured<Self> {
            Configured {
                filter: Self,
                errors: Vec::new(),
                warnings: Vec::new(),
            }
        }

        fn demand(&self) -> AttributeSet {
            AttributeSet::EMPTY
        }

        fn on_request(&mut self, _: Host<'_>, _: &Request<'_>) -> Step<()> {
            if OPEN.get() {
                Step::Forward(Vec::new())
            } else {
                Step::Park(())
            }
        }

        fn on_tick(&mut self, _: Host<'_>) {}

        fn wants(&mut self, _: Host<'_>) -> Wants {
            let (errand, wake) = NEXT.take();
            let errands = (1..=errand).next_back().map(|number| {
                let callout = Callout::Http {
                    cluster: number.to_string(),
                    headers: Vec::new(),
                    timeout_ms: 1,
                };
                (number, callout)
            });
            Wants {
                errands: errands.into_iter().collect(),
                wake,
            }
        }

        /// An errand that fails is cause for the one with the next lower number.
        fn on_errand(&mut self, _: Host<'_>, errand: u64, event: &CalloutEvent<'_>) {
            let failed = *event == CalloutEvent::Failed;
            if let CalloutEvent::HttpResponse { body, .. } = event {
                BODY_BYTES.set(body.len());
            }
            ENDED.set(Some((errand, failed)));
            NEXT.set((if failed { errand - 1 } else { 0 }, true));
        }

        fn on_woken(
            &mut self,
            host: Host<'_>,
            request: &Request<'_>,
            (): (),
            _: Woken,
        ) -> Step<()> {
            self.on_request(host, request)
        }

        fn unconfigured() -> Step<()> {
            Step::Reply(Reply {
                status: 401,
                headers: Vec::new(),
                body: Vec::new(),
                details: Vec::new(),
                grpc_status: None,
            })
        }
    }

    /// A module with root context 1, of which the filter wants `errand` at first.
    fn module(errand: u64) -> Module<Waits> {
        OPEN.set(false);
        ENDED.set(None);
        NEXT.set((errand, false));
        let module = Module::new();
        assert_eq!(module.on_configure(1, 0), 1);
        module
    }

    fn arrive(module: &Module<Waits>, stream: u32) -> u32 {
        module.on_context_create(stream, 1);
        module.on_request_headers(stream)
    }

    /// Calls since the last script, without those of every tick.
    fn done() -> Vec<String> {
        let every = ["proxy_get_log_level", "proxy_set_tick_period"];
        let mut calls = calls();
        calls.retain(|call| !every.iter().any(|name| call.starts_with(name)));
        calls
    }

    #[test]
    fn an_errand_is_made_by_the_root_context_and_its_end_wakes_requests() {
        script(|_| {});
        let module = module(7);
        assert_eq!(
            done(),
            ["proxy_set_effective_context 1", "proxy_http_call 7"]
        );
        assert_eq!(arrive(&module, 2), Action::Pause as u32);
        assert_eq!(arrive(&module, 3), Action::Pause as u32);
        script(|host| {
            let pairs = crate::pairs::encode(&[(b":status", b"200")]);
            host.answers.insert("pairs:6".to_owned(), Ok(pairs));
        });
        OPEN.set(true);
        module.on_http_call_response(4, 1, 0);
        assert_eq!(ENDED.get(), Some((7, false)));
        assert_eq!(
            done(),
            [
                "proxy_set_effective_context 2",
                "proxy_continue_stream",
                "proxy_set_effective_context 3",
                "proxy_continue_stream",
            ]
        );
        assert_eq!(arrive(&module, 4), Action::Continue as u32);
    }

    #[test]
    fn of_an_answer_no_more_is_read_than_the_filter_takes() {
        for (sent, read) in [(3, 3), (4, 4), (5, 4), (4_000_000, 4)] {
            script(|_| {});
            let module = module(7);
            script(|host| {
                let pairs = crate::pairs::encode(&[(b":status", b"200")]);
                host.answers.insert("pairs:6".to_owned(), Ok(pairs));
                host.answers
                    .insert("buffer:4".to_owned(), Ok(vec![b'x'; sent]));
            });
            module.on_http_call_response(4, 1, sent);
            assert_eq!(BODY_BYTES.get(), read);
        }
    }

    #[test]
    fn an_errand_of_a_request_is_the_root_contexts_too() {
        let module = module(0);
        script(|_| {});
        NEXT.set((5, false));
        arrive(&module, 2);
        assert_eq!(
            done(),
            [
                "proxy_set_effective_context 1",
                "proxy_http_call 5",
                "proxy_set_effective_context 2",
            ]
        );
    }

    #[test]
    fn an_errand_that_cannot_be_made_has_failed_at_once() {
        script(|host| {
            host.failures.insert("proxy_http_call", INTERNAL_FAILURE);
        });
        let _module = module(9);
        // As many in a row as rounds: a filter that always wants another one waits.
        let made = done();
        let made: Vec<_> = made.iter().filter(|call| call.contains("http")).collect();
        assert_eq!(made.len(), MOST_ROUNDS);
        assert_eq!(made[0], "proxy_http_call 9");
        let last = 10 - u64::try_from(MOST_ROUNDS).unwrap();
        assert_eq!(ENDED.get(), Some((last, true)));
    }

    #[test]
    fn a_parked_request_may_be_parked_again_and_woken_by_a_tick() {
        let module = module(0);
        arrive(&module, 2);
        for (open, resumed) in [(false, 0), (true, 1), (true, 0)] {
            script(|_| {});
            OPEN.set(open);
            NEXT.set((0, true));
            module.on_tick(1);
            let done = done();
            let resumes = done.iter().filter(|call| *call == "proxy_continue_stream");
            assert_eq!(resumes.count(), resumed);
        }
    }

    #[test]
    fn requests_of_another_root_context_sleep_on() {
        let module = module(0);
        assert_eq!(module.on_configure(9, 0), 1);
        arrive(&module, 2);
        script(|_| {});
        NEXT.set((0, true));
        OPEN.set(true);
        module.on_tick(9);
        let expected = [
            // Is the stream still there? Back to the tick.
            "proxy_set_effective_context 2",
            "proxy_set_effective_context 9",
        ];
        assert_eq!(done(), expected);
    }

    #[test]
    fn a_new_configuration_asks_parked_requests_and_forgets_errands() {
        script(|_| {});
        let module = module(7);
        arrive(&module, 2);
        script(|_| {});
        OPEN.set(true);
        module.on_configure(1, 0);
        assert_eq!(
            done(),
            ["proxy_set_effective_context 2", "proxy_continue_stream"]
        );
        module.on_http_call_response(4, 0, 0);
        assert_eq!(ENDED.get(), None);
    }

    #[test]
    fn parked_requests_that_are_gone_are_forgotten() {
        let module = module(0);
        arrive(&module, 2);
        script(|host| {
            host.failures
                .insert("proxy_set_effective_context 2", INTERNAL_FAILURE);
        });
        module.on_tick(1);
        script(|_| {});
        OPEN.set(true);
        NEXT.set((0, true));
        module.on_tick(1);
        assert!(done().is_empty());
    }

    #[test]
    fn of_too_many_parked_requests_the_oldest_is_decided() {
        let module = module(0);
        let last = u32::try_from(MOST_PENDING).unwrap() + 2;
        (2..last).for_each(|stream| {
            arrive(&module, stream);
        });
        script(|_| {});
        arrive(&module, last);
        assert_eq!(
            done(),
            [
                "proxy_set_effective_context 2",
                "proxy_send_local_response 401"
            ]
        );
    }
}
