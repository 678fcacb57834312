//! Requests that are held back for a time, and the ticks that hand them back.
//!
//! The host has one timer for each root context. It is set for the moment when the next
//! of its requests is due, and for the next full second when none is: nothing ticks for
//! nothing. What is done once a second goes by the clock, not by the number of ticks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::errands::Held;
use super::{MOST_PENDING, Runtime, TICK_MS};
use crate::abi::Host;
use crate::environment;
use crate::filter::{HttpFilter, Step, Woken};

const NS_PER_MS: u64 = 1_000_000;
const SECOND_NS: u64 = TICK_MS as u64 * NS_PER_MS;
/// A tick that comes so little before the second does for it: Envoy takes the start of a
/// turn of its event loop for the present when it sets a timer.
const EARLY_NS: u64 = 5 * NS_PER_MS;

/// When the delayed requests of one root context are due, and when the host ticks.
/// Times are nanoseconds of the clock that is never set.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    root: u32,
    /// Due times and streams, the soonest on top: to add one costs little, however many
    /// there are, and nothing is done for those that are not due.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    /// When what is done once a second is due.
    second_ns: u64,
    /// When the host ticks next.
    tick_ns: u64,
    /// The period that the host was given last.
    period_ms: u32,
}

impl Timetable {
    /// Takes a stream that is due.
    fn take_due(&mut self, now_ns: u64) -> Option<u32> {
        let Reverse((due_ns, stream)) = *self.due.peek()?;
        if due_ns > now_ns {
            return None;
        }
        self.due.pop();
        Some(stream)
    }

    /// Whether it is time for what is done once a second.
    fn take_second(&mut self, now_ns: u64) -> bool {
        let is_due = now_ns + EARLY_NS >= self.second_ns;
        if is_due {
            self.second_ns = now_ns + SECOND_NS;
        }
        is_due
    }

    /// Has the host tick when there is something to do, and no sooner. A tick goes on with
    /// the period that it came with if the host is told no other.
    fn set_timer(&mut self, host: Host<'_>, now_ns: u64, ticks_with: Option<u32>) -> bool {
        let next_ns = match self.due.peek() {
            Some(Reverse((due_ns, _))) => self.second_ns.min(*due_ns),
            None => self.second_ns,
        };
        let wait_ms = next_ns.saturating_sub(now_ns).div_ceil(NS_PER_MS);
        let period_ms = u32::try_from(wait_ms).map_or(TICK_MS, |wait_ms| wait_ms.clamp(1, TICK_MS));
        self.tick_ns = now_ns + u64::from(period_ms) * NS_PER_MS;
        self.period_ms = period_ms;
        ticks_with == Some(period_ms) || host.set_tick_period_ms(period_ms).is_ok()
    }
}

impl<F: HttpFilter> Runtime<F> {
    fn timetable(&mut self, root: u32) -> Option<&mut Timetable> {
        self.timetables.iter_mut().find(|table| table.root == root)
    }

    /// Sets the timer of a root context that is configured. Those who are delayed by a
    /// former filter of it stay so.
    pub(super) fn set_timer(&mut self, host: Host<'_>, root: u32) {
        let Some(now_ns) = environment::monotonic_ns() else {
            return;
        };
        if self.timetable(root).is_none() {
            let timetable = Timetable {
                root,
                ..Timetable::default()
            };
            self.timetables.push(timetable);
        }
        if let Some(timetable) = self.timetable(root) {
            timetable.second_ns = now_ns + SECOND_NS;
            timetable.set_timer(host, now_ns, None);
        }
    }

    /// Lets the filter of `root` know how many requests it has delayed.
    pub(super) fn tell_delayed(&mut self, root: u32) {
        let delayed = self.timetable(root).map_or(0, |table| table.due.len());
        Host::set_delayed(delayed);
    }

    /// Holds a request back. What is kept of it is returned if that is not possible.
    pub(super) fn delay(
        &mut self,
        host: Host<'_>,
        stream: u32,
        root: u32,
        for_ms: u32,
        state: F::Waiting,
    ) -> Option<F::Waiting> {
        if self.delayed.len() >= MOST_PENDING {
            return Some(state);
        }
        let Some(now_ns) = environment::monotonic_ns() else {
            return Some(state);
        };
        let Some(timetable) = self.timetable(root) else {
            return Some(state);
        };
        let due_ns = now_ns + u64::from(for_ms) * NS_PER_MS;
        timetable.due.push(Reverse((due_ns, stream)));
        if due_ns < timetable.tick_ns && !timetable.set_timer(host, now_ns, None) {
            timetable.due.retain(|Reverse((_, other))| *other != stream);
            return Some(state);
        }
        self.delayed.insert(stream, Held { root, state });
        None
    }

    /// Decides on a request that cannot be held back.
    pub(super) fn ask_crowded(
        &mut self,
        host: Host<'_>,
        root: u32,
        state: F::Waiting,
    ) -> Step<F::Waiting> {
        self.ask(host, root, |filter, request| {
            match filter.on_woken(host, request, state, Woken::Crowded) {
                Step::Delay { .. } => F::unconfigured(),
                step => step,
            }
        })
    }

    /// Has those asked who are due: whether what is done once a second is due as well.
    pub(super) fn release_due(&mut self, host: Host<'_>, root: u32) -> bool {
        let Some(now_ns) = environment::monotonic_ns() else {
            return true;
        };
        let tables = &mut self.timetables;
        let Some(timetable) = tables.iter_mut().find(|table| table.root == root) else {
            return true;
        };
        while let Some(stream) = timetable.take_due(now_ns) {
            self.woken.push((stream, Woken::Due));
        }
        let is_second = timetable.take_second(now_ns);
        timetable.set_timer(host, now_ns, Some(timetable.period_ms));
        is_second
    }

    /// Forgets when those were due who are not there any more.
    pub(super) fn forget_gone_delays(&mut self) {
        let delayed = &self.delayed;
        for Timetable { due, .. } in &mut self.timetables {
            due.retain(|Reverse((_, stream))| delayed.contains(*stream));
        }
    }

    /// Forgets the timetables of root contexts that are gone.
    pub(super) fn forget_gone_timetables(&mut self) {
        let filters = &self.filters;
        self.timetables
            .retain(|table| filters.iter().any(|slot| slot.root == table.root));
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
