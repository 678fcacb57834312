//! Counters whose names end in something known only when it happens, such as
//! the id of a rule.

use crate::abi::{Host, Level, MetricKind};

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
    id: u32,
}

impl Counters {
    /// Adds one to the counter called `family` followed by `member`.
    pub fn increment(&mut self, host: Host<'_>, family: &'static str, member: &str) {
        let found = self
            .counters
            .binary_search_by(|counter| (&*counter.member, counter.family).cmp(&(member, family)));
        let id = match found {
            Ok(at) => self.counters.get(at).map(|counter| counter.id),
            Err(at) => self.define(host, at, family, member),
        };
        // A filter does its work on hosts without metrics, too.
        if let Some(id) = id
            && host.increment_metric(id, 1).is_err()
        {
            host.log(Level::Warn, "the host lost a counter");
        }
    }

    #[cold]
    fn define(
        &mut self,
        host: Host<'_>,
        at: usize,
        family: &'static str,
        member: &str,
    ) -> Option<u32> {
        let Ok(id) = host.define_metric(MetricKind::Counter, &[family, member].concat()) else {
            return None;
        };
        let counter = Counter {
            family,
            member: member.into(),
            id,
        };
        self.counters.insert(at, counter);
        Some(id)
    }
}
