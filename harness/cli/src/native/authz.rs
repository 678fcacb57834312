//! The authorization filter.

use sluice_authz::{Decision, Explanation, FailedTest, Program, Resume, Stage, Verdict, explain};
use sluice_policy::Request;

use super::{Reasons, Said};

/// Why it judges a request as it does: the deciding rule, and the rules that nearly matched.
pub fn why(program: &Program, request: &Request<'_>) -> Reasons {
    let explanation = explain(program, request, Resume::default());
    Reasons {
        said: said(&explanation.decision),
        lines: describe(&explanation),
    }
}

/// Whether every request passes, whatever it is.
pub fn is_idle(program: &Program) -> bool {
    let unknown = Request::default();
    let decision = explain(program, &unknown, Resume::default()).decision;
    program.rule_count() == 0 && decision.stage == Stage::Default
}

fn said(decision: &Decision<'_>) -> Said {
    match decision.verdict {
        // The answer decides.
        Verdict::Ask(_) => Said::NotKnown,
        Verdict::Allow => Said::Passes,
        Verdict::Deny if decision.unavailable.is_empty() => Said::Refuses,
        Verdict::Deny => Said::RefusesForWantOfFacts,
    }
}

fn describe(explanation: &Explanation<'_>) -> Vec<String> {
    let decision = &explanation.decision;
    let by = match decision.stage {
        Stage::Invalid => "an invalid configuration",
        Stage::PeerAuthentication => "a PeerAuthentication",
        Stage::Custom => "the CUSTOM policies",
        Stage::Deny => "the DENY policies",
        Stage::Allow => "the ALLOW policies",
        Stage::Default => "no policy at all",
    };
    let rule = decision.rule.unwrap_or("no rule");
    let mut lines = vec![format!("{:?} by {by}: {rule}", decision.verdict)];
    lines.extend(
        decision
            .unavailable
            .iter()
            .map(|attribute| format!("for want of {}", attribute.name())),
    );
    for miss in &explanation.near_misses {
        lines.push(format!("near miss {}", miss.rule));
        lines.extend(miss.failed.iter().map(failed_test));
    }
    lines
}

fn failed_test(test: &FailedTest) -> String {
    let found = match &test.found {
        None => "unknown".to_owned(),
        Some(values) if values.is_empty() => "nothing".to_owned(),
        Some(values) => values.join(", "),
    };
    let expected = if test.negated { "none of" } else { "one of" };
    format!(
        "  {}: found {found}, expected {expected} {}",
        test.field,
        test.expected.join(", ")
    )
}
