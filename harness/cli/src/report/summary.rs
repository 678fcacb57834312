//! The summary of a replay: counts, with a few examples of everything.

use std::collections::BTreeMap;

use sluice_host::{MetricKind, OutcomeKind};

use super::cost::{self, Costs};
use super::exchange::{ExchangeReport, UnscriptedCall};
use crate::callouts::{self, Entry, Script};

/// Rows of a table and names in a list. Routes, rules and metric names can
/// come from clients, and a report must not grow with what a client sends.
const MAX_ROWS: usize = 1000;

/// Examples kept of each kind of finding.
const MAX_EXAMPLES: usize = 5;

/// Where everything goes that comes after [`MAX_ROWS`].
pub const OTHER: &str = "(other)";

/// Counts by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Reached the upstream.
    pub forwarded: u64,
    /// Answered by a plugin or by Envoy.
    pub replied: u64,
    /// Reset.
    pub reset: u64,
    /// Paused and never resumed.
    pub held: u64,
}

impl Outcomes {
    /// Counts one more.
    pub fn count(&mut self, kind: OutcomeKind) {
        match kind {
            OutcomeKind::Forwarded => self.forwarded += 1,
            OutcomeKind::Replied => self.replied += 1,
            OutcomeKind::Reset => self.reset += 1,
            OutcomeKind::Held => self.held += 1,
        }
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.forwarded + self.replied + self.reset + self.held
    }

    fn merge(&mut self, other: Self) {
        self.forwarded += other.forwarded;
        self.replied += other.replied;
        self.reset += other.reset;
        self.held += other.held;
    }
}

/// One row of the table: who decided what about which traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Route name, or method and path with identifiers folded.
    pub route: String,
    /// The deciding plugin; empty where none did.
    pub plugin: String,
    /// The deciding rule; empty where none is known.
    pub rule: String,
}

/// A count with the ids of the first exchanges behind it, in recording order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// How often.
    pub count: u64,
    /// Sequence number and id of the first few.
    examples: Vec<(u64, String)>,
}

impl Finding {
    fn note(&mut self, report: &ExchangeReport) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push((report.sequence, report.id.clone()));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.examples.extend(other.examples.iter().cloned());
        self.examples.sort();
        self.examples.truncate(MAX_EXAMPLES);
    }

    /// The ids of the first exchanges of this kind.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|(_, id)| id.as_str())
    }
}

/// What happened to one metric over the whole replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricTotal {
    /// Its kind.
    pub kind: MetricKind,
    /// Sum of changes, or of recorded values for a histogram.
    pub change: i64,
    /// How often it was touched.
    pub operations: u64,
}

/// What became of one entry of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryUse {
    /// Where it stands: `callouts[2]`.
    pub entry: String,
    /// Its line in the file, counted from 1.
    pub line: usize,
    /// The cluster that it is about.
    pub cluster: String,
    /// Its answer in a word or two.
    pub answer: String,
    /// How many calls it answered; an entry that answered none is untested.
    pub calls: u64,
}

/// Everything that is said about a replay as a whole.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Counts over all exchanges.
    pub outcomes: Outcomes,
    /// Final status → exchanges; `None` where there is no response.
    pub statuses: BTreeMap<Option<u16>, u64>,
    /// The table.
    pub rows: BTreeMap<RowKey, Outcomes>,
    /// (recorded, replayed) status → exchanges, where the two differ.
    pub differences: BTreeMap<(u16, Option<u16>), Finding>,
    /// Exchanges whose recorded status was compared.
    pub compared: u64,
    /// Exchanges that carried an expectation.
    pub expected: u64,
    /// What was expected and not met, by field.
    pub unmet: BTreeMap<String, Finding>,
    /// Exchanges with an unmet expectation.
    pub unmet_exchanges: u64,
    /// Facts that a plugin read and the recording does not have, by attribute.
    pub unknown: BTreeMap<String, Finding>,
    /// Exchanges in which a plugin read such a fact.
    pub unknown_exchanges: u64,
    /// Calls that nothing answered.
    pub unscripted: BTreeMap<UnscriptedCall, Finding>,
    /// Place of a scripted entry → calls that it answered.
    pub answered: BTreeMap<usize, u64>,
    /// The entries of the script with their use, once the replay has ended.
    pub entries: Vec<EntryUse>,
    /// Metrics touched.
    pub metrics: BTreeMap<String, MetricTotal>,
    /// Cost by plugin.
    pub costs: Costs,
    /// (plugin, callback, reason) → exchanges in which a guest failed.
    pub traps: BTreeMap<(String, String, String), Finding>,
}

impl Summary {
    /// Counts one exchange.
    pub fn add(&mut self, report: &ExchangeReport) {
        self.outcomes.count(report.kind);
        *self.statuses.entry(report.status).or_default() += 1;
        bounded(&mut self.rows, report.row(), other_row).count(report.kind);
        self.add_comparison(report);
        self.add_unknown(report);
        self.add_calls(report);
        self.add_effects(report);
    }

    fn add_comparison(&mut self, report: &ExchangeReport) {
        if let Some(recorded) = report.recorded_status {
            self.compared += 1;
            if report.status != Some(recorded) {
                self.differences
                    .entry((recorded, report.status))
                    .or_default()
                    .note(report);
            }
        }
        let Some(failures) = &report.expectation else {
            return;
        };
        self.expected += 1;
        self.unmet_exchanges += u64::from(!failures.is_empty());
        for failure in failures {
            bounded(&mut self.unmet, failure.field.clone(), other_name).note(report);
        }
    }

    fn add_unknown(&mut self, report: &ExchangeReport) {
        self.unknown_exchanges += u64::from(!report.unknown.is_empty());
        for attribute in &report.unknown {
            bounded(&mut self.unknown, attribute.clone(), other_name).note(report);
        }
    }

    fn add_calls(&mut self, report: &ExchangeReport) {
        for call in &report.unscripted {
            bounded(&mut self.unscripted, call.clone(), other_call).note(report);
        }
        for (entry, calls) in &report.answered {
            *self.answered.entry(*entry).or_default() += calls;
        }
    }

    fn add_effects(&mut self, report: &ExchangeReport) {
        for metric in &report.metrics {
            let total = bounded_with(
                &mut self.metrics,
                metric.name.to_string(),
                other_name,
                || MetricTotal {
                    kind: metric.kind,
                    change: 0,
                    operations: 0,
                },
            );
            total.change = total.change.saturating_add(metric.change);
            total.operations += metric.operations;
        }
        for cost in &report.costs {
            match self.costs.get_mut(&*cost.plugin) {
                Some(known) => known.record(cost.cost),
                None => self
                    .costs
                    .entry(cost.plugin.to_string())
                    .or_default()
                    .record(cost.cost),
            }
        }
        for trap in &report.traps {
            let key = (
                trap.plugin.to_string(),
                trap.callback.to_owned(),
                trap.reason.clone(),
            );
            let other = || (OTHER.to_owned(), String::new(), String::new());
            bounded(&mut self.traps, key, other).note(report);
        }
    }

    /// Says what became of each entry of the script.
    pub fn account_for(&mut self, script: &Script) {
        let used = |(place, entry): (usize, &Entry)| EntryUse {
            entry: callouts::entry_path(place),
            line: entry.line,
            cluster: entry.cluster.clone(),
            answer: entry.answer.name(),
            calls: self.answered.get(&place).copied().unwrap_or_default(),
        };
        self.entries = script.entries().iter().enumerate().map(used).collect();
    }

    /// Entries of the script that answered no call.
    pub fn untested(&self) -> impl Iterator<Item = &EntryUse> {
        self.entries.iter().filter(|entry| entry.calls == 0)
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(other.outcomes);
        self.compared += other.compared;
        self.expected += other.expected;
        self.unmet_exchanges += other.unmet_exchanges;
        self.unknown_exchanges += other.unknown_exchanges;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (key, outcomes) in &other.rows {
            bounded(&mut self.rows, key.clone(), other_row).merge(*outcomes);
        }
        merge_findings(&mut self.differences, &other.differences);
        merge_findings(&mut self.unmet, &other.unmet);
        merge_findings(&mut self.unknown, &other.unknown);
        merge_findings(&mut self.unscripted, &other.unscripted);
        merge_findings(&mut self.traps, &other.traps);
        for (entry, calls) in &other.answered {
            *self.answered.entry(*entry).or_default() += calls;
        }
        self.merge_metrics(&other.metrics);
        cost::merge(&mut self.costs, &other.costs);
    }

    fn merge_metrics(&mut self, other: &BTreeMap<String, MetricTotal>) {
        for (name, theirs) in other {
            let fresh = || MetricTotal {
                kind: theirs.kind,
                change: 0,
                operations: 0,
            };
            let mine = bounded_with(&mut self.metrics, name.clone(), other_name, fresh);
            mine.change = mine.change.saturating_add(theirs.change);
            mine.operations += theirs.operations;
        }
    }
}

fn merge_findings<K: Ord + Clone>(mine: &mut BTreeMap<K, Finding>, theirs: &BTreeMap<K, Finding>) {
    for (key, finding) in theirs {
        mine.entry(key.clone()).or_default().merge(finding);
    }
}

fn other_row() -> RowKey {
    RowKey {
        route: OTHER.to_owned(),
        ..RowKey::default()
    }
}

fn other_call() -> UnscriptedCall {
    UnscriptedCall {
        cluster: OTHER.to_owned(),
        target: None,
    }
}

fn other_name() -> String {
    OTHER.to_owned()
}

/// The entry at `key`, or at `other` once the map is full.
fn bounded<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, key: K, other: impl Fn() -> K) -> &mut V {
    bounded_with(map, key, other, V::default)
}

fn bounded_with<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    other: impl Fn() -> K,
    fresh: impl Fn() -> V,
) -> &mut V {
    let key = if map.len() < MAX_ROWS || map.contains_key(&key) {
        key
    } else {
        other()
    };
    map.entry(key).or_insert_with(fresh)
}
