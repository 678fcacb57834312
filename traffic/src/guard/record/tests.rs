//! The form of a record, and what is none.

use super::*;
use crate::guard::clients::Kept;
use crate::guard::outcome::Outcome;
use crate::guard::testing::config;
use crate::guard::window::Pair;
use crate::guard::{Latency, Subset};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn worse() -> State {
    let figure = |value| Figure { value, samples: 7 };
    State::Worse {
        at_ms: 5_000,
        since_ms: 6_000,
        finding: Finding {
            signal: Signal::Latency,
            canary: figure(300),
            stable: figure(20),
        },
    }
}

fn window() -> Window {
    let mut pair = Pair::default();
    pair.add(Subset::Stable, Outcome::Good, 100);
    pair.add(Subset::Canary, Outcome::Failed, 100);
    let mut window = Window::default();
    window.add(9, &pair);
    window
}

fn record() -> Record {
    Record {
        identity: 0x0102_0304_0506_0708,
        changes: 3,
        state: worse(),
        looked: 9,
        window: window(),
        clients: Clients::default(),
    }
}

/// One with clients that were counted.
fn sticky() -> Record {
    let mut kept = Kept::default();
    for client in [0, u64::MAX] {
        kept.add(client, Subset::Canary, Outcome::Good, 100);
    }
    let mut record = record();
    record.clients.count(&kept, 8_000, 64_000);
    record
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let errors = match worse() {
        State::Worse {
            at_ms,
            since_ms,
            finding,
        } => State::Worse {
            at_ms,
            since_ms,
            finding: Finding {
                signal: Signal::Errors,
                ..finding
            },
        },
        State::Watching => State::Watching,
    };
    let others = [
        record(),
        sticky(),
        Record::new(1),
        Record {
            state: errors,
            ..record()
        },
    ];
    for record in others {
        assert_eq!(Record::decode(&record.encode()), Some(record));
    }
}

/// VMs with different versions of a module share it.
#[test]
fn the_form_of_a_record_stays() {
    let bytes = record().encode();
    let (magic, rest) = bytes.split_at(13);
    assert_eq!(magic, b"sluice.guard\x02");
    let (sum, rest) = rest.split_at(8);
    assert_eq!(sum, fnv::extend(fnv::START, rest).to_le_bytes());
    let expected = [
        8, 7, 6, 5, 4, 3, 2, 1, // identity
        3, // changes
        2, 0x88, 0x27, 0xf0, 0x2e, // worse in latency, times
        0xac, 2, 7, 20, 7, // figures
        9, // looked
        1, 9, // one slot
        0, 1, 0, 1, // no error of the stable subset, one latency
        1, 0, // one error of the canary
    ];
    assert_eq!(rest, [expected.as_slice(), &[0]].concat());
    let bytes = sticky().encode();
    let (_, rest) = bytes.split_at(21);
    let (rest, bits) = rest.split_at(expected.len() + 1);
    assert_eq!(
        rest,
        [expected.as_slice(), &[9]].concat(),
        "the time from 1 on"
    );
    assert_eq!((bits.len(), bits[0], bits[16_383]), (16_384, 1, 0x80));
    assert!(bits[1..16_383].iter().all(|byte| *byte == 0));
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
fn what_no_vm_writes_makes_no_record() {
    let mut table = vec![
        (
            "a good one after an odd number of changes",
            Record {
                state: State::Watching,
                ..record()
            },
        ),
        (
            "a bad one after an even number",
            Record {
                changes: 2,
                ..record()
            },
        ),
        (
            "a look in a time that is nobody's",
            Record {
                looked: LATEST_MS + 1,
                ..record()
            },
        ),
    ];
    for late in [true, false] {
        let mut record = record();
        if let State::Worse {
            at_ms, since_ms, ..
        } = &mut record.state
        {
            *(if late { at_ms } else { since_ms }) = LATEST_MS + 1;
        }
        table.push(("a time that is nobody's", record));
    }
    let mut late = sticky();
    late.clients = Clients::default();
    let mut kept = Kept::default();
    kept.add(1, Subset::Canary, Outcome::Good, 1);
    late.clients.count(&kept, LATEST_MS + 1, 1);
    table.push(("clients of a time that is nobody's", late));
    for (why, record) in table {
        assert_eq!(Record::decode(&record.encode()), None, "{why}");
    }
    let mut out = Writer::default();
    out.number(3);
    assert_eq!(State::decode(&mut Reader(&out.0)), None);
    let latest = Record {
        looked: LATEST_MS,
        ..record()
    };
    assert!(Record::decode(&latest.encode()).is_some());
}

/// However wide latencies spread, with up to 16,383 of each size in each slot.
#[test]
fn a_record_is_bounded() {
    let sizes = std::iter::successors(Some(100), |us| Some(us * 1_005 / 1_000 + 1));
    let mut pair = Pair::default();
    for latency_us in sizes.take_while(|us| *us <= 600_000_000) {
        pair.add(Subset::Stable, Outcome::Good, latency_us);
        pair.add(Subset::Canary, Outcome::Good, latency_us);
    }
    for _ in 0..9 {
        pair.merge(&pair.clone());
    }
    let mut record = record();
    for slot in 10..15 {
        record.window.add(slot, &pair);
    }
    record.window.roll(14);
    record.clients = sticky().clients;
    let bytes = record.encode();
    assert!((35_300..35_600).contains(&bytes.len()), "{}", bytes.len());
    assert_eq!(Record::decode(&bytes), Some(record));
}

#[test]
fn slots_follow_the_clock() {
    let mut record = Record {
        looked: 9,
        ..Record::default()
    };
    let mut at = |now_ms| record.slot_at(now_ms, 4_000);
    assert_eq!(at(9_999), 9);
    assert_eq!(at(10_000), 10);
    assert_eq!(at(8_999), 9, "it was read before another VM wrote");
    assert_eq!(at(7_000), 7);
    assert_eq!(record.looked, 7);
    record.window = window();
    assert_eq!(record.slot_at(8_000, 4_000), 9);
    assert_eq!(record.slot_at(7_000, 4_000), 7);
    assert_eq!((record.looked, record.window.newest()), (5, Some(7)));
}

#[test]
fn time_begins_anew_where_the_clock_is_set_back() {
    let mut record = record();
    let mut has_passed = |now_ms| {
        record.slot_at(now_ms, 4_000);
        record.has_passed(1_000, now_ms)
    };
    assert!(!has_passed(6_999));
    assert!(has_passed(7_000));
    assert!(!has_passed(3_000));
    assert!(!has_passed(3_999));
    assert!(has_passed(4_000));
    assert!(!record.has_passed(1_000, 1_000));
    record.change(State::Watching);
    assert!(!record.has_passed(1_000, 9_000), "nothing was found");
}

#[test]
fn changes_keep_their_parity() {
    let mut record = Record {
        changes: u32::MAX,
        ..record()
    };
    record.change(State::Watching);
    assert_eq!(record.changes, 0);
}

#[test]
fn every_setting_makes_another_identity() {
    let edits: [fn(&mut CanaryGuard); 14] = [
        |_| (),
        |config| config.virtual_service = "x".into(),
        |config| config.route = Some("x".into()),
        |config| config.stable = "x".into(),
        |config| config.canary = "x".into(),
        |config| config.revision = "x".into(),
        |config| config.window_ms += 1,
        |config| config.min_samples += 1,
        |config| config.errors = None,
        |config| config.errors = Some(0),
        |config| config.latency = None,
        |config| config.doubt += 1,
        |config| config.restore_after_ms = Some(0),
        |config| config.is_dry_run = true,
    ];
    let latencies: [fn(&mut Latency); 2] = [
        |latency| latency.quantile += 1,
        |latency| latency.worse_by += 1,
    ];
    let mut identities: Vec<u64> = Vec::new();
    for edit in edits {
        let mut config = config();
        edit(&mut config);
        identities.push(identity(&config));
    }
    for edit in latencies {
        let mut config = config();
        config.latency.iter_mut().for_each(edit);
        identities.push(identity(&config));
    }
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), 16);
    let mut elsewhere = config();
    (elsewhere.name, elsewhere.namespace) = ("x".into(), "y".into());
    assert_eq!(
        identity(&elsewhere),
        identity(&config()),
        "the key says where"
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(Record::decode(&bytes).is_none());
            // With everything right but the content.
            let whole = shared_data::seal(MAGIC, &bytes);
            if let Some(record) = Record::decode(&whole) {
                prop_assert_eq!(record.encode(), whole);
            }
        }
    }
}
