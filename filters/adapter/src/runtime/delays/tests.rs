//! Delays on a host whose clock and timer are seen through.

use std::cell::{Cell, RefCell};

use sluice_policy::{AttributeSet, Reply, Request};

use super::super::{Action, MOST_PENDING};
use super::NS_PER_MS;
use crate::abi::Host;
use crate::exports::Module;
use crate::filter::{Configured, HttpFilter, Setup, Step, Woken};
use crate::scripted_host::{INTERNAL_FAILURE, calls, script, set_now_ns};

thread_local! {
    /// For how long the next request is delayed.
    static FOR_MS: Cell<u32> = const { Cell::new(0) };
    /// Whether it is delayed whenever it is decided on.
    static AGAIN: Cell<bool> = const { Cell::new(false) };
    /// What became of delays: the state, and why it came back.
    static BACK: RefCell<Vec<(u32, Woken)>> = const { RefCell::new(Vec::new()) };
    /// How many were delayed when the filter was last asked.
    static DELAYED: Cell<usize> = const { Cell::new(0) };
    /// Ticks that the filter was told of.
    static SECONDS: Cell<u32> = const { Cell::new(0) };
}

/// Delays every request.
struct Delays;

impl Delays {
    fn delay() -> Step<u32> {
        let for_ms = FOR_MS.get();
        Step::Delay {
            for_ms,
            state: for_ms,
        }
    }
}

impl HttpFilter for Delays {
    const NAME: &'static str = "delays";
    const HAS_DELAYS: bool = true;
    type Waiting = u32;

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

    fn on_request(&mut self, host: Host<'_>, _: &Request<'_>) -> Step<u32> {
        DELAYED.set(host.delayed());
        Self::delay()
    }

    fn on_tick(&mut self, host: Host<'_>) {
        SECONDS.set(SECONDS.get() + 1);
        DELAYED.set(host.delayed());
    }

    fn on_woken(&mut self, _: Host<'_>, _: &Request<'_>, state: u32, why: Woken) -> Step<u32> {
        BACK.with_borrow_mut(|back| back.push((state, why)));
        if AGAIN.get() {
            return Self::delay();
        }
        Step::Continue
    }

    fn unconfigured() -> Step<u32> {
        Step::Reply(Reply {
            status: 500,
            headers: Vec::new(),
            body: Vec::new(),
            details: Vec::new(),
            grpc_status: None,
        })
    }
}

/// A module that was configured as root context 1 when the clock stood at 1 s.
fn module() -> Module<Delays> {
    AGAIN.set(false);
    BACK.take();
    SECONDS.set(0);
    script(|host| host.now_ns = Some(1_000 * NS_PER_MS));
    let module = Module::new();
    assert_eq!(module.on_configure(1, 0), 1);
    module
}

/// A request for `root` at a time, to be delayed. Returns what the host is to do, and
/// the period of its timer if that was set.
fn arrive(
    module: &Module<Delays>,
    root: u32,
    stream: u32,
    at_ms: u64,
    for_ms: u32,
) -> (u32, Option<u32>) {
    script(|host| host.now_ns = Some(at_ms * NS_PER_MS));
    FOR_MS.set(for_ms);
    module.on_context_create(stream, root);
    (module.on_request_headers(stream), period())
}

/// The period that the timer was set to last.
fn period() -> Option<u32> {
    let calls = calls();
    let mut periods = calls
        .iter()
        .filter_map(|call| call.strip_prefix("proxy_set_tick_period_milliseconds "));
    periods.next_back()?.parse().ok()
}

/// A tick: the streams that went on, and the period of the timer if that was set.
fn tick(module: &Module<Delays>, root: u32, at_ns: u64) -> (Vec<u32>, Option<u32>) {
    script(|host| host.now_ns = Some(at_ns));
    module.on_tick(root);
    let mut at = 0;
    let mut resumed = Vec::new();
    for call in calls() {
        if let Some(context) = call.strip_prefix("proxy_set_effective_context ") {
            at = context.parse().unwrap_or(0);
        }
        if call.starts_with("proxy_continue_stream") {
            resumed.push(at);
        }
    }
    (resumed, period())
}

const PAUSE: u32 = Action::Pause as u32;

#[test]
fn the_timer_is_set_for_the_next_request_and_else_for_the_second() {
    let module = module();
    assert_eq!(period(), Some(1_000));
    // Due at 1,300, 1,200 and 1,250; the last two change nothing.
    assert_eq!(arrive(&module, 1, 2, 1_100, 200), (PAUSE, Some(200)));
    assert_eq!(arrive(&module, 1, 3, 1_100, 100), (PAUSE, Some(100)));
    assert_eq!(arrive(&module, 1, 4, 1_150, 100), (PAUSE, None));
    assert_eq!(arrive(&module, 1, 5, 1_150, 900), (PAUSE, None));
    assert_eq!(DELAYED.get(), 3);
    assert_eq!(tick(&module, 1, 1_200 * NS_PER_MS), (vec![3], Some(50)));
    // Both are due when the tick is late, the one that is due longer first.
    assert_eq!(tick(&module, 1, 1_301 * NS_PER_MS), (vec![4, 2], Some(699)));
    assert_eq!(SECONDS.get(), 0);
    assert_eq!(tick(&module, 1, 2_000 * NS_PER_MS), (vec![], Some(50)));
    assert_eq!((SECONDS.get(), DELAYED.get()), (1, 1));
    assert_eq!(tick(&module, 1, 2_050 * NS_PER_MS), (vec![5], Some(950)));
    assert_eq!(tick(&module, 1, 3_000 * NS_PER_MS), (vec![], Some(1_000)));
    // The timer goes on as it was set.
    assert_eq!(tick(&module, 1, 4_000 * NS_PER_MS), (vec![], None));
    assert_eq!(SECONDS.get(), 3);
    let due: Vec<_> = BACK.take().into_iter().map(|(state, _)| state).collect();
    assert_eq!(due, [100, 100, 200, 900]);
}

#[test]
fn nobody_is_released_before_the_time() {
    let module = module();
    arrive(&module, 1, 2, 1_000, 10);
    let due_ns = 1_010 * NS_PER_MS;
    // Not busily: the timer is set to a millisecond at least.
    assert_eq!(tick(&module, 1, due_ns - 1), (vec![], Some(1)));
    assert_eq!(tick(&module, 1, due_ns), (vec![2], Some(990)));
    assert_eq!(BACK.take(), [(10, Woken::Due)]);
}

#[test]
fn a_tick_a_little_before_the_second_does_for_it() {
    let module = module();
    let second_ns = 2_000 * NS_PER_MS;
    assert_eq!(
        tick(&module, 1, second_ns - 5 * NS_PER_MS - 1),
        (vec![], Some(6))
    );
    assert_eq!(SECONDS.get(), 0);
    assert_eq!(
        tick(&module, 1, second_ns - 5 * NS_PER_MS),
        (vec![], Some(1_000))
    );
    assert_eq!(SECONDS.get(), 1);
}

#[test]
fn a_delay_may_be_followed_by_another() {
    let module = module();
    arrive(&module, 1, 2, 1_000, 10);
    AGAIN.set(true);
    assert_eq!(tick(&module, 1, 1_010 * NS_PER_MS), (vec![], Some(10)));
    AGAIN.set(false);
    assert_eq!(tick(&module, 1, 1_020 * NS_PER_MS), (vec![2], Some(980)));
}

#[test]
fn a_client_that_leaves_is_forgotten_within_a_second() {
    let module = module();
    arrive(&module, 1, 2, 1_000, 60_000);
    arrive(&module, 1, 3, 1_000, 60_000);
    script(|host| {
        host.now_ns = Some(2_000 * NS_PER_MS);
        host.failures
            .insert("proxy_set_effective_context 2", INTERNAL_FAILURE);
    });
    module.on_tick(1);
    tick(&module, 1, 3_000 * NS_PER_MS);
    assert_eq!(DELAYED.get(), 1);
    assert_eq!(tick(&module, 1, 61_000 * NS_PER_MS).0, [3]);
    assert_eq!(BACK.take(), [(60_000, Woken::Due)]);
}

#[test]
fn a_client_that_left_is_not_asked_about_when_its_time_comes() {
    let module = module();
    arrive(&module, 1, 2, 1_000, 10);
    script(|host| {
        host.now_ns = Some(1_010 * NS_PER_MS);
        host.failures
            .insert("proxy_set_effective_context 2", INTERNAL_FAILURE);
    });
    module.on_tick(1);
    assert!(BACK.take().is_empty());
}

#[test]
fn each_root_context_releases_its_own() {
    let module = module();
    assert_eq!(module.on_configure(9, 0), 1);
    arrive(&module, 1, 2, 1_000, 10);
    assert_eq!(arrive(&module, 9, 3, 1_000, 10), (PAUSE, Some(10)));
    assert_eq!(DELAYED.get(), 0);
    assert_eq!(tick(&module, 9, 1_010 * NS_PER_MS).0, [3]);
    assert_eq!(tick(&module, 1, 1_010 * NS_PER_MS).0, [2]);
}

#[test]
fn those_who_are_delayed_stay_so_when_their_root_context_is_configured_anew() {
    let module = module();
    arrive(&module, 1, 2, 1_000, 30);
    set_now_ns(1_010 * NS_PER_MS);
    assert_eq!(module.on_configure(1, 0), 1);
    assert_eq!(period(), Some(20));
    assert_eq!(tick(&module, 1, 1_030 * NS_PER_MS).0, [2]);
}

#[test]
fn one_that_cannot_be_held_back_is_decided_on_at_once() {
    // No clock.
    let clockless = module();
    script(|_| {});
    FOR_MS.set(7);
    clockless.on_context_create(2, 1);
    assert_eq!(clockless.on_request_headers(2), Action::Continue as u32);
    assert_eq!(BACK.take(), [(7, Woken::Crowded)]);
    // No timer.
    let timerless = module();
    script(|host| {
        host.now_ns = Some(1_000 * NS_PER_MS);
        host.failures
            .insert("proxy_set_tick_period_milliseconds", INTERNAL_FAILURE);
    });
    timerless.on_context_create(2, 1);
    assert_eq!(timerless.on_request_headers(2), Action::Continue as u32);
    assert_eq!(BACK.take(), [(7, Woken::Crowded)]);
    assert!(tick(&timerless, 1, 1_007 * NS_PER_MS).0.is_empty());
}

#[test]
fn there_is_room_for_so_many() {
    let module = module();
    let last = u32::try_from(MOST_PENDING).unwrap() + 2;
    for stream in 2..last {
        assert_eq!(arrive(&module, 1, stream, 1_000, 10).0, PAUSE);
    }
    assert_eq!(
        arrive(&module, 1, last, 1_000, 10).0,
        Action::Continue as u32
    );
    assert_eq!(DELAYED.get(), MOST_PENDING);
    assert_eq!(BACK.take(), [(10, Woken::Crowded)]);
    // Who insists on what is not to be had is treated as if there were no filter.
    AGAIN.set(true);
    assert_eq!(arrive(&module, 1, last + 1, 1_000, 10).0, PAUSE);
    assert!(calls().contains(&"proxy_send_local_response 500".to_owned()));
    AGAIN.set(false);
    assert_eq!(tick(&module, 1, 1_010 * NS_PER_MS).0.len(), MOST_PENDING);
}
