//! Secrets out, lengths kept.

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

    /// Replaces the values, and says how many.
    pub(super) fn apply(&self, exchange: &mut Exchange<'_>) -> u64 {
        if self.names.is_empty() {
            return 0;
        }
        let mut count = self.apply_to(&mut exchange.request.headers);
        count += self.apply_known(&mut exchange.request.trailers);
        if let Recorded::Known(response) = &mut exchange.response {
            count += self.apply_to(&mut response.headers);
            count += self.apply_known(&mut response.trailers);
        }
        count
    }

    fn apply_known(&self, fields: &mut Recorded<Fields<'_>>) -> u64 {
        match fields {
            Recorded::Known(fields) => self.apply_to(fields),
            Recorded::Absent | Recorded::Unknown => 0,
        }
    }

    fn apply_to(&self, fields: &mut Fields<'_>) -> u64 {
        let mut count = 0;
        for field in &mut fields.0 {
            if self.names.iter().any(|name| *name == field.name) {
                field.value = vec![b'*'; field.value.len()].into();
                count += 1;
            }
        }
        count
    }
}
