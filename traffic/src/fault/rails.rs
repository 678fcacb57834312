//! The option `faults`: guard rails for faults in production.

use sluice_policy::json::{Node, Object};
use sluice_policy::{Attribute, AttributeSet, DiagnosticCode, Diagnostics, Fact, Request, field};

use super::header_faults::{self, HeaderFaults};
use super::timestamp;
use crate::config::{MILLION, read_percentage};

/// What faults keep to, whatever the resources say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rails {
    /// `expires`: seconds since 1970 from which on no fault is injected.
    pub expires_s: Option<u64>,
    /// `optIn`: only requests with this header meet faults.
    pub opt_in: Option<OptIn>,
    /// `maxAffectedPercentage`: most requests of a minute that may meet a fault, in
    /// millionths.
    pub most_affected: u32,
    /// `maxActiveFaults`: most requests of one worker that are delayed at a time.
    pub most_active: usize,
    /// `headerFaults`: what clients may ask for themselves.
    pub header_faults: Option<HeaderFaults>,
}

/// A header that a request must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptIn {
    /// Its name, in lower case.
    pub header: Box<str>,
    /// What one of its lines must say, if not just anything.
    pub value: Option<Box<str>>,
}

/// `maxActiveFaults` where it is left out, and at most: the VM holds no more.
const MOST_ACTIVE: (usize, usize) = (1_000, 8_000);

impl Default for Rails {
    fn default() -> Self {
        Self {
            expires_s: None,
            opt_in: None,
            most_affected: MILLION,
            most_active: MOST_ACTIVE.0,
            header_faults: None,
        }
    }
}

impl Rails {
    /// Takes `faults` of a configuration. `has_faults`: whether the resources have any; if
    /// so, an end should be in sight.
    pub(super) fn read(
        options: &mut Object<'_>,
        has_faults: bool,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut rails = Self::default();
        if let Some(node) = options.take("faults") {
            rails.fill(&node, diagnostics);
        }
        let may_fault = has_faults || rails.header_faults.is_some();
        if may_fault && rails.expires_s.is_none() && !diagnostics.has_errors() {
            diagnostics.warning(
                DiagnosticCode::MissingKey,
                "faults.expires",
                "nothing",
                "a time from which on no fault is injected",
            );
        }
        rails
    }

    fn fill(&mut self, node: &Node<'_>, diagnostics: &mut Diagnostics) {
        let Some(mut object) = node.object(diagnostics) else {
            return;
        };
        let expires = object.take("expires");
        let opt_in = object.take("optIn");
        let most_affected = object.take("maxAffectedPercentage");
        let most_active = object.take("maxActiveFaults");
        let header_faults = object.take("headerFaults");
        let rate_limit = object.take("responseRateLimit");
        object.finish(diagnostics);
        if let Some(rate_limit) = rate_limit {
            let expected =
                "no limit of throughput: a Wasm filter cannot let a body through at a rate";
            rate_limit.error(DiagnosticCode::NotPossibleInWasm, expected, diagnostics);
        }
        self.expires_s = expires.and_then(|expires| read_expiry(&expires, diagnostics));
        self.opt_in = opt_in.and_then(|opt_in| OptIn::read(&opt_in, diagnostics));
        self.header_faults = header_faults.and_then(|node| header_faults::read(&node, diagnostics));
        if let Some(share) = most_affected.and_then(|node| read_percentage(&node, diagnostics)) {
            self.most_affected = share;
        }
        if let Some(most) =
            most_active.and_then(|node| node.integer(0..=MOST_ACTIVE.1, diagnostics))
        {
            self.most_active = most;
        }
    }

    /// Says that no fault is injected any more.
    pub(super) fn warn_if_expired(&self, now_s: Option<u64>, diagnostics: &mut Diagnostics) {
        if self.expires_s.is_some_and(|end| Some(end) <= now_s) {
            let (found, expected) = (
                "a time that has passed",
                "one to come: no fault is injected",
            );
            diagnostics.warning(DiagnosticCode::Expired, "faults.expires", found, expected);
        }
    }

    /// What they look at.
    pub(super) fn demand(&self) -> AttributeSet {
        let mut demand = AttributeSet::EMPTY;
        if self.opt_in.is_some() || self.header_faults.is_some() {
            demand.insert(Attribute::Headers);
        }
        demand
    }

    /// How long faults are still on, in milliseconds; 0 if they are not. Without a clock
    /// it cannot be known that they are.
    pub(super) fn left_ms(&self, now_ms: Option<u64>) -> u64 {
        match (self.expires_s, now_ms) {
            (None, _) => u64::MAX,
            (Some(_), None) => 0,
            (Some(expires_s), Some(now_ms)) => {
                expires_s.saturating_mul(1_000).saturating_sub(now_ms)
            }
        }
    }
}

impl OptIn {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let name = object.require("header", diagnostics);
        let value = object.take("value");
        object.finish(diagnostics);
        let value = value.map(|value| value.text(diagnostics));
        let name = name?;
        let header = name.text(diagnostics)?;
        if !field::is_name(header) {
            let expected = "the name of a header";
            name.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
        }
        Some(Self {
            header: header.to_ascii_lowercase().into(),
            value: match value {
                Some(value) => Some(value?.into()),
                None => None,
            },
        })
    }

    /// Whether a request asks for faults. One whose headers are not known does not.
    pub(super) fn is_in(&self, request: &Request<'_>) -> bool {
        let Fact::Present(lines) = request.headers else {
            return false;
        };
        lines.iter().any(|(name, value)| {
            *name == self.header.as_bytes()
                && self
                    .value
                    .as_ref()
                    .is_none_or(|wanted| *value == wanted.as_bytes())
        })
    }
}

fn read_expiry(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u64> {
    let expiry = timestamp::read(node.string(diagnostics)?);
    if expiry.is_none() {
        let expected = "a time such as \"2026-01-31T23:59:59Z\" (RFC 3339)";
        node.error(DiagnosticCode::InvalidTimestamp, expected, diagnostics);
    }
    expiry
}
