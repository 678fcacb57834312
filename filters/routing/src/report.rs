//! What operators see of decisions: counters and debug log lines.

use sluice_adapter::{Counters, Host, Level};
use sluice_traffic::routing::{Decision, Verdict};

const SENT: &str = "sluice_routing_requests_total.destination.";
const ANSWERED: &str = "sluice_routing_answers_total.status.";
const PASSED: &str = "sluice_routing_passed_total.reason.";

/// Counts and logs.
#[derive(Debug, Default)]
pub struct Report {
    counters: Counters,
}

impl Report {
    /// Reports one decision.
    pub fn decision(&mut self, host: Host<'_>, decision: &Decision<'_>) {
        match &decision.verdict {
            Verdict::Forward(to) => self.counters.increment(host, SENT, to.name),
            Verdict::Reply(reply) => {
                let status = reply.status.to_string();
                self.counters.increment(host, ANSWERED, &status);
            }
            Verdict::Pass(_) => self.counters.increment(host, PASSED, "no_host"),
        }
        if decision.is_uncertain {
            self.counters.increment(host, PASSED, "unavailable");
        }
        if host.logs(Level::Debug) {
            host.log(Level::Debug, &line(decision));
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
    let verdict = match &decision.verdict {
        Verdict::Forward(to) => format!("sent destination={}", to.name),
        Verdict::Reply(reply) => format!("answered status={}", reply.status),
        Verdict::Pass(_) => "passed".to_owned(),
    };
    format!("sluice-routing verdict={verdict} route={route}")
}
