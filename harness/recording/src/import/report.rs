//! What an import did, in numbers.

use std::collections::BTreeMap;

use super::{Format, JoinOutcome};
use crate::diagnostic::{Code, Diagnostic};

/// What came of an import. Nothing that was passed over is missing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The format, given or found out.
    pub format: Option<Format>,
    /// Exchanges that reached the sink.
    pub exchanges: u64,
    /// Bodies of which the capture kept only the beginning.
    pub truncated_bodies: u64,
    /// Response bodies that the archive holds decoded: their bytes on the wire are unknown.
    pub decoded_bodies: u64,
    /// Header values replaced by the redaction.
    pub redacted_values: u64,
    /// Headers to redact that no exchange had.
    pub unmet_redactions: Vec<String>,
    /// What was passed over, by kind: entries that are no HTTP, socket traces, other log lines.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Keys or operators of an access log that no attribute or header stands for.
    pub ignored_keys: BTreeMap<String, u64>,
    /// Keys that the caller gave an operator for and that no line had.
    pub unused_log_keys: Vec<String>,
    /// The outcome of joining a tap with an access log.
    pub joins: Option<JoinReport>,
}

/// Distinct ignored keys that are counted by name; the rest are counted together,
/// so that a log whose keys are data cannot fill memory.
const MAX_IGNORED_KEYS: usize = 256;

impl ImportReport {
    pub(super) fn skip(&mut self, kind: &'static str) {
        *self.skipped.entry(kind).or_default() += 1;
    }

    pub(super) fn ignore_key(&mut self, key: &str) {
        if let Some(count) = self.ignored_keys.get_mut(key) {
            *count += 1;
            return;
        }
        let name = if self.ignored_keys.len() < MAX_IGNORED_KEYS {
            key
        } else {
            "(others)"
        };
        *self.ignored_keys.entry(name.to_owned()).or_default() += 1;
    }

    pub(super) fn absorb_log(&mut self, log: Self) {
        self.unused_log_keys = log.unused_log_keys;
        for (kind, count) in log.skipped {
            *self.skipped.entry(kind).or_default() += count;
        }
        for (key, count) in log.ignored_keys {
            *self.ignored_keys.entry(key).or_default() += count;
        }
    }

    pub(super) fn require_exchanges(self) -> Result<Self, Diagnostic> {
        if self.exchanges > 0 {
            return Ok(self);
        }
        let skipped: Vec<_> = self
            .skipped
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let found = match skipped.is_empty() {
            true => "nothing".to_owned(),
            false => format!("only {}", skipped.join(", ")),
        };
        Err(Diagnostic::new(
            Code::NoExchanges,
            found,
            "at least one HTTP exchange",
        ))
    }
}

/// How many exchanges of a tap an access-log line could be found for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JoinReport {
    /// Exchanges with exactly one line, which has no other exchange.
    pub joined: u64,
    /// Exchanges without a line: what the log would have told stays unknown.
    pub unmatched: u64,
    /// Exchanges with several lines, or sharing one: likewise.
    pub ambiguous: u64,
    /// Lines in the access log.
    pub log_lines: u64,
    /// Lines that no exchange claimed.
    pub unused_log_lines: u64,
}

impl JoinReport {
    pub(super) fn count(&mut self, outcome: JoinOutcome) {
        match outcome {
            JoinOutcome::Joined => self.joined += 1,
            JoinOutcome::Unmatched => self.unmatched += 1,
            JoinOutcome::Ambiguous => self.ambiguous += 1,
        }
    }
}
