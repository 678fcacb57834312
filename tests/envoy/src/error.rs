//! What can go wrong in the laboratory.

use std::{error::Error, fmt};

/// A failure of the laboratory itself, never a verdict of the proxy under test.
#[derive(Debug)]
pub struct LabError {
    doing: String,
    cause: String,
}

impl LabError {
    /// A failure while `doing` something, because of `cause`.
    pub fn new(doing: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self {
            doing: doing.into(),
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.cause)
    }
}

impl Error for LabError {}

/// Says what was being done when a fallible step failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: &str) -> Result<T, LabError>;
}

impl<T, E: Error> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Result<T, LabError> {
        self.map_err(|error| LabError::new(what, with_sources(&error)))
    }
}

/// hyper and rustls hide the reason one or two sources down.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
