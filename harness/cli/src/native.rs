//! Our own filters, run as Rust: where a finding stands in the manifest, and
//! why a request was judged as it was, are things that a module cannot say.

use std::net::SocketAddr;

use serde_json::{Map, Value};
use sluice_authz::{Explanation, FailedTest, Program, Resume, Stage, configure, explain};
use sluice_host::Headers;
use sluice_policy::{Connection, Diagnostics, Fact, HeaderLine, Request, Workload};
use sluice_recording::{AttributeValue, Exchange, Recorded};

use crate::plugins::WasmFilter;
use crate::plugins::image;

/// Names of the authorization filter's image and module.
const AUTHZ: [&str; 2] = ["sluice-authz", "authz"];

/// Reads the configuration of a filter that is ours: its program and every
/// finding. `None` for other people's filters.
pub fn read(filter: &WasmFilter, workload: &Workload) -> Option<(Program, Diagnostics)> {
    let is_ours = AUTHZ.contains(&image::base_name(&filter.url));
    is_ours.then(|| configure(&filter.configuration, Some(workload)))
}

/// Why the authorization filter judges a request as it does, one line each.
pub fn why(program: &Program, exchange: &Exchange<'_>, headers: &Headers) -> Vec<String> {
    let lines: Vec<HeaderLine<'_>> = headers.iter().collect();
    let metadata = metadata(exchange);
    let request = Request {
        method: known(headers.get(":method")),
        path: known(headers.get(":path")),
        authority: known(headers.get(":authority")),
        headers: Fact::Present(&lines),
        connection: connection(exchange),
        metadata: metadata.as_ref(),
    };
    describe(&explain(program, &request, Resume::default()))
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

fn known<T>(value: Option<T>) -> Fact<T> {
    value.map_or(Fact::Absent, Fact::Present)
}

fn connection<'e>(exchange: &'e Exchange<'_>) -> Connection<'e> {
    let bytes = |name: &str| fact(exchange, name, AttributeValue::as_bytes);
    Connection {
        remote_address: fact(exchange, "source.address", address),
        destination_address: fact(exchange, "destination.address", address),
        mtls: fact(exchange, "connection.mtls", AttributeValue::as_bool),
        peer_uri_san: bytes("connection.uri_san_peer_certificate"),
        peer_dns_san: bytes("connection.dns_san_peer_certificate"),
        peer_subject: bytes("connection.subject_peer_certificate"),
        peer_principal: bytes("filter_state.io.istio.peer_principal"),
        requested_server_name: bytes("connection.requested_server_name"),
    }
}

/// A recorded fact; one of a type that does not fit is as good as unknown.
fn fact<'e, T>(
    exchange: &'e Exchange<'_>,
    name: &str,
    read: impl FnOnce(&'e AttributeValue<'e>) -> Option<T>,
) -> Fact<T> {
    match exchange.attributes.get(name) {
        Recorded::Known(value) => read(value).map_or(Fact::Unavailable, Fact::Present),
        Recorded::Absent => Fact::Absent,
        Recorded::Unknown => Fact::Unavailable,
    }
}

fn address(value: &AttributeValue<'_>) -> Option<SocketAddr> {
    let Ok(address) = value.as_text()?.parse() else {
        return None;
    };
    Some(address)
}

fn metadata(exchange: &Exchange<'_>) -> Fact<Map<String, Value>> {
    fact(
        exchange,
        "metadata.filter_metadata",
        |value| match serde_json::to_value(value) {
            Ok(Value::Object(map)) => Some(map),
            Ok(_) | Err(_) => None,
        },
    )
}
