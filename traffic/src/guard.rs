//! CanaryGuard: takes a canary out of the traffic when it does worse than what it is to replace.
//!
//! A [`Guard`] counts what becomes of the requests of two subsets of a split, compares
//! them over a sliding window ([`comparison`]), and says when the canary is to get no
//! more of them. It has no clock: everything happens in [`Guard::on_tick`].
//!
//! Where clients stay on one side, each counts as one ([`clients`]).
//!
//! # One guard for all VMs
//!
//! Each VM of a proxy counts for itself between ticks, and adds that to a record in the
//! host's shared data by compare-and-swap. Whoever is the first of all in a slot of time
//! looks at the window, and puts what it comes to into the same record, so that a canary
//! is looked at once a slot, drained for all at their next tick, and announced by one.
//! Who is overtaken too often keeps its counts for the next tick.
//!
//! A host without shared data, and a VM whose guard was replaced by one of another
//! configuration while it is still at work, watch and judge by themselves. A record that
//! is lost or spoilt is made anew from what the VM that notices saw last, so a canary
//! that was drained stays so.

mod clients;
mod comparison;
pub mod config;
mod event;
mod exceedance;
mod outcome;
mod percent;
mod record;
mod sketch;
mod window;
mod wire;

pub use comparison::{Figure, Finding, Signal};
pub use config::{CanaryGuard, Latency};
pub use event::Event;
pub use outcome::{Outcome, latency_us};

use clients::Kept;
use comparison::Look;
use record::{LATEST_MS, Record, State};
use sluice_policy::shared_data::{self, Change, SharedData};
use window::Pair;

/// Begins the key of every record, with the version of their form: modules of two versions
/// run side by side during an update, and must not overwrite each other's.
const KEY_PREFIX: &str = "sluice.traffic.guard.2/";

/// How often a change is tried against others in one tick.
const MOST_TRIES: usize = 8;

/// One of the two that a guard compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subset {
    /// What serves most.
    Stable,
    /// What is to replace it.
    Canary,
}

/// What a subset did in the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Share of failed requests in millionths, of all requests.
    pub errors: Figure,
    /// The quantile that is compared, in microseconds, of all others.
    pub latency: Figure,
}

/// One guard in one VM.
#[derive(Debug)]
pub struct Guard {
    config: CanaryGuard,
    key: String,
    /// What requests did since the last tick that could add it to the record.
    fresh: Pair,
    /// The same of clients that stay where they are, not all of which counts.
    kept: Kept,
    /// The record as it was seen last.
    view: Record,
    /// Whether the record in the host's data has been ours.
    was_shared: bool,
    /// Whether another configuration has the record now.
    is_replaced: bool,
}

impl Guard {
    /// A guard that has seen nothing. [`on_tick`](Self::on_tick) should come before the
    /// first request: another VM may have drained the canary already.
    pub fn new(config: CanaryGuard) -> Self {
        let key = [KEY_PREFIX, &config.namespace, "/", &config.name].concat();
        let view = Record::new(record::identity(&config));
        Self {
            config,
            key,
            fresh: Pair::default(),
            kept: Kept::default(),
            view,
            was_shared: false,
            is_replaced: false,
        }
    }

    /// What it was declared as.
    pub fn config(&self) -> &CanaryGuard {
        &self.config
    }

    /// Counts a request that the split sent to a subset, at its end. Requests that went
    /// there for another reason are no fair sample, and neither are those that the
    /// filter answered itself.
    ///
    /// `client` is a hash of the key that keeps the client where it is; its requests all
    /// count as one. `None` where chance decided about this request alone.
    pub fn observe(
        &mut self,
        subset: Subset,
        client: Option<u64>,
        outcome: Outcome,
        latency_us: u64,
    ) {
        match client {
            None => self.fresh.add(subset, outcome, latency_us),
            Some(client) if self.view.clients.has(client) => {}
            Some(client) => self.kept.add(client, subset, outcome, latency_us),
        }
    }

    /// Whether the canary is to get no requests of the split.
    pub fn is_drained(&self) -> bool {
        self.is_worse() && !self.config.is_dry_run
    }

    /// Whether it would get none, were this no dry run.
    pub fn would_drain(&self) -> bool {
        self.is_worse() && self.config.is_dry_run
    }

    /// Why the canary was found worse, and when, in milliseconds of the host's clock.
    pub fn finding(&self) -> Option<(u64, Finding)> {
        match self.view.state {
            State::Watching => None,
            State::Worse { at_ms, finding, .. } => Some((at_ms, finding)),
        }
    }

    fn is_worse(&self) -> bool {
        self.view.state != State::Watching
    }

    /// What a subset did in the window as it was at the last tick, for gauges.
    pub fn figures(&self, subset: Subset) -> Figures {
        let total = self.view.window.total();
        let counts = match subset {
            Subset::Stable => &total.stable,
            Subset::Canary => &total.canary,
        };
        let quantile = self.config.latency.map(|latency| latency.quantile);
        let latency = quantile.map(|quantile| comparison::latency_figure(counts, quantile));
        Figures {
            errors: comparison::error_figure(counts),
            latency: latency.unwrap_or_default(),
        }
    }

    /// Adds what requests did to what all VMs share, looks whether it is time, and takes
    /// over what others found. Once a second is often enough.
    ///
    /// Events are for this VM to announce: no other gets them.
    pub fn on_tick(&mut self, now_ms: u64, shared: &mut dyn SharedData) -> Vec<Event> {
        let now_ms = now_ms.min(LATEST_MS);
        for _ in 0..MOST_TRIES {
            let (stored, cas) = self.read(shared);
            let mut record = self.view.clone();
            let events = self.advance(&mut record, now_ms);
            let is_as_stored = stored.is_some_and(|stored| stored == record);
            let change = if is_as_stored {
                Change::Made
            } else if self.is_replaced {
                Change::NotKept
            } else {
                shared_data::change(shared, &self.key, &record.encode(), cas)
            };
            if change != Change::Overtaken {
                self.was_shared |= change == Change::Made;
                self.view = record;
                self.fresh = Pair::default();
                self.kept.clear();
                return events;
            }
        }
        Vec::new()
    }

    /// Takes over the record, if it is ours; returns it as it is stored, and the number
    /// to change it by.
    fn read(&mut self, shared: &mut dyn SharedData) -> (Option<Record>, Option<u32>) {
        if self.is_replaced {
            return (None, None);
        }
        let Some((bytes, cas)) = shared.get(&self.key) else {
            return (None, None);
        };
        let stored = Record::decode(&bytes);
        match &stored {
            Some(record) if record.identity == self.view.identity => {
                self.was_shared = true;
                // What was put back from earlier does not undo what was seen since.
                if record.changes >= self.view.changes {
                    self.view = record.clone();
                }
            }
            // Whoever came later has the newer configuration.
            Some(_) => self.is_replaced = self.was_shared,
            None => {}
        }
        (stored, Some(cas))
    }

    /// Brings a record up to now.
    fn advance(&self, record: &mut Record, now_ms: u64) -> Vec<Event> {
        let now = record.slot_at(now_ms, self.config.window_ms);
        let is_worse = record.state != State::Watching;
        if is_worse && !self.config.is_dry_run {
            return self.restore(record, now, now_ms).into_iter().collect();
        }
        record.window.roll(now);
        let clients = record
            .clients
            .count(&self.kept, now_ms, self.config.window_ms);
        record.window.add(now, &clients);
        record.window.add(now, &self.fresh);
        if now == record.looked || (record.window.is_empty() && !is_worse) {
            return Vec::new();
        }
        record.looked = now;
        let event = match comparison::look(&self.config, &record.window.over(now)) {
            Look::Worse(finding) => self.find_worse(record, finding, now_ms),
            Look::TooFew | Look::NotWorse => self.recover(record, now_ms),
        };
        event.into_iter().collect()
    }

    /// Gives a drained canary its weight back, when it is time.
    fn restore(&self, record: &mut Record, now: u64, now_ms: u64) -> Option<Event> {
        let after_ms = self.config.restore_after_ms?;
        if !record.has_passed(after_ms, now_ms) {
            return None;
        }
        record.change(State::Watching);
        // It is judged by what it does from here on.
        record.clear();
        record.looked = now;
        Some(Event::Restored)
    }

    fn find_worse(&self, record: &mut Record, finding: Finding, now_ms: u64) -> Option<Event> {
        if let State::Worse { since_ms, .. } = &mut record.state {
            *since_ms = now_ms;
            return None;
        }
        record.change(State::Worse {
            at_ms: now_ms,
            since_ms: now_ms,
            finding,
        });
        if !self.config.is_dry_run {
            record.clear();
        }
        Some(Event::Drained(finding))
    }

    /// In a dry run, forgets what was found when a whole window was better.
    fn recover(&self, record: &mut Record, now_ms: u64) -> Option<Event> {
        let is_worse = record.state != State::Watching;
        if !is_worse || !record.has_passed(self.config.window_ms, now_ms) {
            return None;
        }
        record.change(State::Watching);
        Some(Event::Recovered)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod schedules;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod simulation;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
