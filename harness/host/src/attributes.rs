//! Attributes by their Envoy paths.

use crate::value::Value;
use std::sync::Arc;

/// What is known of an exchange, its connection and its proxy, by Envoy
/// attribute path (`source.address`, `connection.mtls`, …).
///
/// A path that is not here is *unknown*; one whose value is
/// [`Value::Absent`] is known to be absent. A map at a shorter path
/// (`metadata.filter_metadata`) answers for the longer ones under it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    /// Sorted by path; shared between copies until one of them changes.
    entries: Arc<Vec<(String, Value)>>,
}

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one attribute, in place of an earlier value.
    pub fn set(&mut self, path: impl Into<String>, value: impl Into<Value>) {
        let path = path.into();
        let position = self.position(path.as_bytes());
        let entries = Arc::make_mut(&mut self.entries);
        match position {
            Ok(found) => {
                if let Some(entry) = entries.get_mut(found) {
                    entry.1 = value.into();
                }
            }
            Err(gap) => entries.insert(gap, (path, value.into())),
        }
    }

    /// The same, for building in one expression.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(path, value);
        self
    }

    /// The value at exactly this dotted path.
    pub fn get(&self, path: &[u8]) -> Option<&Value> {
        let found = self.position(path).ok()?;
        self.entries.get(found).map(|(_, value)| value)
    }

    /// Every path and value, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(path, value)| (path.as_str(), value))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn position(&self, path: &[u8]) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(known, _)| known.as_bytes().cmp(path))
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut attributes = Self::new();
        for (path, value) in pairs {
            attributes.set(path, value);
        }
        attributes
    }
}
