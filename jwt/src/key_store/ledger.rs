//! The record of one source in the host's shared data.

use super::record::{Progress, Record};
use crate::shared::{self, Change, SharedData};

/// Begins the key of every record.
const KEY_PREFIX: &str = "sluice.jwt.jwks/";

/// How often a change is tried against others. Who loses as often leaves it to the
/// lease to run out.
const MOST_TRIES: usize = 8;

/// Where a record is kept, and whether it is.
#[derive(Debug)]
pub(super) struct Ledger {
    key: String,
    /// Whether a record has been there, so that its absence is a loss.
    is_kept: bool,
}

impl Ledger {
    /// The ledger of the source with that identity.
    pub(super) fn new(identity: &str) -> Self {
        Self {
            key: [KEY_PREFIX, identity].concat(),
            is_kept: false,
        }
    }

    /// The record, and the number to change it by. `last` is what was in it when it
    /// was last seen.
    pub(super) fn read(
        &mut self,
        shared: &mut dyn SharedData,
        last: &Progress,
    ) -> (Record, Option<u32>) {
        let (record, cas) = match shared.get(&self.key) {
            Some((bytes, cas)) => (Record::decode(&bytes), Some(cas)),
            None => (None, None),
        };
        self.is_kept |= record.is_some();
        (record.unwrap_or_else(|| self.new_record(last)), cas)
    }

    /// What stands for a record that is not there, or is none of ours.
    fn new_record(&self, last: &Progress) -> Record {
        // Lost keys are to be fetched again: another VM may need them.
        let next_at_ms = match self.is_kept {
            true => 0,
            false => last.next_at_ms,
        };
        Record {
            progress: Progress {
                next_at_ms,
                keys_attempt: 0,
                fetched_at_ms: 0,
                ..*last
            },
            body: Vec::new(),
        }
    }

    /// Puts a record in the place of the one that was read with that number.
    pub(super) fn change(
        &mut self,
        shared: &mut dyn SharedData,
        record: &Record,
        cas: Option<u32>,
    ) -> Change {
        let change = shared::change(shared, &self.key, &record.encode(), cas);
        match change {
            Change::Made => self.is_kept = true,
            Change::NotKept => self.is_kept = false,
            Change::Overtaken => {}
        }
        change
    }

    /// Changes the record, unless `edit` finds nothing to change; returns it as it
    /// is then.
    pub(super) fn write(
        &mut self,
        shared: &mut dyn SharedData,
        last: &Progress,
        edit: &mut dyn FnMut(&mut Record) -> bool,
    ) -> Record {
        let mut tries = 1;
        loop {
            let (mut record, cas) = self.read(shared, last);
            let is_done = !edit(&mut record)
                || self.change(shared, &record, cas) != Change::Overtaken
                || tries == MOST_TRIES;
            if is_done {
                return record;
            }
            tries += 1;
        }
    }
}
