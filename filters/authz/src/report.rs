//! What operators see of decisions: counters and debug log lines.
//!
//! Envoy has no labels for Wasm metrics; the last parts of a name become labels
//! through `stats_tags` (docs/filters/authz.md has the snippet).

use sluice_adapter::{Counters, Host, Level};
use sluice_authz::{Decision, DryRun, Stage, Verdict};
use sluice_policy::Reply;

/// Rule of a decision that no rule took.
const NO_RULE: &str = "none";

const ALLOWED: &str = "sluice_authz_decisions_total.verdict.allowed.rule.";
const DENIED: &str = "sluice_authz_decisions_total.verdict.denied.rule.";
const ASKED: &str = "sluice_authz_decisions_total.verdict.asked.rule.";
const AUDITED: &str = "sluice_authz_audited_total.rule.";
const UNAVAILABLE: &str = "sluice_authz_unavailable_total.attribute.";
const EXTERNAL: &str = "sluice_authz_external_refusals_total.details.";
const WOULD_ALLOW: [&str; 2] = [
    "sluice_authz_dry_run_total.action.allow.result.denied.rule.",
    "sluice_authz_dry_run_total.action.allow.result.allowed.rule.",
];
const WOULD_DENY: [&str; 2] = [
    "sluice_authz_dry_run_total.action.deny.result.denied.rule.",
    "sluice_authz_dry_run_total.action.deny.result.allowed.rule.",
];

/// Counts and logs.
#[derive(Debug, Default)]
pub struct Report {
    counters: Counters,
}

impl Report {
    /// Reports one decision.
    pub fn decision(&mut self, host: Host<'_>, decision: &Decision<'_>) {
        let rule = decision.rule.unwrap_or(NO_RULE);
        let (family, verdict) = match decision.verdict {
            Verdict::Allow => (ALLOWED, "allowed"),
            Verdict::Deny => (DENIED, "denied"),
            Verdict::Ask(_) => (ASKED, "asked"),
        };
        self.counters.increment(host, family, rule);
        if let Some(audited) = decision.audit {
            self.counters.increment(host, AUDITED, audited);
        }
        self.dry_run(host, &WOULD_ALLOW, decision.dry_run_allow);
        self.dry_run(host, &WOULD_DENY, decision.dry_run_deny);
        for attribute in decision.unavailable.iter() {
            self.counters.increment(host, UNAVAILABLE, attribute.name());
        }
        if host.logs(Level::Debug) {
            host.log(Level::Debug, &line(decision, verdict, rule));
        }
    }

    /// Hands over what was counted and not told yet.
    pub fn flush(&mut self, host: Host<'_>) {
        self.counters.flush(host);
    }

    /// Reports a refusal that an external authorizer, or its absence, caused.
    pub fn external_refusal(&mut self, host: Host<'_>, reply: &Reply) {
        // The details are among a handful of constants of the engine.
        self.counters
            .increment(host, EXTERNAL, &String::from_utf8_lossy(&reply.details));
    }

    fn dry_run(
        &mut self,
        host: Host<'_>,
        families: &[&'static str; 2],
        result: Option<DryRun<'_>>,
    ) {
        let Some(DryRun { allowed, rule }) = result else {
            return;
        };
        let [denied_family, allowed_family] = *families;
        let family = if allowed {
            allowed_family
        } else {
            denied_family
        };
        self.counters
            .increment(host, family, rule.unwrap_or(NO_RULE));
    }
}

/// What the log calls a stage. Logs are searched for these words, so they stay.
const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Invalid => "invalid_configuration",
        Stage::PeerAuthentication => "peer_authentication",
        Stage::Custom => "custom",
        Stage::Deny => "deny",
        Stage::Allow => "allow",
        Stage::Default => "no_policy",
    }
}

/// One line, `key=value`.
fn line(decision: &Decision<'_>, verdict: &str, rule: &str) -> String {
    let mut line = format!(
        "sluice-authz verdict={verdict} stage={} rule={rule}",
        stage_name(decision.stage)
    );
    for (name, result) in [
        ("dry_run_allow", decision.dry_run_allow),
        ("dry_run_deny", decision.dry_run_deny),
    ] {
        if let Some(DryRun { allowed, rule }) = result {
            let verdict = if allowed { "allowed" } else { "denied" };
            line.push_str(&format!(
                " {name}={verdict} {name}_rule={}",
                rule.unwrap_or(NO_RULE)
            ));
        }
    }
    if let Some(audited) = decision.audit {
        line.push_str(&format!(" audit={audited}"));
    }
    for attribute in decision.unavailable.iter() {
        line.push_str(&format!(" unavailable={}", attribute.name()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{Stage, stage_name};

    #[test]
    fn the_page_lists_every_stage() {
        let page = include_str!("../../../docs/filters/authz.md");
        for stage in [
            Stage::Invalid,
            Stage::PeerAuthentication,
            Stage::Custom,
            Stage::Deny,
            Stage::Allow,
            Stage::Default,
        ] {
            let row = format!("\n  | `{}` | ", stage_name(stage));
            assert!(page.contains(&row), "{stage:?}");
        }
    }
}
