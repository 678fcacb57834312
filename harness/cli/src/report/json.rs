//! The JSON report: JSON Lines, so that it streams as the recording does.
//!
//! First `{"report":"sluice/v1",…}`, then one line an exchange in recording
//! order, last `{"summary":…}`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sluice_host::{
    CalloutRecord, CalloutResult, Cost, Headers, Message, MetricDelta, MetricKind, OutcomeKind,
};

use super::exchange::{ExchangeReport, ExpectationFailure, UnscriptedCall};
use super::summary::{EntryUse, Finding, Outcomes, Summary};

/// Version of this format; grows when a reader would have to change.
pub const FORMAT: &str = "sluice/v1";

/// The name of an outcome in reports and recordings.
pub fn outcome_name(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Forwarded => "forwarded",
        OutcomeKind::Replied => "replied",
        OutcomeKind::Reset => "reset",
        OutcomeKind::Held => "held",
    }
}

/// The first line.
pub fn header(plugins: &[String], seed: u64, workers: usize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Header<'a> {
        report: &'static str,
        plugins: &'a [String],
        seed: u64,
        workers: usize,
    }
    line(&Header {
        report: FORMAT,
        plugins,
        seed,
        workers,
    })
}

/// The line of one exchange.
pub fn exchange(report: &ExchangeReport) -> Vec<u8> {
    line(&ExchangeLine::of(report))
}

/// The last line.
pub fn summary(summary: &Summary) -> Vec<u8> {
    line(&json!({ "summary": summary_value(summary) }))
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    // Writing plain data into memory cannot fail; a report that lost a line
    // would be seen by its missing sequence.
    if serde_json::to_writer(&mut bytes, value).is_ok() {
        bytes.push(b'\n');
    }
    bytes
}

#[derive(Serialize)]
struct ExchangeLine<'a> {
    id: &'a str,
    route: &'a str,
    outcome: &'static str,
    status: Option<u16>,
    plugin: Option<&'a str>,
    rule: Option<&'a str>,
    details: Option<&'a str>,
    request: MessageLine<'a>,
    response: Option<MessageLine<'a>>,
    delay_ns: u64,
    callouts: Vec<Value>,
    metrics: Vec<Value>,
    cost: CostLine<'a>,
    unknown: &'a [String],
    traps: Vec<Value>,
    recorded_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expectation: Option<Vec<Value>>,
}

impl<'a> ExchangeLine<'a> {
    fn of(report: &'a ExchangeReport) -> Self {
        Self {
            id: &report.id,
            route: &report.route,
            outcome: outcome_name(report.kind),
            status: report.status,
            plugin: report.plugin.as_deref(),
            rule: report.rule.as_deref(),
            details: report.details.as_deref(),
            request: MessageLine(&report.request),
            response: report.response.as_ref().map(MessageLine),
            delay_ns: report.delay_ns,
            callouts: report.callouts.iter().map(callout).collect(),
            metrics: report.metrics.iter().map(metric).collect(),
            cost: CostLine(report),
            unknown: &report.unknown,
            traps: report.traps.iter().map(trap).collect(),
            recorded_status: report.recorded_status,
            expectation: report
                .expectation
                .as_ref()
                .map(|failures| failures.iter().map(failure).collect()),
        }
    }
}

/// Headers, trailers and the length of the body: the body itself is in the
/// recording, or is what a plugin put there.
struct MessageLine<'a>(&'a Message);

impl Serialize for MessageLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            headers: HeaderLines<'a>,
            body_bytes: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            trailers: Option<HeaderLines<'a>>,
        }
        let Self(message) = self;
        Fields {
            headers: HeaderLines(&message.headers),
            body_bytes: message.body.iter().map(Vec::len).sum(),
            trailers: message.trailers.as_ref().map(HeaderLines),
        }
        .serialize(serializer)
    }
}

struct HeaderLines<'a>(&'a Headers);

impl Serialize for HeaderLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|(name, value)| (Bytes(name), Bytes(value))),
        )
    }
}

/// Bytes as the recording format writes them: text, or `{"base64":…}`.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_map([("base64", STANDARD.encode(self.0))]),
        }
    }
}

struct CostLine<'a>(&'a ExchangeReport);

impl Serialize for CostLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            fuel: u64,
            host_calls: u64,
            bytes_copied: u64,
            plugins: BTreeMap<&'a str, Value>,
        }
        let total = self.0.total_cost();
        let plugins = self
            .0
            .costs
            .iter()
            .map(|cost| (&*cost.plugin, cost_value(cost.cost)))
            .collect();
        Fields {
            fuel: total.fuel,
            host_calls: total.host_calls,
            bytes_copied: total.bytes_copied,
            plugins,
        }
        .serialize(serializer)
    }
}

fn cost_value(cost: Cost) -> Value {
    json!({ "fuel": cost.fuel, "host_calls": cost.host_calls, "bytes_copied": cost.bytes_copied })
}

fn callout(record: &CalloutRecord) -> Value {
    let result = match &record.result {
        CalloutResult::Pending => json!("pending"),
        CalloutResult::Http(status) => json!({ "http_status": status }),
        CalloutResult::Grpc(status) => json!({ "grpc_status": status }),
        CalloutResult::Failed => json!("failed"),
        CalloutResult::Cancelled => json!("cancelled"),
    };
    json!({
        "plugin": &*record.plugin,
        "cluster": record.cluster,
        "target": record.target,
        "result": result,
        "took_ns": record.took_ns,
    })
}

fn metric_kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
    }
}

fn metric(delta: &MetricDelta) -> Value {
    json!({
        "name": &*delta.name,
        "kind": metric_kind(delta.kind),
        "change": delta.change,
        "operations": delta.operations,
    })
}

fn trap(trap: &sluice_host::Trap) -> Value {
    json!({ "plugin": &*trap.plugin, "callback": trap.callback, "reason": trap.reason, "limit": trap.limit })
}

fn failure(failure: &ExpectationFailure) -> Value {
    json!({ "field": failure.field, "expected": failure.expected, "found": failure.found })
}

fn summary_value(summary: &Summary) -> Value {
    json!({
        "exchanges": summary.outcomes.total(),
        "outcomes": outcomes(summary.outcomes),
        "statuses": summary.statuses.iter().map(|(status, count)| json!({ "status": status, "count": count })).collect::<Vec<_>>(),
        "rows": summary.rows.iter().map(|(key, counts)| json!({
            "route": key.route,
            "plugin": none_if_empty(&key.plugin),
            "rule": none_if_empty(&key.rule),
            "outcomes": outcomes(*counts),
        })).collect::<Vec<_>>(),
        "compared": summary.compared,
        "differences": summary.differences.iter().map(|((recorded, replayed), finding)| json!({
            "recorded": recorded,
            "replayed": replayed,
            "count": finding.count,
            "examples": finding.examples().collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "expectations": {
            "exchanges": summary.expected,
            "unmet_exchanges": summary.unmet_exchanges,
            "unmet": findings(&summary.unmet, "field"),
        },
        "unknown": {
            "exchanges": summary.unknown_exchanges,
            "attributes": findings(&summary.unknown, "attribute"),
        },
        "callouts": {
            "entries": summary.entries.iter().map(entry).collect::<Vec<_>>(),
            "unscripted": summary.unscripted.iter().map(unscripted).collect::<Vec<_>>(),
        },
        "metrics": summary.metrics.iter().map(|(name, total)| json!({
            "name": name,
            "kind": metric_kind(total.kind),
            "change": total.change,
            "operations": total.operations,
        })).collect::<Vec<_>>(),
        "cost": summary.costs.iter().map(|(plugin, costs)| (plugin.clone(), json!({
            "fuel": costs.fuel.quantiles(),
            "host_calls": costs.host_calls.quantiles(),
            "bytes_copied": costs.bytes_copied.quantiles(),
        }))).collect::<BTreeMap<_, _>>(),
        "traps": summary.traps.iter().map(|((plugin, callback, reason), finding)| json!({
            "plugin": plugin,
            "callback": callback,
            "reason": reason,
            "count": finding.count,
            "examples": finding.examples().collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn entry(entry: &EntryUse) -> Value {
    json!({
        "entry": entry.entry,
        "line": entry.line,
        "cluster": entry.cluster,
        "answer": entry.answer,
        "calls": entry.calls,
    })
}

fn unscripted((call, finding): (&UnscriptedCall, &Finding)) -> Value {
    json!({
        "cluster": call.cluster,
        "target": call.target,
        "count": finding.count,
        "examples": finding.examples().collect::<Vec<_>>(),
    })
}

fn outcomes(counts: Outcomes) -> Value {
    json!({
        "forwarded": counts.forwarded,
        "replied": counts.replied,
        "reset": counts.reset,
        "held": counts.held,
    })
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn findings(findings: &BTreeMap<String, Finding>, key: &str) -> Vec<Value> {
    findings
        .iter()
        .map(|(name, finding)| {
            json!({ key: name, "count": finding.count, "examples": finding.examples().collect::<Vec<_>>() })
        })
        .collect()
}
