//! What will happen at which virtual time.

use crate::callout::{GrpcEvent, HttpAnswer};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Something due.
#[derive(Debug)]
pub(crate) enum Event {
    /// One that is not for the time at which the root's timer is set is out of date.
    Tick {
        plugin: usize,
        at_ns: u64,
    },
    HttpAnswer {
        plugin: usize,
        token: u32,
        answer: HttpAnswer,
    },
    Grpc {
        plugin: usize,
        token: u32,
        event: GrpcEvent,
    },
    QueueReady {
        plugin: usize,
        token: u32,
    },
}

#[derive(Debug)]
struct Entry {
    at_ns: u64,
    /// Breaks ties by order of entry.
    serial: u64,
    event: Event,
}

/// Events by time, then by order of entry.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    serial: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at_ns: u64, event: Event) {
        self.serial += 1;
        self.entries.push(Reverse(Entry {
            at_ns,
            serial: self.serial,
            event,
        }));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.entries.peek().map(|Reverse(entry)| entry.at_ns)
    }

    /// Takes the next event that is due by `now_ns`.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<(u64, Event)> {
        if self.next_at()? > now_ns {
            return None;
        }
        self.entries
            .pop()
            .map(|Reverse(entry)| (entry.at_ns, entry.event))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ns, self.serial).cmp(&(other.at_ns, other.serial))
    }
}
