//! What the VMs of a proxy share about one source.

use sluice_policy::shared_data;

/// Begins every record; its last byte is the version of the form.
const MAGIC: &[u8; 12] = b"sluice.jwks\x01";

/// Greater attempt numbers are nobody's: they follow the clock, which will need
/// hundreds of thousands of years to get there.
const MAX_ATTEMPT: u64 = 1 << 55;

/// How many numbers a record has.
const NUMBERS: usize = 8;

/// How far a source is. All times are of the host's clock, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Number of the last attempt that began. Numbers only grow, so they order
    /// attempts even when the clock steps.
    pub(super) attempt: u64,
    /// Until when that attempt counts as under way; 0 when it has ended.
    pub(super) lease_until_ms: u64,
    /// When the last attempt ended.
    pub(super) ended_at_ms: u64,
    /// When the next one is due.
    pub(super) next_at_ms: u64,
    /// Attempts that failed since the last that did not.
    pub(super) failures: u64,
    /// Number of the attempt that brought the keys; 0 when there are none.
    pub(super) keys_attempt: u64,
    /// When they came.
    pub(super) fetched_at_ms: u64,
    /// When the last attempt that an unknown key alone led to began, or ended.
    pub(super) unknown_key_at_ms: u64,
}

/// Progress, and the text of the newest keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) progress: Progress,
    pub(super) body: Vec<u8>,
}

impl Progress {
    const fn numbers(&self) -> [u64; NUMBERS] {
        [
            self.attempt,
            self.lease_until_ms,
            self.ended_at_ms,
            self.next_at_ms,
            self.failures,
            self.keys_attempt,
            self.fetched_at_ms,
            self.unknown_key_at_ms,
        ]
    }

    const fn of(numbers: [u64; NUMBERS]) -> Self {
        let [
            attempt,
            lease_until_ms,
            ended_at_ms,
            next_at_ms,
            failures,
            keys_attempt,
            fetched_at_ms,
            unknown_key_at_ms,
        ] = numbers;
        Self {
            attempt,
            lease_until_ms,
            ended_at_ms,
            next_at_ms,
            failures,
            keys_attempt,
            fetched_at_ms,
            unknown_key_at_ms,
        }
    }
}

impl Record {
    /// Its bytes: numbers and body, sealed.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::with_capacity(NUMBERS * size_of::<u64>() + self.body.len());
        for number in self.progress.numbers() {
            rest.extend_from_slice(&number.to_le_bytes());
        }
        rest.extend_from_slice(&self.body);
        shared_data::seal(MAGIC, &rest)
    }

    /// Reads bytes; whatever is not a whole record is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut numbers = [0; NUMBERS];
        let mut body = shared_data::unseal(MAGIC, bytes)?;
        for number in &mut numbers {
            let (bytes, after) = body.split_first_chunk()?;
            *number = u64::from_le_bytes(*bytes);
            body = after;
        }
        let progress = Progress::of(numbers);
        let is_plausible =
            progress.attempt <= MAX_ATTEMPT && progress.keys_attempt <= progress.attempt;
        is_plausible.then(|| Self {
            progress,
            body: body.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn record() -> Record {
        Record {
            progress: Progress::of([9, 2, 3, 4, 5, 6, 7, 8]),
            body: b"{}".to_vec(),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let empty = Record::default();
        for record in [record(), empty] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    /// VMs with different versions of a module share it.
    #[test]
    fn the_form_of_a_record_stays() {
        let bytes = record().encode();
        assert_eq!(bytes.len(), 12 + 8 + 8 * 8 + 2);
        let (magic, rest) = bytes.split_at(12);
        assert_eq!(magic, b"sluice.jwks\x01");
        let (sum, rest) = rest.split_at(8);
        assert_eq!(sum, 0xb2bb_4875_ae4d_7525_u64.to_le_bytes());
        let (numbers, body) = rest.split_at(64);
        assert_eq!(
            numbers
                .chunks(8)
                .map(|number| number[0])
                .collect::<Vec<_>>(),
            [9, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(body, b"{}");
    }

    #[test]
    fn a_record_with_any_byte_changed_missing_or_added_is_none() {
        let bytes = record().encode();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert_eq!(Record::decode(&changed), None, "byte {at}");
            assert_eq!(Record::decode(&bytes[..at]), None, "cut at {at}");
        }
        assert_eq!(Record::decode(&[bytes.as_slice(), b" "].concat()), None);
    }

    #[test]
    fn numbers_that_nobody_counts_to_make_no_record() {
        let mut foreign = record();
        foreign.progress.attempt = u64::MAX;
        assert_eq!(Record::decode(&foreign.encode()), None);
        foreign.progress.attempt = (1 << 55) + 1;
        assert_eq!(Record::decode(&foreign.encode()), None);
        foreign.progress.attempt = 1 << 55;
        assert_eq!(Record::decode(&foreign.encode()), Some(foreign.clone()));
        foreign.progress.attempt = 5;
        assert_eq!(
            Record::decode(&foreign.encode()),
            None,
            "keys of a later attempt"
        );
    }
}
