//! What operators see of decisions: counters, gauges and log lines. Never a token.
//!
//! Envoy has no labels for Wasm metrics; the last parts of a name become labels
//! through `stats_tags` (docs/filters/jwt.md has the snippet).

use sluice_adapter::{Counters, Host, Level, MetricKind};
use sluice_jwt::{Identity, KeyReport, KeySource, Remote, SourceId, Status, Tier};

use crate::keyring::Keyring;

const ALLOWED: &str = "sluice_jwt_decisions_total.verdict.allowed.identity.";
const REFUSED: &str = "sluice_jwt_decisions_total.verdict.refused.status.";
const VERIFIED: &str = "sluice_jwt_verifications_total.by.";
const PARKED: &str = "sluice_jwt_parked_total";
const FETCHES: &str = "sluice_jwt_fetches_total";
const AGE: &str = "sluice_jwt_keys_age_seconds.source.";
const KEYS: &str = "sluice_jwt_keys.source.";
const FAILURES: &str = "sluice_jwt_keys_failed_fetches.source.";

/// Who knew whether a signature is right.
#[derive(Debug, Clone, Copy)]
pub enum VerifiedBy {
    /// Nobody had to be asked again.
    Memory,
    /// The host, or code of ours.
    Tier(Tier),
}

/// Counts and logs.
pub struct Report {
    counters: Counters,
    sources: Vec<Source>,
}

/// What is told about a source whose keys are fetched.
struct Source {
    id: SourceId,
    /// Where it is, in words.
    place: String,
    gauges: [Gauge; 3],
    /// Failures in a row that have been logged.
    failures: u64,
}

/// A value that the host is told of when it changes.
#[derive(Default)]
struct Gauge {
    id: Option<u32>,
    value: Option<u64>,
}

impl Report {
    /// Nothing so far.
    pub fn new(sources: &[KeySource]) -> Self {
        let remote = |(number, source): (usize, &KeySource)| match source {
            KeySource::Inline(_) => None,
            KeySource::Remote(Remote {
                authority, path, ..
            }) => Some(Source {
                id: SourceId(number),
                place: place(authority, path),
                gauges: Default::default(),
                failures: 0,
            }),
        };
        Self {
            counters: Counters::default(),
            sources: sources.iter().enumerate().filter_map(remote).collect(),
        }
    }

    /// Reports a request that passes.
    pub fn passed(&mut self, host: Host<'_>, identity: Option<&Identity>) {
        let member = if identity.is_some() { "some" } else { "none" };
        self.counters.increment(host, ALLOWED, member);
        if host.logs(Level::Debug) {
            // The configuration's text, never the client's.
            let issuer = identity.map_or("none", |identity| match &*identity.issuer {
                "" => "any",
                issuer => issuer,
            });
            let line = format!("sluice-jwt verdict=allowed issuer={issuer}");
            host.log(Level::Debug, &line);
        }
    }

    /// Reports a request that is refused.
    pub fn refused(&mut self, host: Host<'_>, status: Status) {
        self.counters.increment(host, REFUSED, &slug(status.text()));
        if host.logs(Level::Debug) {
            let line = format!("sluice-jwt verdict=refused status=\"{}\"", status.text());
            host.log(Level::Debug, &line);
        }
    }

    /// Reports that a request waits for keys.
    pub fn parked(&mut self, host: Host<'_>) {
        self.counters.increment(host, PARKED, "");
    }

    /// Reports who knew whether a signature is right.
    pub fn verified(&mut self, host: Host<'_>, by: VerifiedBy) {
        let by = match by {
            VerifiedBy::Memory => "cache",
            VerifiedBy::Tier(Tier::Host) => "host",
            VerifiedBy::Tier(Tier::InVm) => "vm",
        };
        self.counters.increment(host, VERIFIED, by);
    }

    /// Reports fetches that begin.
    pub fn fetching(&mut self, host: Host<'_>, fetches: usize) {
        for _ in 0..fetches {
            self.counters.increment(host, FETCHES, "");
        }
    }

    /// Hands over what was counted and not told yet, and how the keys are.
    pub fn flush(&mut self, host: Host<'_>, keyring: &Keyring) {
        self.counters.flush(host);
        let now_ms = host.now_ms().unwrap_or_default();
        for source in &mut self.sources {
            if let Some(report) = keyring.report(source.id, now_ms) {
                source.tell(host, &report);
            }
        }
    }
}

/// Without the query, which may hold what is not for everybody who reads metrics.
fn place(authority: &str, path: &str) -> String {
    let end = path.find('?').unwrap_or(path.len());
    [authority, path.get(..end).unwrap_or_default()].concat()
}

impl Source {
    fn tell(&mut self, host: Host<'_>, report: &KeyReport) {
        let values = [
            (AGE, report.age_ms.map(|age_ms| age_ms / 1_000)),
            (KEYS, u64::try_from(report.keys).ok()),
            (FAILURES, Some(report.failures)),
        ];
        for (gauge, (family, value)) in self.gauges.iter_mut().zip(values) {
            gauge.set(host, family, &self.place, value);
        }
        if report.failures > self.failures
            && let Some(failure) = &report.last_failure
        {
            let place = &self.place;
            let line = format!("sluice-jwt: keys of {place} were not fetched: {failure}");
            host.log(Level::Warn, &line);
        }
        self.failures = report.failures;
    }
}

impl Gauge {
    /// What cannot be told is lost: a filter does its work on hosts without metrics, too.
    fn set(&mut self, host: Host<'_>, family: &str, member: &str, value: Option<u64>) {
        if self.value == value {
            return;
        }
        self.value = value;
        let Some(value) = value else { return };
        if self.id.is_none() {
            let name = [family, member].concat();
            self.id = host.define_metric(MetricKind::Gauge, &name).ok();
        }
        if let Some(id) = self.id
            && host.record_metric(id, value).is_err()
        {
            host.log(Level::Warn, "the host lost a gauge");
        }
    }
}

/// `Jwt is expired` as a part of a name: `jwt_is_expired`.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let length = slug.trim_end_matches('_').len();
    slug.truncate(length);
    slug
}

#[cfg(test)]
mod tests {
    use super::{place, slug};
    use sluice_jwt::Status;
    use std::collections::BTreeSet;

    #[test]
    fn a_query_is_no_part_of_a_name() {
        assert_eq!(
            place("a.example:8443", "/keys?secret"),
            "a.example:8443/keys"
        );
        assert_eq!(place("a.example", "/"), "a.example/");
    }

    #[test]
    fn the_part_of_a_name_keeps_statuses_apart() {
        assert_eq!(slug(Status::Expired.text()), "jwt_is_expired");
        assert_eq!(
            slug(Status::BadIssuer.text()),
            "jwt_payload_iss_field_is_not_a_string"
        );
        let slugs: BTreeSet<_> = Status::ALL
            .iter()
            .map(|status| slug(status.text()))
            .collect();
        let texts: BTreeSet<_> = Status::ALL.iter().map(|status| status.text()).collect();
        assert_eq!(slugs.len(), texts.len());
    }
}
