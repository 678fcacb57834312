//! Secrets out, lengths kept.

use super::ImportReport;
use crate::fields::is_field_name;
use crate::{Exchange, Fields, Recorded};

/// What an import redacts unless told otherwise: the headers that carry credentials.
pub const DEFAULT_REDACTED: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

/// Headers and trailers whose values become asterisks, one for each byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    names: Vec<String>,
}

impl Default for Redaction {
    /// [`DEFAULT_REDACTED`].
    fn default() -> Self {
        Self::of(DEFAULT_REDACTED)
    }
}

impl Redaction {
    /// Nothing: for a capture without secrets, or one that a token check must replay.
    pub fn none() -> Self {
        Self { names: Vec::new() }
    }

    /// These headers, in any case.
    pub fn of<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut names: Vec<_> = names
            .into_iter()
            .map(|name| name.as_ref().to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        Self { names }
    }

    /// The names in lower case, in byte order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// These headers too.
    #[must_use]
    pub fn and<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let more = names.into_iter().map(|name| name.as_ref().to_owned());
        Self::of(self.names.into_iter().chain(more))
    }
}

/// Whether this is the name of a header (RFC 9110 §5.1) in any case. Pseudo-headers
/// are none.
pub fn is_header_name(text: &str) -> bool {
    !text.starts_with(':') && is_field_name(&text.to_ascii_lowercase())
}

/// Redacts the exchanges of one import, and counts the values by name.
pub(super) struct Redactor<'r> {
    names: &'r [String],
    counts: Vec<u64>,
}

impl<'r> Redactor<'r> {
    pub(super) fn new(redaction: &'r Redaction) -> Self {
        Self {
            names: &redaction.names,
            counts: vec![0; redaction.names.len()],
        }
    }

    /// Replaces the values.
    pub(super) fn apply(&mut self, exchange: &mut Exchange<'_>) {
        if self.names.is_empty() {
            return;
        }
        self.apply_to(&mut exchange.request.headers);
        self.apply_known(&mut exchange.request.trailers);
        if let Recorded::Known(response) = &mut exchange.response {
            self.apply_to(&mut response.headers);
            self.apply_known(&mut response.trailers);
        }
    }

    /// Says what was replaced, and which names never came.
    pub(super) fn report_to(&self, report: &mut ImportReport) {
        report.redacted_values = self.counts.iter().sum();
        let names = self.names.iter().zip(&self.counts);
        report.unmet_redactions = names
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| name.clone())
            .collect();
    }

    fn apply_known(&mut self, fields: &mut Recorded<Fields<'_>>) {
        if let Recorded::Known(fields) = fields {
            self.apply_to(fields);
        }
    }

    fn apply_to(&mut self, fields: &mut Fields<'_>) {
        for field in &mut fields.0 {
            let mut counts = self.names.iter().zip(&mut self.counts);
            if let Some((_, count)) = counts.find(|(name, _)| **name == field.name) {
                field.value = vec![b'*'; field.value.len()].into();
                *count += 1;
            }
        }
    }
}
