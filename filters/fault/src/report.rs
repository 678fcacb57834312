//! What operators see of faults: counters, a gauge and debug log lines.
//!
//! Envoy has no labels for Wasm metrics; the last parts of a name become labels
//! through `stats_tags` (docs/filters/fault.md has the snippet).

use sluice_adapter::{Counters, Host, Level, MetricKind};
use sluice_traffic::fault::Withheld;

const DELAYS: &str = "sluice_fault_injected_total.kind.delay.route.";
const ABORTS: &str = "sluice_fault_injected_total.kind.abort.route.";
const WITHHELD: &str = "sluice_fault_withheld_total.reason.";
const ACTIVE: &str = "sluice_fault_active";

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is held back.
    Delay,
    /// The request is answered.
    Abort,
}

/// Counts and logs.
#[derive(Debug, Default)]
pub struct Report {
    counters: Counters,
    /// The gauge of requests that are delayed, and what this filter added to it.
    active: Option<u32>,
    told: i64,
}

impl Report {
    /// Reports a fault of a route.
    pub fn injected(&mut self, host: Host<'_>, kind: Kind, route: &str) {
        let (family, kind) = match kind {
            Kind::Delay => (DELAYS, "delay"),
            Kind::Abort => (ABORTS, "abort"),
        };
        self.counters.increment(host, family, route);
        if host.logs(Level::Debug) {
            let line = ["sluice-fault injected=", kind, " route=", route].concat();
            host.log(Level::Debug, &line);
        }
    }

    /// Reports a fault that a request does not meet.
    pub fn withheld(&mut self, host: Host<'_>, why: Withheld) {
        self.counters.increment(host, WITHHELD, why.name());
    }

    /// Hands over what was counted and not told yet.
    pub fn flush(&mut self, host: Host<'_>) {
        self.counters.flush(host);
        let active = i64::try_from(host.delayed()).unwrap_or(i64::MAX);
        let change = active - self.told;
        if change == 0 {
            return;
        }
        self.told = active;
        if self.active.is_none() {
            self.active = host.define_metric(MetricKind::Gauge, ACTIVE).ok();
        }
        // The workers share the gauge: each adds and takes away its own.
        if let Some(id) = self.active
            && host.increment_metric(id, change).is_err()
        {
            host.log(Level::Warn, "the host lost a gauge");
        }
    }
}
