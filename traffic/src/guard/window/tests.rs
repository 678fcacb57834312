//! Slots that come and go.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// So many good requests of the canary.
fn good(count: usize) -> Pair {
    let mut pair = Pair::default();
    for _ in 0..count {
        pair.add(Subset::Canary, Outcome::Good, 5_000);
    }
    pair
}

fn window(slots: &[(u64, usize)]) -> Window {
    let mut window = Window::default();
    for (slot, count) in slots {
        window.add(*slot, &good(*count));
    }
    window
}

fn counts_of(window: &Window) -> Vec<(u64, u64)> {
    let count = |(slot, pair): &(u64, Pair)| (*slot, pair.canary.requests());
    window.0.iter().map(count).collect()
}

fn encoded(window: &Window) -> Vec<u8> {
    let mut out = Writer::default();
    window.encode(&mut out);
    out.0
}

fn decoded(bytes: &[u8]) -> Option<Window> {
    Window::decode(&mut Reader(bytes))
}

#[test]
fn requests_count_by_what_became_of_them() {
    let mut pair = Pair::default();
    pair.add(Subset::Canary, Outcome::Failed, 1_000);
    pair.add(Subset::Canary, Outcome::Good, 2_000);
    pair.add(Subset::Canary, Outcome::Left, 9_000);
    pair.add(Subset::Stable, Outcome::Failed, 1);
    let share = |part, whole| Share { part, whole };
    assert_eq!(pair.canary.failed(), share(1, 3));
    assert_eq!(pair.canary.slower_than(1_500), share(2, 2));
    assert_eq!(pair.canary.slower_than(5_000), share(1, 2));
    assert_eq!(pair.stable.failed(), share(1, 1));
    assert_eq!(pair.stable.slower_than(0), share(0, 0));
}

#[test]
fn old_slots_fall_out() {
    let mut window = window(&[(10, 1), (11, 2), (14, 3), (15, 4)]);
    window.roll(14);
    assert_eq!(counts_of(&window), [(10, 1), (11, 2), (14, 3), (15, 4)]);
    window.roll(15);
    assert_eq!(counts_of(&window), [(11, 2), (14, 3), (15, 4)]);
    assert_eq!(window.total().canary.requests(), 9);
    window.roll(100);
    assert!(window.is_empty());
}

#[test]
fn nothing_makes_no_slot() {
    let mut window = Window::default();
    window.add(5, &Pair::default());
    assert!(window.is_empty());
    window.add(5, &good(1));
    window.add(5, &good(2));
    assert_eq!(
        (counts_of(&window), window.newest()),
        (vec![(5, 3)], Some(5))
    );
}

#[test]
fn a_clock_that_is_set_back_numbers_slots_anew() {
    let mut window = window(&[(10, 1), (11, 2), (14, 3)]);
    window.set_back(9);
    assert_eq!(counts_of(&window), [(1, 1), (2, 2), (5, 3)]);
    window.set_back(3);
    assert_eq!(counts_of(&window), [(0, 3), (2, 3)]);
}

#[test]
fn a_window_has_five_slots_at_most_in_order() {
    let five = window(&[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    assert_eq!(decoded(&encoded(&five)), Some(five.clone()));
    let mut six = five.clone();
    six.add(6, &good(1));
    assert_eq!(decoded(&encoded(&six)), None);
    let disorderly = Window(vec![(2, good(1)), (1, good(1))]);
    let twice = Window(vec![(2, good(1)), (2, good(1))]);
    let empty = Window(vec![(2, Pair::default())]);
    let late = Window(vec![(u64::MAX / 2 + 1, good(1))]);
    for window in [disorderly, twice, empty, late] {
        assert_eq!(decoded(&encoded(&window)), None, "{window:?}");
    }
    let latest = Window(vec![(u64::MAX / 2, good(1))]);
    assert!(decoded(&encoded(&latest)).is_some());
}
