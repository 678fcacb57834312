//! Compares what a driver saw with what a case pins.

use std::collections::BTreeMap;

use super::{Expect, HeaderChanges, Reply, Row, Split};
use crate::cases::front::Fronted;
use crate::cases::scenario::{Header, Observation, Protocol, Scenario};
use crate::cases::verdict::{Checks, Verdict};

const DENIED: &str = "RBAC: access denied";
/// Families of the filter's counters; the rule comes after.
const ALLOWED: &str = "sluice_authz_decisions_total.verdict.allowed.rule.";
const DENIED_BY: &str = "sluice_authz_decisions_total.verdict.denied.rule.";
/// PERMISSION_DENIED.
const GRPC_DENIED: u32 = 7;

/// Headers that a proxy adds to every request, or that belong to one hop.
const PROXY_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Judges one request. `fronted` is the request as the filter got it, or none
/// when the proxy answered before.
pub fn judge(
    row: &Row,
    scenario: &Scenario,
    fronted: Option<&Fronted>,
    found: &Observation,
) -> Verdict {
    let mut checks = Checks::default();
    match &row.expect {
        Expect::Forwarded => forwarded(&mut checks, row, fronted, found),
        Expect::Refused(rule) => refused(&mut checks, rule, scenario, found),
        Expect::Reply(reply) => replied(&mut checks, reply, found),
    }
    checks.equal("asked", &found.asked, &row.asked);
    headers(&mut checks, row, found);
    if let Some(split) = &row.split {
        shares(&mut checks, split, found);
    }
    if let Some(metrics) = &found.metrics {
        counted(&mut checks, row, scenario, metrics);
    }
    checks.verdict()
}

fn forwarded(checks: &mut Checks, row: &Row, fronted: Option<&Fronted>, found: &Observation) {
    checks.equal("forwarded", &found.forwarded, &true);
    checks.equal(
        "details",
        &found.details.as_deref().filter(|_| !found.forwarded),
        &None,
    );
    if row.upstream_path.is_some() {
        checks.equal(
            "path",
            &value_of(&found.upstream, ":path"),
            &row.upstream_path,
        );
    }
    if row.upstream_authority.is_some() {
        checks.equal(
            "authority",
            &value_of(&found.upstream, ":authority"),
            &row.upstream_authority,
        );
    }
    if let (true, Some(fronted)) = (found.forwarded, fronted) {
        let mut expected = changed(&comparable(&fronted.headers), &row.upstream);
        let mut seen = comparable(&found.upstream);
        if let Some(split) = &row.split {
            expected.remove(&split.by);
            seen.remove(&split.by);
        }
        checks.equal("upstream headers", &seen, &expected);
    }
}

/// What is said of single headers.
fn headers(checks: &mut Checks, row: &Row, found: &Observation) {
    for (name, expected) in &row.response {
        let value = found.response_value(name);
        let fits = match (&value, expected) {
            (Some(value), Some(expected)) => is_like(value, expected),
            (value, expected) => value.is_none() && expected.is_none(),
        };
        if !fits {
            checks.equal(name, &value, expected);
        }
    }
    let Some(lines) = &found.for_router else {
        return;
    };
    for (name, expected) in &row.for_router {
        checks.equal(name, &value_of(lines, name), expected);
    }
}

/// Equal, but for what stands where `*` does.
fn is_like(value: &str, expected: &str) -> bool {
    match expected.split_once('*') {
        None => value == expected,
        Some((start, end)) => value
            .strip_prefix(start)
            .is_some_and(|rest| rest.ends_with(end)),
    }
}

fn shares(checks: &mut Checks, split: &Split, found: &Observation) {
    let all: Vec<&Observation> = found.before.iter().chain([found]).collect();
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    for (value, percent) in &split.shares {
        let is_such =
            |found: &&&Observation| found.upstream_value(&split.by).as_ref() == Some(value);
        let count = u32::try_from(all.iter().filter(is_such).count()).unwrap_or(u32::MAX);
        let share = 100.0 * f64::from(count) / f64::from(total);
        if (share - percent).abs() > split.within {
            checks.equal(value, &share, percent);
        }
    }
}

fn refused(checks: &mut Checks, rule: &str, scenario: &Scenario, found: &Observation) {
    let grpc = scenario.traffic.protocol == Protocol::Grpc;
    checks.equal("forwarded", &found.forwarded, &false);
    checks.equal("status", &found.status, &if grpc { 200 } else { 403 });
    checks.equal(
        "grpc-status",
        &found.grpc_status,
        &grpc.then_some(GRPC_DENIED),
    );
    checks.equal("details", &found.details, &Some(details(rule)));
    if !grpc {
        checks.equal(
            "body",
            &String::from_utf8_lossy(&found.body).as_ref(),
            &DENIED,
        );
        checks.equal(
            "content-type",
            &value_of(&found.response, "content-type"),
            &Some("text/plain".to_owned()),
        );
    }
}

/// The verdict is counted once, under the deciding rule.
fn counted(checks: &mut Checks, row: &Row, scenario: &Scenario, metrics: &BTreeMap<String, u64>) {
    let count = |name: &str| metrics.get(name).copied().unwrap_or_default();
    for (name, delta) in &row.metrics {
        checks.equal(name, &count(name), delta);
    }
    match &row.expect {
        // Other filters are alone.
        _ if !scenario.authorizes() => {}
        Expect::Forwarded => {
            let allowed = metrics.iter().filter(|(name, _)| name.starts_with(ALLOWED));
            checks.equal(ALLOWED, &allowed.map(|(_, delta)| *delta).sum(), &1);
        }
        Expect::Refused(rule) => {
            let name = format!("{DENIED_BY}{}", full_id(rule));
            checks.equal(&name, &count(&name), &1);
        }
        Expect::Reply(_) => {}
    }
}

/// `rule[N]` is short for that rule of the case's own policy.
fn full_id(rule: &str) -> String {
    match rule.strip_prefix("rule[") {
        Some(rest) => format!("ns[production]-policy[case]-rule[{rest}"),
        None => rule.to_owned(),
    }
}

fn details(rule: &str) -> String {
    format!("rbac_access_denied_matched_policy[{}]", full_id(rule))
}

fn replied(checks: &mut Checks, reply: &Reply, found: &Observation) {
    checks.equal("forwarded", &found.forwarded, &false);
    checks.equal("status", &found.status, &reply.status);
    if reply.grpc_status.is_some() {
        checks.equal("grpc-status", &found.grpc_status, &reply.grpc_status);
    }
    if let Some(details) = &reply.details {
        checks.equal(
            "details",
            &found.details.as_deref(),
            &Some(details.as_str()),
        );
    }
    if let Some(body) = &reply.body {
        checks.equal(
            "body",
            &String::from_utf8_lossy(&found.body).as_ref(),
            &body.as_str(),
        );
    }
    for (name, value) in &reply.headers {
        checks.equal(name, &value_of(&found.response, name), &Some(value.clone()));
    }
}

fn value_of(headers: &[Header], name: &str) -> Option<String> {
    let line = headers.iter().find(|(header, _)| header == name);
    line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

type Lines = BTreeMap<String, Vec<String>>;

/// Values by name, in order, without what any proxy adds.
fn comparable(headers: &[Header]) -> Lines {
    let mut lines = Lines::new();
    for (name, value) in headers {
        let ours = !PROXY_HEADERS.contains(&name.as_str());
        if ours && !name.starts_with(':') && !name.starts_with("x-envoy-") {
            lines
                .entry(name.clone())
                .or_default()
                .push(String::from_utf8_lossy(value).into_owned());
        }
    }
    lines
}

fn changed(headers: &Lines, changes: &HeaderChanges) -> Lines {
    let mut lines = headers.clone();
    for name in &changes.remove {
        lines.remove(name);
    }
    for (name, value) in &changes.set {
        lines.insert(name.clone(), vec![value.clone()]);
    }
    for (name, values) in &changes.append {
        let lines = lines.entry(name.clone()).or_default();
        lines.extend_from_slice(values.as_slice());
    }
    lines
}
