//! What operators see of decisions: counters, gauges and log lines.

use sluice_adapter::{Counters, Host, Level, MetricKind};
use sluice_traffic::breaker::{Choice, Ejection, Upstreams};
use sluice_traffic::guard::{Guard, Subset};
use sluice_traffic::routing::{Decision, Verdict};

const SENT: &str = "sluice_routing_requests_total.destination.";
const MOVED: &str = "sluice_routing_moved_total.destination.";
const ANSWERED: &str = "sluice_routing_answers_total.status.";
const REFUSED: &str = "sluice_routing_refused_total.reason.";
const PASSED: &str = "sluice_routing_passed_total.reason.";
const EJECTED: &str = "sluice_routing_ejections_total.destination.";
const CURTAILED: &str = "sluice_routing_retries_curtailed_total";
/// How many destinations are ejected now.
const EJECTED_NOW: &str = "sluice_routing_ejected";

/// What guards are seen by, each followed by `NAMESPACE/NAME`.
const DRAINED: &str = "sluice_routing_guard_drained.guard.";
const WOULD_DRAIN: &str = "sluice_routing_guard_would_drain.guard.";
const ERRORS: &str = "sluice_routing_guard_errors_millionths.guard.";
const LATENCY: &str = "sluice_routing_guard_latency_us.guard.";

/// Counts and logs.
#[derive(Debug, Default)]
pub struct Report {
    counters: Counters,
    /// Requests with fewer retries, as far as they were told.
    curtailed: u64,
    /// Destinations that are ejected, as they were told, and the host's number for it.
    ejected: (i64, Option<u32>),
    /// Gauges of guards in the order in which they are told: the host's number, and what
    /// it was told.
    gauges: Vec<(Option<u32>, u64)>,
}

impl Report {
    /// Reports one decision.
    pub fn decision(&mut self, host: Host<'_>, decision: &Decision<'_>) {
        match &decision.verdict {
            Verdict::Forward(to) => {
                self.counters.increment(host, SENT, to.name);
                let choice = to.admission.as_ref().map(|admission| admission.choice);
                if let Some(Choice::Moved(_)) = choice {
                    self.counters.increment(host, MOVED, to.name);
                }
            }
            Verdict::Reply(reply) => {
                let status = reply.status.to_string();
                self.counters.increment(host, ANSWERED, &status);
            }
            Verdict::Refuse(refusal) => self.counters.increment(host, REFUSED, refusal.name()),
            Verdict::Pass(_) => self.counters.increment(host, PASSED, "no_host"),
        }
        if decision.is_uncertain {
            self.counters.increment(host, PASSED, "unavailable");
        }
        if host.logs(Level::Debug) {
            host.log(Level::Debug, &line(decision));
        }
    }

    /// A destination is left out for a while.
    pub fn ejected(&mut self, host: Host<'_>, name: &str, ejection: Ejection) {
        self.counters.increment(host, EJECTED, name);
        let Ejection { cause, for_ms } = ejection;
        let line = format!(
            "sluice-routing ejected destination={name} cause={} for_ms={for_ms}",
            cause.name()
        );
        host.log(Level::Warn, &line);
    }

    /// What is to be told of breakers and budgets once a second.
    pub fn upstreams(&mut self, host: Host<'_>, upstreams: &mut Upstreams, now_ms: u64) {
        let curtailed = upstreams.curtailed();
        let more = curtailed.saturating_sub(self.curtailed);
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.counters.add(host, CURTAILED, "", more);
        }
        self.curtailed = curtailed;
        let ejected = i64::try_from(upstreams.ejected(now_ms)).unwrap_or(i64::MAX);
        self.ejected_now(host, ejected);
    }

    fn ejected_now(&mut self, host: Host<'_>, ejected: i64) {
        let (told, id) = &mut self.ejected;
        if *told == ejected {
            return;
        }
        if id.is_none() {
            *id = host.define_metric(MetricKind::Gauge, EJECTED_NOW).ok();
        }
        // All workers share the gauge: each adds what changed with it.
        if let Some(id) = *id
            && host.increment_metric(id, ejected - *told).is_ok()
        {
            *told = ejected;
        }
    }

    /// What guards think, and by which figures. All workers say the same.
    pub fn guards(&mut self, host: Host<'_>, guards: &[Guard]) {
        let mut number = 0;
        for guard in guards {
            let config = guard.config();
            let name = [&*config.namespace, "/", &*config.name].concat();
            let mut tell = |family: &str, member: &str, value: u64| {
                self.gauge(host, number, &[family, &name, member].concat(), value);
                number += 1;
            };
            tell(DRAINED, "", guard.is_drained().into());
            tell(WOULD_DRAIN, "", guard.would_drain().into());
            for subset in [Subset::Stable, Subset::Canary] {
                let figures = guard.figures(subset);
                let member = [".subset.", config.name_of(subset)].concat();
                tell(ERRORS, &member, figures.errors.value);
                tell(LATENCY, &member, figures.latency.value);
            }
        }
    }

    fn gauge(&mut self, host: Host<'_>, number: usize, name: &str, value: u64) {
        if self.gauges.len() <= number {
            let id = host.define_metric(MetricKind::Gauge, name).ok();
            self.gauges.push((id, 0));
        }
        // A filter that is dropped sets them to 0, and may come after this one.
        if let Some((Some(id), told)) = self.gauges.get_mut(number)
            && (*told, value) != (0, 0)
            && host.record_metric(*id, value).is_ok()
        {
            *told = value;
        }
    }

    /// Takes back what gauges were told: they outlive the filter.
    pub fn take_back(&mut self, host: Host<'_>) {
        self.ejected_now(host, 0);
        for (id, told) in self.gauges.drain(..) {
            // Where it cannot be told there is nobody to tell.
            let _ = id.filter(|_| told != 0).map(|id| host.record_metric(id, 0));
        }
    }

    /// Hands over what was counted and not told yet.
    pub fn flush(&mut self, host: Host<'_>) {
        self.counters.flush(host);
    }
}

/// One line, `key=value`.
fn line(decision: &Decision<'_>) -> String {
    let route = decision.route.unwrap_or("none");
    let (verdict, key, value) = match &decision.verdict {
        Verdict::Forward(to) => ("sent", "destination", to.name.to_owned()),
        Verdict::Reply(reply) => ("answered", "status", reply.status.to_string()),
        Verdict::Refuse(refusal) => ("refused", "reason", refusal.name().to_owned()),
        Verdict::Pass(_) => ("passed", "reason", "no_host".to_owned()),
    };
    format!("sluice-routing verdict={verdict} {key}={value} route={route}")
}
