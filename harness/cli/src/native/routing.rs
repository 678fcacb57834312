//! The routing filter.

use sluice_host::Headers;
use sluice_policy::{HeaderEdit, Request};
use sluice_traffic::breaker::Upstreams;
use sluice_traffic::guard::Guard;
use sluice_traffic::routing::{
    Decision, Dice, Explanation, Moment, NearMiss, Program, Verdict, explain,
};

use super::{Reasons, Said};

/// Where it sends a request and why, with what it changes: as if no request had come
/// before, so that no breaker is open and no canary drained.
pub fn why(program: &Program, request: &Request<'_>) -> (Reasons, Vec<HeaderEdit>) {
    let seed = program.seed();
    let mut dice = Dice::of_request(seed.unwrap_or_default(), request);
    let mut upstreams = Upstreams::new(&program.policies(), 0);
    let guards: Vec<Guard> = program.guards().iter().cloned().map(Guard::new).collect();
    let mut moment = Moment {
        dice: &mut dice,
        upstreams: &mut upstreams,
        guards: &guards,
        now_ms: 0,
    };
    let explanation = explain(program, request, &mut moment);
    let is_chance = explanation.is_drawn && seed.is_none();
    let reasons = Reasons {
        said: said(&explanation.decision),
        lines: describe(&explanation, is_chance),
    };
    let mut edits = edits(explanation.decision);
    if is_chance {
        // Nobody knows what the module drew.
        let hints = program.hints();
        let drawn = [hints.subset.as_bytes(), hints.destination.as_bytes()];
        edits.retain(|edit| !matches!(edit, HeaderEdit::Set(name, _) if drawn.contains(&&**name)));
    }
    (reasons, edits)
}

fn said(decision: &Decision<'_>) -> Said {
    match decision.verdict {
        Verdict::Pass(_) | Verdict::Forward(_) => Said::Passes,
        Verdict::Reply(_) | Verdict::Refuse(_) if decision.is_uncertain => {
            Said::RefusesForWantOfFacts
        }
        Verdict::Reply(_) | Verdict::Refuse(_) => Said::Refuses,
    }
}

fn edits(decision: Decision<'_>) -> Vec<HeaderEdit> {
    match decision.verdict {
        Verdict::Pass(edits) => edits,
        Verdict::Forward(forwarding) => forwarding.request,
        Verdict::Reply(_) | Verdict::Refuse(_) => Vec::new(),
    }
}

fn describe(explanation: &Explanation<'_>, is_chance: bool) -> Vec<String> {
    let decision = &explanation.decision;
    let route = match decision.route {
        None => "no route".to_owned(),
        Some("") => "a route without a name".to_owned(),
        Some(name) => format!("the route {name}"),
    };
    let mut lines = vec![match &decision.verdict {
        Verdict::Pass(_) => "Pass: no VirtualService has the host".to_owned(),
        Verdict::Reply(reply) => format!("Answer with status {} by {route}", reply.status),
        Verdict::Refuse(refusal) => format!("Answer by {route}: {refusal:?}"),
        Verdict::Forward(_) if is_chance => format!("Send to one of these by {route}"),
        Verdict::Forward(to) => format!("Send to {} by {route}", to.name),
    }];
    let choices = explanation.choices.iter();
    lines.extend(choices.map(|(name, weight)| format!("  weight {weight}: {name}")));
    if decision.is_uncertain {
        lines.push("for want of a fact that another route looks at".to_owned());
    }
    lines.extend(explanation.near_misses.iter().flat_map(near_miss));
    lines
}

fn near_miss(miss: &NearMiss<'_>) -> Vec<String> {
    let name = match miss.route {
        "" => format!("number {}", miss.number),
        name => name.to_owned(),
    };
    let mut lines = vec![format!("near miss {name}")];
    for test in &miss.failed {
        let found = test.found.as_deref().unwrap_or("unknown");
        lines.push(format!(
            "  {}: found {found}, expected {}",
            test.field, test.expected
        ));
    }
    lines
}

/// Does to the request what the filter does.
pub fn edit(edits: &[HeaderEdit], headers: &mut Headers) {
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => headers.set(name, value),
            HeaderEdit::Append(name, value) => headers.add(name, value),
            HeaderEdit::Remove(name) => {
                headers.remove(name);
            }
        }
    }
}
