//! Counters whose names end in something known only when it happens, such as
//! the id of a rule.

use std::collections::BTreeMap;

use crate::abi::{Host, Level, MetricKind};

/// Counters by family and member, defined on first use.
///
/// A metric lives as long as Envoy does, so members must come from the
/// configuration, never from a client.
#[derive(Debug, Default)]
pub struct Counters {
    ids: BTreeMap<&'static str, BTreeMap<Box<str>, u32>>,
}

impl Counters {
    /// Adds one to the counter called `family` followed by `member`.
    pub fn increment(&mut self, host: Host<'_>, family: &'static str, member: &str) {
        let members = self.ids.entry(family).or_default();
        let id = match members.get(member) {
            Some(id) => *id,
            None => match host.define_metric(MetricKind::Counter, &format!("{family}{member}")) {
                Ok(id) => *members.entry(member.into()).or_insert(id),
                // A filter does its work on hosts without metrics, too.
                Err(_) => return,
            },
        };
        if host.increment_metric(id, 1).is_err() {
            host.log(Level::Warn, "the host lost a counter");
        }
    }
}
