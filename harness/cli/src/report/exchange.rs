//! What came of one exchange.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_host::{
    CalloutRecord, Cost, Headers, LogLine, Message, MetricDelta, Outcome, OutcomeKind, PluginCost,
    Trap,
};

use super::summary::RowKey;

/// One expectation of the recording that the replay did not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectationFailure {
    /// What was expected about: `status`, `outcome`, `plugin`, `rule`, a header.
    pub field: String,
    /// What the recording expects.
    pub expected: String,
    /// What the replay gave.
    pub found: String,
}

/// A call that nothing answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnscriptedCall {
    /// Envoy cluster.
    pub cluster: String,
    /// Method and path with identifiers folded, or gRPC service and method
    /// and what they are about; `None` where no entry names the cluster, so that
    /// the call was refused before anybody looked at it.
    pub target: Option<String>,
}

/// Everything reported about one exchange.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExchangeReport {
    /// Place in the recordings, counted from 0 over all of them.
    pub sequence: u64,
    /// The recording's id, or the place where it has none.
    pub id: String,
    /// Route name, or method and path with identifiers folded.
    pub route: String,
    /// How it ended.
    pub kind: OutcomeKind,
    /// The status that the client sees.
    pub status: Option<u16>,
    /// The plugin that decided, by `<namespace>.<name>`.
    pub plugin: Option<Arc<str>>,
    /// The rule that decided, as the plugin names it in its details.
    pub rule: Option<String>,
    /// Envoy's response code details.
    pub details: Option<String>,
    /// The request as the next hop sees it.
    pub request: Message,
    /// The response as the client sees it.
    pub response: Option<Message>,
    /// Virtual time that plugins held the request, in nanoseconds.
    pub delay_ns: u64,
    /// Calls that plugins made.
    pub callouts: Vec<CalloutRecord>,
    /// Calls that plugins made and nothing answered.
    pub unscripted: Vec<UnscriptedCall>,
    /// Place of a scripted entry → calls that it answered, those between this
    /// exchange and the one before included.
    pub answered: BTreeMap<usize, u64>,
    /// Metrics that plugins touched.
    pub metrics: Vec<MetricDelta>,
    /// Cost per plugin.
    pub costs: Vec<PluginCost>,
    /// Attributes that a plugin read and the recording does not have.
    pub unknown: Vec<String>,
    /// Guests that failed.
    pub traps: Vec<Trap>,
    /// Lines that plugins logged.
    pub logs: Vec<LogLine>,
    /// The status in the recording.
    pub recorded_status: Option<u16>,
    /// Unmet expectations; `None` where the recording expects nothing.
    pub expectation: Option<Vec<ExpectationFailure>>,
}

impl ExchangeReport {
    /// Takes over what the host found.
    pub fn of_outcome(sequence: u64, id: String, route: String, outcome: Outcome) -> Self {
        let allowed = outcome
            .metrics
            .iter()
            .find_map(|metric| allowing_rule(&metric.name))
            .map(str::to_owned);
        // With a single plugin there is no doubt whose counter it is.
        let only = match outcome.costs.as_slice() {
            [only] if allowed.is_some() => Some(Arc::clone(&only.plugin)),
            _ => None,
        };
        let details = outcome
            .details
            .map(|details| String::from_utf8_lossy(&details).into_owned());
        Self {
            sequence,
            id,
            route,
            kind: outcome.kind,
            status: outcome.status,
            plugin: outcome.plugin.or(only),
            rule: details
                .as_deref()
                .and_then(rule_of)
                .map(str::to_owned)
                .or(allowed),
            details,
            request: outcome.request,
            response: outcome.response,
            delay_ns: outcome.delay_ns,
            callouts: outcome.callouts,
            unscripted: Vec::new(),
            answered: BTreeMap::new(),
            metrics: outcome.metrics,
            costs: outcome.costs,
            unknown: outcome.unknown_reads,
            traps: outcome.traps,
            logs: outcome.logs,
            recorded_status: None,
            expectation: None,
        }
    }

    /// The row of the summary's table that this exchange counts in.
    pub fn row(&self) -> RowKey {
        RowKey {
            route: self.route.clone(),
            plugin: self.plugin.as_deref().unwrap_or_default().to_owned(),
            rule: self.rule.clone().unwrap_or_default(),
        }
    }

    /// The sum over all plugins.
    pub fn total_cost(&self) -> Cost {
        let mut total = Cost::default();
        for cost in &self.costs {
            total.add(cost.cost);
        }
        total
    }
}

/// The rule inside details of the form that Envoy's RBAC filter gives them:
/// `rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]`.
pub fn rule_of(details: &str) -> Option<&str> {
    let (_, inner) = details.strip_suffix(']')?.split_once('[')?;
    (!inner.is_empty()).then_some(inner)
}

/// The rule in the name of a counter of the form `….verdict.allowed.rule.RULE`:
/// a request that passes has no details, and this is how sluice's filters name
/// the rule that let it.
fn allowing_rule(metric: &str) -> Option<&str> {
    metric
        .split_once(".verdict.allowed.rule.")
        .map(|(_, rule)| rule)
}

/// How many requests a report must tell apart is not known beforehand, and
/// paths carry identifiers: segments with a digit are folded into `*`.
pub fn folded_route(request: &Headers) -> String {
    let text =
        |name: &[u8]| String::from_utf8_lossy(request.get(name).unwrap_or_default()).into_owned();
    let path = text(b":path");
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folded: Vec<&str> = path.split('/').map(fold_segment).collect();
    format!("{} {}", text(b":method"), folded.join("/"))
}

fn fold_segment(segment: &str) -> &str {
    let is_version = segment.len() <= 3 && segment.starts_with('v');
    if !is_version && segment.bytes().any(|byte| byte.is_ascii_digit()) {
        "*"
    } else {
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_rule_in_details() {
        let details = "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]";
        assert_eq!(rule_of(details), Some("ns[a]-policy[b]-rule[0]"));
        assert_eq!(
            rule_of("rbac_access_denied_matched_policy[none]"),
            Some("none")
        );
        assert_eq!(rule_of("via_upstream"), None);
        assert_eq!(rule_of("x[]"), None);
    }

    #[test]
    fn finds_the_rule_in_a_counter() {
        assert_eq!(
            allowing_rule("x_total.verdict.allowed.rule.ns[a]-policy[b]-rule[0]"),
            Some("ns[a]-policy[b]-rule[0]")
        );
        assert_eq!(allowing_rule("x_total.verdict.denied.rule.none"), None);
    }

    #[test]
    fn folds_identifiers_out_of_routes() {
        let headers = Headers::from_iter([
            (":method", "POST"),
            (":path", "/v1/payments/42/items?page=3"),
        ]);
        assert_eq!(folded_route(&headers), "POST /v1/payments/*/items");
    }
}
