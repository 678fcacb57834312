//! Counters whose names end in something known only when it happens, such as
//! the id of a rule.
//!
//! Telling the host of each single count would cost every request a call out of the
//! VM, as much as reading a header: counts are gathered, and told with each tick.
//! Whoever wants to see them request by request, as a replay does, sets
//! `SLUICE_COUNTERS=immediate` in the environment of the VM.

use std::cell::Cell;

use crate::abi::{Host, Level, MetricKind};
use crate::environment;

/// Environment variable that says when counts are told.
const WHEN: &str = "SLUICE_COUNTERS";
/// Its only value.
const IMMEDIATE: &[u8] = b"immediate";

thread_local! {
    /// Whether counts wait for a tick. Not before it is known that there are ticks.
    static GATHER: Cell<bool> = const { Cell::new(false) };
}

/// Settles when counts are told, for all filters of this VM.
///
/// # Errors
/// A line on what is wrong with the environment; counts are then gathered.
pub(crate) fn settle(has_ticks: bool) -> Result<(), &'static str> {
    let when = environment::variable(WHEN);
    let immediate = when.as_deref() == Some(IMMEDIATE);
    GATHER.set(has_ticks && !immediate);
    match when {
        Some(_) if !immediate => Err("environment: SLUICE_COUNTERS is not \"immediate\""),
        _ => Ok(()),
    }
}

/// Counters by family and member, defined on first use.
///
/// A metric lives as long as Envoy does, so members must come from the
/// configuration, never from a client.
#[derive(Debug, Default)]
pub struct Counters {
    /// In order of member and family.
    counters: Vec<Counter>,
}

#[derive(Debug)]
struct Counter {
    family: &'static str,
    member: Box<str>,
    /// The host's number for it, once it was asked.
    id: Option<u32>,
    /// Counts that the host has not been told of.
    pending: u32,
}

impl Counters {
    /// Adds one to the counter called `family` followed by `member`.
    pub fn increment(&mut self, host: Host<'_>, family: &'static str, member: &str) {
        self.add(host, family, member, 1);
    }

    /// Adds so many.
    pub fn add(&mut self, host: Host<'_>, family: &'static str, member: &str, count: u32) {
        let found = self
            .counters
            .binary_search_by(|counter| (&*counter.member, counter.family).cmp(&(member, family)));
        let at = found.unwrap_or_else(|at| {
            self.counters.insert(at, Counter::new(family, member));
            at
        });
        if let Some(counter) = self.counters.get_mut(at) {
            counter.pending = counter.pending.saturating_add(count);
            if !GATHER.get() {
                counter.tell(host);
            }
        }
    }

    /// Tells the host of everything that was counted since the last time.
    pub fn flush(&mut self, host: Host<'_>) {
        for counter in &mut self.counters {
            if counter.pending > 0 {
                counter.tell(host);
            }
        }
    }
}

impl Counter {
    #[cold]
    fn new(family: &'static str, member: &str) -> Self {
        Self {
            family,
            member: member.into(),
            id: None,
            pending: 0,
        }
    }

    /// A filter does its work on hosts without metrics, too: what cannot be told
    /// is lost.
    fn tell(&mut self, host: Host<'_>) {
        let pending = std::mem::take(&mut self.pending);
        if self.id.is_none() {
            let name = [self.family, &self.member].concat();
            self.id = host.define_metric(MetricKind::Counter, &name).ok();
        }
        if let Some(id) = self.id
            && host.increment_metric(id, pending.into()).is_err()
        {
            host.log(Level::Warn, "the host lost a counter");
        }
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::{Counters, GATHER, settle};
    use crate::abi::Host;
    use crate::scripted_host::{calls, script};

    /// Counts `a` twice and `b` once, and flushes twice.
    fn calls_of(gathered: bool) -> Vec<String> {
        script(|_| {});
        GATHER.set(gathered);
        let mut counters = Counters::default();
        Host::enter(|host| {
            for member in ["a", "b", "a"] {
                counters.increment(host, "total.", member);
            }
            counters.flush(host);
            counters.flush(host);
        });
        calls()
    }

    #[test]
    fn counts_are_gathered_where_there_are_ticks() {
        for has_ticks in [true, false] {
            assert_eq!(settle(has_ticks), Ok(()));
            assert_eq!(GATHER.get(), has_ticks);
        }
    }

    #[test]
    fn gathered_counts_are_told_once() {
        assert_eq!(
            calls_of(true),
            [
                "proxy_define_metric total.a",
                "proxy_increment_metric 2",
                "proxy_define_metric total.b",
                "proxy_increment_metric 1",
            ]
        );
    }

    #[test]
    fn without_ticks_each_count_is_told_at_once() {
        assert_eq!(
            calls_of(false),
            [
                "proxy_define_metric total.a",
                "proxy_increment_metric 1",
                "proxy_define_metric total.b",
                "proxy_increment_metric 1",
                "proxy_increment_metric 1",
            ]
        );
    }
}
