//! What the VMs of a proxy share about one guard.

use sluice_policy::{fnv, shared_data};

use super::clients::Clients;
use super::comparison::{Figure, Finding, Signal};
use super::config::CanaryGuard;
use super::window::{SLOTS, Window};
use super::wire::{Reader, Writer};

/// Begins every record; its last byte is the version of the form.
const MAGIC: &[u8; 13] = b"sluice.guard\x02";

/// Later times are nobody's, so that no sum with one overflows.
pub(super) const LATEST_MS: u64 = 1 << 62;

/// What is thought of the canary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing bad.
    #[default]
    Watching,
    /// It was found worse.
    Worse {
        /// When.
        at_ms: u64,
        /// Since when it was not found so again. While it gets no requests, that is the
        /// same, unless the clock was set back.
        since_ms: u64,
        /// Why.
        finding: Finding,
    },
}

/// All that is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Of what configuration it is: see [`identity`].
    pub(super) identity: u64,
    /// How often the state has changed: an even number while there is nothing bad. Of two
    /// records the one with more is newer, whatever the clock did.
    pub(super) changes: u32,
    pub(super) state: State,
    /// The slot in which the last look was.
    pub(super) looked: u64,
    pub(super) window: Window,
    /// Who was counted in it, of the clients that stay where they are.
    pub(super) clients: Clients,
}

impl Record {
    /// The record of a guard that has seen nothing.
    pub(super) fn new(identity: u64) -> Self {
        Self {
            identity,
            ..Self::default()
        }
    }

    /// Its bytes: identity and numbers, sealed.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.0.extend_from_slice(&self.identity.to_le_bytes());
        out.number(self.changes.into());
        self.state.encode(&mut out);
        out.number(self.looked);
        self.window.encode(&mut out);
        self.clients.encode(&mut out);
        shared_data::seal(MAGIC, &out.0)
    }

    /// Reads bytes; whatever is not a whole record is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (identity, rest) = shared_data::unseal(MAGIC, bytes)?.split_first_chunk()?;
        let mut input = Reader(rest);
        let record = Self {
            identity: u64::from_le_bytes(*identity),
            changes: input.small()?,
            state: State::decode(&mut input)?,
            looked: input.number()?,
            window: Window::decode(&mut input)?,
            clients: Clients::decode(&mut input)?,
        };
        let is_worse = record.state != State::Watching;
        let is_plausible = (record.changes % 2 == 1) == is_worse && record.looked <= LATEST_MS;
        (is_plausible && input.0.is_empty()).then_some(record)
    }

    /// The slot of a time, which is now. All VMs have one clock, but one may have read it
    /// before another wrote: slots never go back by one. By more the clock was set back,
    /// and what was counted is numbered anew. A canary that was found worse later than now
    /// was found so just now.
    pub(super) fn slot_at(&mut self, now_ms: u64, window_ms: u32) -> u64 {
        if let State::Worse { since_ms, .. } = &mut self.state {
            *since_ms = now_ms.min(*since_ms);
        }
        let slot_ms = u64::from(window_ms / SLOTS).max(1);
        let now = now_ms / slot_ms;
        let newest = self.window.newest().unwrap_or_default().max(self.looked);
        if newest == now + 1 {
            return newest;
        }
        if let Some(by) = newest.checked_sub(now) {
            self.window.set_back(by);
            self.looked = self.looked.saturating_sub(by);
        }
        now
    }

    /// Whether so much time has passed since the canary was found worse.
    pub(super) fn has_passed(&self, after_ms: u32, now_ms: u64) -> bool {
        let State::Worse { since_ms, .. } = &self.state else {
            return false;
        };
        now_ms.saturating_sub(*since_ms) >= u64::from(after_ms)
    }

    /// Forgets what was counted.
    pub(super) fn clear(&mut self) {
        self.window.clear();
        self.clients.clear();
    }

    /// Puts another state.
    pub(super) fn change(&mut self, state: State) {
        self.state = state;
        self.changes = self.changes.wrapping_add(1);
    }
}

impl State {
    fn encode(&self, out: &mut Writer) {
        let Self::Worse {
            at_ms,
            since_ms,
            finding,
        } = self
        else {
            out.number(0);
            return;
        };
        out.number(match finding.signal {
            Signal::Errors => 1,
            Signal::Latency => 2,
        });
        out.number(*at_ms);
        out.number(*since_ms);
        for figure in [finding.canary, finding.stable] {
            out.number(figure.value);
            out.number(figure.samples);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let signal = match input.number()? {
            0 => return Some(Self::Watching),
            1 => Signal::Errors,
            2 => Signal::Latency,
            _ => return None,
        };
        let (at_ms, since_ms) = (input.number()?, input.number()?);
        let finding = Finding {
            signal,
            canary: figure(input)?,
            stable: figure(input)?,
        };
        (at_ms.max(since_ms) <= LATEST_MS).then_some(Self::Worse {
            at_ms,
            since_ms,
            finding,
        })
    }
}

fn figure(input: &mut Reader<'_>) -> Option<Figure> {
    Some(Figure {
        value: input.number()?,
        samples: input.number()?,
    })
}

/// A number that two configurations share only if all is the same that a record
/// depends on. Where the guard is, is in the key.
pub(super) fn identity(config: &CanaryGuard) -> u64 {
    let CanaryGuard {
        name: _,
        namespace: _,
        virtual_service,
        route,
        stable,
        canary,
        window_ms,
        min_samples,
        errors,
        latency,
        doubt,
        restore_after_ms,
        revision,
        is_dry_run,
    } = config;
    let mut out = Writer::default();
    let route = route.as_deref().unwrap_or_default();
    for text in [virtual_service, route, stable, canary, revision] {
        out.number(text.len() as u64);
        out.0.extend_from_slice(text.as_bytes());
    }
    let or_none = |number: Option<u32>| number.map_or(0, |number| u64::from(number) + 1);
    for number in [
        u64::from(*window_ms),
        u64::from(*min_samples),
        or_none(*errors),
        or_none(latency.map(|latency| latency.quantile)),
        or_none(latency.map(|latency| latency.worse_by)),
        u64::from(*doubt),
        or_none(*restore_after_ms),
        u64::from(*is_dry_run),
    ] {
        out.number(number);
    }
    fnv::extend(fnv::START, &out.0)
}

#[cfg(test)]
mod tests;
