//! Who counts, and when again.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const WINDOW_MS: u32 = 64_000;

/// A second is a part of the window.
const PART_MS: u64 = 1_000;

fn kept(clients: impl IntoIterator<Item = u64>) -> Kept {
    let mut kept = Kept::default();
    for client in clients {
        kept.add(client, Subset::Canary, Outcome::Good, 5_000);
    }
    kept
}

/// Hashes of so many clients, each with a bit of its own, all over the bits.
fn all(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| number * (u64::MAX / count))
}

fn counted(clients: &mut Clients, from: impl IntoIterator<Item = u64>, now_ms: u64) -> u64 {
    let pair = clients.count(&kept(from), now_ms, WINDOW_MS);
    pair.canary.requests()
}

#[test]
fn a_client_counts_once_with_what_its_first_request_did() {
    let mut kept = Kept::default();
    kept.add(7, Subset::Stable, Outcome::Failed, 1);
    kept.add(7, Subset::Canary, Outcome::Good, 1);
    kept.add(u64::MAX, Subset::Canary, Outcome::Good, u64::MAX);
    let mut clients = Clients::default();
    let pair = clients.count(&kept, 0, WINDOW_MS);
    let mut expected = Pair::default();
    expected.add(Subset::Stable, Outcome::Failed, 1);
    expected.add(Subset::Canary, Outcome::Good, u64::MAX);
    assert_eq!(pair, expected);
    assert!(clients.has(7) && clients.has(u64::MAX) && !clients.has(1 << 60));
    assert!(clients.count(&kept, 0, WINDOW_MS).is_empty());
}

/// Whatever the time of its first request: once in a window, and at most twice in any
/// time of that length.
#[test]
fn a_client_that_never_rests_counts_once_in_a_window() {
    for client in all(17) {
        let mut clients = Clients::default();
        let start = 1_790_000_000_000 + client % 64_000;
        let times: Vec<u64> = (0..640)
            .map(|part| start + part * PART_MS)
            .filter(|now_ms| counted(&mut clients, [client], *now_ms) == 1)
            .collect();
        assert_eq!(times[0], start);
        assert!((10..=11).contains(&times.len()), "{client}: {times:?}");
        let apart: Vec<u64> = times.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(apart[0] <= 64_000, "{client}: {apart:?}");
        assert!(apart[1..].iter().all(|ms| *ms == 64_000), "{apart:?}");
    }
}

#[test]
fn clients_that_never_rest_count_in_turns() {
    let mut clients = Clients::default();
    assert_eq!(counted(&mut clients, all(3_200), 0), 3_200);
    for part in 1..200 {
        let count = counted(&mut clients, all(3_200), part * PART_MS);
        assert!((49..=51).contains(&count), "{count}");
    }
}

/// However seldom a VM looks.
#[test]
fn a_turn_that_was_missed_is_made_up_for() {
    let [mut often, mut seldom] = [(); 2].map(|()| {
        let mut clients = Clients::default();
        counted(&mut clients, all(3_200), 5_000);
        clients
    });
    (6..=15).for_each(|part| {
        counted(&mut often, [], part * PART_MS);
    });
    counted(&mut seldom, [], 15_000);
    assert_eq!(often, seldom);
    let forgotten = all(3_200).filter(|client| !seldom.has(*client)).count();
    assert_eq!(forgotten, 500);
}

#[test]
fn who_is_gone_is_forgotten() {
    let mut clients = Clients::default();
    counted(&mut clients, all(100), 5_000);
    for part in 6..69 {
        counted(&mut clients, [], part * PART_MS);
        assert_ne!(clients, Clients::default(), "{part}");
    }
    counted(&mut clients, [], 69_000);
    assert_eq!(clients, Clients::default());
    counted(&mut clients, all(100), 70_000);
    counted(&mut clients, [], 1 << 60);
    assert_eq!(clients, Clients::default(), "at once, after a long time");
}

#[test]
fn a_clock_that_is_set_back_counts_nobody_twice() {
    let mut clients = Clients::default();
    counted(&mut clients, all(100), 500_000);
    for now_ms in [499_000, 500_000, 400_000, 0] {
        assert_eq!(counted(&mut clients, all(100), now_ms), 0, "{now_ms}");
    }
    assert_eq!(counted(&mut clients, all(100), 64_000), 100, "it goes on");
}

#[test]
fn of_very_many_clients_part_is_counted() {
    let mut clients = Clients::default();
    let mix = |number: u64| crate::hash::mix(number);
    let mut sum = 0;
    for chunk in 0..32 {
        let from = chunk * 4_096;
        sum += counted(&mut clients, (from..from + 4_096).map(mix), 0);
    }
    // Of as many clients as there are bits, 1 - 1/e.
    assert!((82_000..84_000).contains(&sum), "{sum}");
    let many = kept(all(4_097));
    assert_eq!(many.0.len(), 4_096);
}

#[test]
fn other_bytes_are_no_clients() {
    let mut out = Writer::default();
    out.number(1);
    let none = vec![0; WORDS * 8];
    for bits in [&none, &none[1..], &[]] {
        let bytes = [out.0.as_slice(), bits].concat();
        assert_eq!(Clients::decode(&mut Reader(&bytes)), None);
    }
    let mut bits = none;
    bits[5] = 1;
    let bytes = [out.0.as_slice(), &bits].concat();
    assert!(Clients::decode(&mut Reader(&bytes)).is_some());
}
