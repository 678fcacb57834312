//! Keeps a failing subset from taking its callers down: circuit breakers of a
//! DestinationRule.
//!
//! Envoy takes single endpoints out of a cluster. Here the subset is what is taken out:
//! after as many failures in a row as `outlierDetection` says it is ejected for a while,
//! and its requests go to the other subsets of their route, as far as `maxEjectionPercent`
//! of the route's weight allows. Limits of requests refuse what is above them, as Envoy's
//! do.
//!
//! A [`Breaker`] belongs to a destination, whatever routes lead to it; whether a route does
//! without it is decided for each request by [`choose`]. All of it is the state of one VM,
//! which is one worker of the proxy.

mod choice;
mod upstreams;

#[cfg(test)]
mod tests;

pub use crate::outcome::Outcome;
pub use choice::{Choice, Weighted, choose};
pub use upstreams::{Admission, Upstreams};

use sluice_policy::Reply;

use crate::destination_rule::{Limits, Outlier, SubsetPolicy};

/// Longest ejection, if the first one is not longer; Envoy's default, which Istio leaves.
const MOST_EJECTION_MS: u64 = 300_000;

/// The circuit breaker of one destination: a subset of a host, at a port.
#[derive(Debug, Clone)]
pub struct Breaker {
    limits: Limits,
    outlier: Option<Outlier>,
    /// Requests under way.
    active: u32,
    in_a_row: InARow,
    ejected: Option<Ejected>,
    /// By how much the next ejection is longer than the first, less one.
    times: u32,
    /// When the last ejection was over.
    back_ms: u64,
}

/// Failures without a success in between.
#[derive(Debug, Clone, Copy, Default)]
struct InARow {
    any_5xx: u32,
    gateway: u32,
    local_origin: u32,
}

#[derive(Debug, Clone, Copy)]
struct Ejected {
    since_ms: u64,
    for_ms: u64,
}

/// What a subset was ejected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `consecutive5xxErrors`.
    Consecutive5xx,
    /// `consecutiveGatewayErrors`.
    ConsecutiveGateway,
    /// `consecutiveLocalOriginFailures`.
    ConsecutiveLocalOrigin,
}

impl Cause {
    /// Its name, for counters and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consecutive5xx => "consecutive_5xx",
            Self::ConsecutiveGateway => "consecutive_gateway",
            Self::ConsecutiveLocalOrigin => "consecutive_local_origin",
        }
    }
}

/// A subset has just been ejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// What for.
    pub cause: Cause,
    /// For how long, in milliseconds.
    pub for_ms: u64,
}

/// Why a request is answered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its subset has as many requests under way as it may have.
    Overflow,
    /// Every subset of its route is ejected.
    Ejected,
}

impl Refusal {
    /// Its name, for counters and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Ejected => "ejected",
        }
    }

    /// The answer, which is Envoy's: 503, with the header by which its clients know that
    /// trying again does not help. A local reply of a module has no response flag, so it
    /// is the details that tell it from Envoy's.
    pub fn reply(self) -> Reply {
        let (headers, body, details): (_, &[u8], &[u8]) = match self {
            Self::Overflow => (
                vec![(b"x-envoy-overloaded".to_vec(), b"true".to_vec())],
                b"upstream connect error or disconnect/reset before headers. reset reason: overflow",
                b"circuit_breaker_overflow",
            ),
            Self::Ejected => (
                Vec::new(),
                b"no healthy upstream",
                b"circuit_breaker_ejected",
            ),
        };
        Reply {
            status: 503,
            headers,
            body: body.to_vec(),
            details: details.to_vec(),
            grpc_status: None,
        }
    }
}

impl Breaker {
    /// A breaker for what a rule says of a subset.
    pub fn new(policy: &SubsetPolicy) -> Self {
        Self {
            limits: policy.limits,
            outlier: policy.outlier,
            active: 0,
            in_a_row: InARow::default(),
            ejected: None,
            times: 0,
            back_ms: 0,
        }
    }

    /// Counts a request in, unless there are as many as there may be. Each that is counted
    /// in ends with [`on_end`](Self::on_end).
    ///
    /// # Errors
    ///
    /// [`Refusal::Overflow`].
    pub fn admit(&mut self) -> Result<(), Refusal> {
        let most = self.limits.max_requests.unwrap_or(u32::MAX);
        if self.active >= most {
            return Err(Refusal::Overflow);
        }
        self.active += 1;
        Ok(())
    }

    /// A request that was admitted has ended.
    pub fn on_end(&mut self) {
        self.active = self.active.saturating_sub(1);
    }

    /// Requests under way.
    pub fn active(&self) -> u32 {
        self.active
    }

    /// Since when the subset is ejected; `None` when it is not, or no more.
    pub fn ejected_since(&mut self, now_ms: u64) -> Option<u64> {
        let ejected = self.ejected.as_mut()?;
        // A clock that steps back must not keep a subset out until it has caught up.
        ejected.since_ms = ejected.since_ms.min(now_ms);
        if now_ms - ejected.since_ms < ejected.for_ms {
            return Some(ejected.since_ms);
        }
        self.back_ms = ejected.since_ms + ejected.for_ms;
        self.ejected = None;
        self.in_a_row = InARow::default();
        None
    }

    /// A request that was admitted has come out so. Tells of an ejection when it is the one
    /// failure too many. What was sent before an ejection and comes out during it does not
    /// count: Envoy begins again when a host is back, too.
    pub fn on_response(&mut self, now_ms: u64, outcome: Outcome) -> Option<Ejection> {
        let outlier = self.outlier?;
        if self.ejected_since(now_ms).is_some() {
            return None;
        }
        let cause = self.in_a_row.count(outcome, &outlier)?;
        let for_ms = self.eject(now_ms, &outlier);
        Some(Ejection { cause, for_ms })
    }

    /// Ejections grow with their number; each whole `interval` that a subset has been well
    /// takes one of them back.
    fn eject(&mut self, now_ms: u64, outlier: &Outlier) -> u64 {
        let first_ms = u64::from(outlier.base_ejection_ms);
        let most_ms = first_ms.max(MOST_EJECTION_MS);
        let well = now_ms.saturating_sub(self.back_ms) / u64::from(outlier.interval_ms.max(1));
        let well = u32::try_from(well).unwrap_or(u32::MAX);
        let times = self.times.saturating_sub(well);
        // Beyond the longest they do not add up, or it would take long to forget them.
        let is_longest = first_ms.saturating_mul(times.into()) >= most_ms;
        self.times = times + u32::from(!is_longest);
        let for_ms = first_ms.saturating_mul(self.times.into()).min(most_ms);
        self.ejected = Some(Ejected {
            since_ms: now_ms,
            for_ms,
        });
        for_ms
    }
}

impl InARow {
    /// Counts an outcome; tells what the subset is to be ejected for.
    fn count(&mut self, outcome: Outcome, outlier: &Outlier) -> Option<Cause> {
        let is_split = outlier.consecutive_local_origin.is_some();
        let status = match outcome {
            Outcome::Unjudged | Outcome::Left => return None,
            Outcome::LocalOrigin(_) if is_split => {
                self.local_origin = self.local_origin.saturating_add(1);
                let most = outlier.consecutive_local_origin.unwrap_or_default();
                return is_reached(self.local_origin, most)
                    .then_some(Cause::ConsecutiveLocalOrigin);
            }
            Outcome::LocalOrigin(status) => status,
            Outcome::Answer(status) => {
                self.local_origin = 0;
                status
            }
        };
        self.count_status(status);
        let is_gateway = is_reached(self.gateway, outlier.consecutive_gateway);
        let is_5xx = is_reached(self.any_5xx, outlier.consecutive_5xx);
        match (is_gateway, is_5xx) {
            (true, _) => Some(Cause::ConsecutiveGateway),
            (false, true) => Some(Cause::Consecutive5xx),
            (false, false) => None,
        }
    }

    fn count_status(&mut self, status: u16) {
        let next = |count: u32, is_failure| match is_failure {
            true => count.saturating_add(1),
            false => 0,
        };
        self.any_5xx = next(self.any_5xx, status >= 500);
        self.gateway = next(self.gateway, matches!(status, 502..=504));
    }
}

/// Whether a count has come to its limit; 0 is no limit.
fn is_reached(count: u32, limit: u32) -> bool {
    limit > 0 && count >= limit
}
