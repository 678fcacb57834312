//! What keys said about one token.

use std::rc::Rc;

use crate::{SourceId, Status};

/// Verdicts kept of one token. More are not wrong, only found out again.
pub(super) const MOST: usize = 8;

/// What the keys of a source said about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVerdict {
    /// Whose keys.
    pub source: SourceId,
    /// Which of its key sets ([`KeyStore::version`](crate::KeyStore::version)).
    pub version: u64,
    /// What they said.
    pub result: Result<(), Status>,
}

/// What the keys of each source said. A copy costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Verdicts(Option<Rc<[KeyVerdict]>>);

impl Verdicts {
    /// What the key set of that version said.
    pub fn of(&self, source: SourceId, version: u64) -> Option<Result<(), Status>> {
        self.all()
            .iter()
            .find(|verdict| (verdict.source, verdict.version) == (source, version))
            .map(|verdict| verdict.result)
    }

    pub(super) fn all(&self) -> &[KeyVerdict] {
        self.0.as_deref().unwrap_or_default()
    }

    pub(super) fn has_good(&self) -> bool {
        self.all().iter().any(|verdict| verdict.result.is_ok())
    }

    /// Puts a verdict in the place of an older one of the same source.
    pub(super) fn add(&mut self, verdict: KeyVerdict) {
        let others = self.all().iter().filter(|old| old.source != verdict.source);
        let mut all: Vec<KeyVerdict> = others.copied().collect();
        // The bound keeps a token with many rules from growing; a good verdict is
        // worth more than a refusal.
        if all.len() >= MOST {
            let refusal = all.iter().position(|old| old.result.is_err());
            all.swap_remove(refusal.unwrap_or_default());
        }
        all.push(verdict);
        self.0 = Some(all.into());
    }
}
