//! The record of one source in the host's shared data.

use super::record::{Progress, Record};
use sluice_policy::shared_data::{self, Change, SharedData};

/// Begins the key of every record, with the version of their form: modules of two versions
/// run side by side during an update, and must not overwrite each other's.
const KEY_PREFIX: &str = "sluice.jwt.jwks.1/";

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
        let change = shared_data::change(shared, &self.key, &record.encode(), cas);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::proxy::Shared;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn progress(attempt: u64) -> Progress {
        Progress {
            attempt,
            next_at_ms: 50,
            keys_attempt: 8,
            fetched_at_ms: 40,
            ..Progress::default()
        }
    }

    fn record(attempt: u64) -> Record {
        Record {
            progress: progress(attempt),
            body: b"{}".to_vec(),
        }
    }

    #[test]
    fn a_new_record_has_no_keys() {
        let (mut ledger, mut shared) = (Ledger::new("a"), Shared::default());
        let expected = Record {
            progress: Progress {
                keys_attempt: 0,
                fetched_at_ms: 0,
                ..progress(9)
            },
            body: Vec::new(),
        };
        assert_eq!(ledger.read(&mut shared, &progress(9)), (expected, None));
    }

    #[test]
    fn a_record_is_due_at_once_where_one_was_lost() {
        let (mut ledger, mut shared) = (Ledger::new("a"), Shared::default());
        let due = |ledger: &mut Ledger| {
            let (record, _) = ledger.read(&mut Shared::default(), &progress(9));
            record.progress.next_at_ms
        };
        assert_eq!(due(&mut ledger), 50, "there was none");
        let change = ledger.change(&mut shared, &record(9), None);
        assert_eq!((change, due(&mut ledger)), (Change::Made, 0));
        let change = ledger.change(&mut Shared::missing(), &record(9), None);
        assert_eq!((change, due(&mut ledger)), (Change::NotKept, 50));
        ledger.read(&mut shared, &progress(9));
        assert_eq!(due(&mut ledger), 0, "it was seen");
    }

    #[test]
    fn of_two_first_records_the_second_is_overtaken() {
        let (mut ledger, mut shared) = (Ledger::new("a"), Shared::default());
        let mut others = shared.undisturbed();
        let write = move || {
            let change = Ledger::new("a").change(&mut others, &record(10), None);
            assert_eq!(change, Change::Made);
        };
        *shared.meanwhile.borrow_mut() = Some(Box::new(write));
        let (_, cas) = ledger.read(&mut shared, &progress(11));
        let change = ledger.change(&mut shared, &record(11), cas);
        assert_eq!(change, Change::Overtaken);
        assert_eq!(ledger.read(&mut shared, &progress(11)).0, record(10));
    }

    /// A host in which somebody else is always first.
    struct Contended(u32);

    impl SharedData for Contended {
        fn get(&mut self, _: &str) -> Option<(Vec<u8>, u32)> {
            Some((record(10).encode(), self.0))
        }

        fn set(&mut self, _: &str, _: &[u8], _: u32) -> bool {
            self.0 += 1;
            assert!(self.0 <= 8, "who loses gives up");
            false
        }
    }

    #[test]
    fn who_always_loses_gives_up() {
        let mut shared = Contended(0);
        let edit = &mut |record: &mut Record| {
            record.progress.failures += 1;
            true
        };
        Ledger::new("a").write(&mut shared, &progress(10), edit);
        assert_eq!(shared.0, 8);
    }
}
