//! What counts as worse, and what does not.

use super::*;
use crate::guard::Subset;
use crate::guard::outcome::Outcome;
use crate::guard::testing::config;
use crate::guard::window::Window;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What one subset does in one slot: requests, errors among them, and how many others
/// take how long.
#[derive(Debug, Clone, Copy)]
struct Did {
    requests: usize,
    errors: usize,
    slow: usize,
    slow_us: u64,
}

fn did(requests: usize, errors: usize) -> Did {
    Did {
        requests,
        errors,
        slow: 0,
        slow_us: 0,
    }
}

/// All that are not slow take 10 ms.
fn add(pair: &mut Pair, subset: Subset, did: Did) {
    for number in 0..did.requests {
        let (outcome, latency_us) = match number {
            number if number < did.errors => (Outcome::Failed, 1),
            number if number < did.errors + did.slow => (Outcome::Good, did.slow_us),
            _ => (Outcome::Good, 10_000),
        };
        pair.add(subset, outcome, latency_us);
    }
}

/// A window with these slots, each with the stable subset and the canary.
fn window_of(slots: &[(Did, Did)]) -> Window {
    let mut window = Window::default();
    for (slot, (stable, canary)) in slots.iter().enumerate() {
        let mut pair = Pair::default();
        add(&mut pair, Subset::Stable, *stable);
        add(&mut pair, Subset::Canary, *canary);
        window.add(slot as u64, &pair);
    }
    window
}

fn look_by(config: &CanaryGuard, slots: &[(Did, Did)]) -> Look {
    look(config, &window_of(slots).over(slots.len() as u64))
}

fn looked(slots: &[(Did, Did)]) -> Look {
    look_by(&config(), slots)
}

fn signal(look: Look) -> Option<Signal> {
    match look {
        Look::Worse(finding) => Some(finding.signal),
        Look::TooFew | Look::NotWorse => None,
    }
}

#[test]
fn both_need_enough_samples() {
    let (well, bad) = (did(50, 0), did(50, 50));
    assert_eq!(signal(looked(&[(well, bad); 4])), Some(Signal::Errors));
    let with = |last| looked(&[(well, bad), (well, bad), (well, bad), last]);
    assert_eq!(with((well, did(49, 49))), Look::TooFew);
    assert_eq!(with((did(49, 0), bad)), Look::TooFew);
    assert_eq!(looked(&[]), Look::TooFew);
}

#[test]
fn errors_count_beyond_the_margin() {
    let stable = did(10_000, 100);
    let verdict = |errors| signal(looked(&[(stable, did(1_000, errors)); 3]));
    // 1 % and the margin of 1 % are 20 of 1,000.
    assert_eq!(verdict(0), None);
    assert_eq!(verdict(20), None);
    assert_eq!(verdict(30), None, "by chance");
    assert_eq!(verdict(40), Some(Signal::Errors));
    let mut config = config();
    let verdict = |config: &_| signal(look_by(config, &[(stable, did(1_000, 40)); 3]));
    config.errors = Some(30_000);
    assert_eq!(verdict(&config), None, "within another margin");
    config.errors = Some(0);
    assert_eq!(verdict(&config), Some(Signal::Errors));
    config.errors = None;
    assert_eq!(verdict(&config), None, "not compared");
}

#[test]
fn a_stable_subset_that_fails_always_cannot_be_worse() {
    assert_eq!(looked(&[(did(500, 500), did(500, 500)); 2]), Look::NotWorse);
    assert_eq!(looked(&[(did(500, 500), did(500, 0)); 2]), Look::NotWorse);
}

#[test]
fn a_finding_says_what_was_measured() {
    let Look::Worse(finding) = looked(&[(did(10_000, 100), did(1_000, 100)); 3]) else {
        panic!("worse");
    };
    let figure = |value, samples| Figure { value, samples };
    assert_eq!(finding.canary, figure(100_000, 3_000));
    assert_eq!(finding.stable, figure(10_000, 30_000));
    let slow = |slow, slow_us| Did {
        slow,
        slow_us,
        ..did(1_010, 10)
    };
    let Look::Worse(finding) = looked(&[(slow(20, 50_000), slow(30, 60_000)); 4]) else {
        panic!("worse");
    };
    assert_eq!(finding.signal, Signal::Latency);
    assert_eq!(finding.canary, figure(60_490, 4_000));
    assert_eq!(finding.stable, figure(49_607, 4_000));
}

#[test]
fn a_quantile_counts_beyond_the_margin() {
    let slow = |slow_us| Did {
        slow: 30,
        slow_us,
        ..did(1_000, 0)
    };
    let verdict = |slow_us| signal(looked(&[(slow(100_000), slow(slow_us)); 4]));
    assert_eq!(verdict(50_000), None, "faster");
    assert_eq!(verdict(100_000), None);
    assert_eq!(verdict(104_900), None, "within the margin");
    assert_eq!(verdict(109_000), Some(Signal::Latency));
    let mut config = config();
    config.latency = config.latency.map(|latency| Latency {
        worse_by: 200_000,
        ..latency
    });
    let verdict =
        |config: &_, slow_us| signal(look_by(config, &[(slow(100_000), slow(slow_us)); 4]));
    assert_eq!(verdict(&config, 119_000), None);
    assert_eq!(verdict(&config, 126_000), Some(Signal::Latency));
    config.latency = None;
    assert_eq!(verdict(&config, 126_000), None, "not compared");
}

/// Where nearly all answers take the same time, the canary's few that do not are within
/// what the quantile leaves above itself.
#[test]
fn what_lies_above_the_quantile_is_not_asked_about() {
    let slow = |slow| Did {
        slow,
        slow_us: 500_000,
        ..did(2_000, 0)
    };
    let verdict = |canary| signal(looked(&[(slow(0), slow(canary)); 4]));
    assert_eq!(verdict(10), None, "0.5 %");
    assert_eq!(verdict(20), None, "1 %");
    assert_eq!(verdict(60), Some(Signal::Latency), "3 %");
}

/// One that is shorter than a slot may lie on the boundary of two.
#[test]
fn one_burst_decides_nothing() {
    let slow = Did {
        slow: 300,
        slow_us: 90_000,
        ..did(1_000, 0)
    };
    for (burst, what) in [(did(1_000, 300), Signal::Errors), (slow, Signal::Latency)] {
        let well = (did(1_000, 0), did(1_000, 0));
        let burst = (did(1_000, 0), burst);
        assert_eq!(looked(&[well, burst, well, well]), Look::NotWorse);
        assert_eq!(looked(&[well, burst, burst, well]), Look::NotWorse);
        assert_eq!(looked(&[well, well, burst, burst]), Look::NotWorse);
        assert_eq!(looked(&[burst, burst]), Look::NotWorse);
        assert_eq!(signal(looked(&[well, burst, burst, burst])), Some(what));
        assert_eq!(signal(looked(&[burst, well, well, burst])), Some(what));
    }
}

/// Nobody knows how a slot ends that has begun.
#[test]
fn a_slot_that_has_begun_does_not_count() {
    let bad = (did(1_000, 0), did(1_000, 300));
    let window = window_of(&[bad; 4]);
    let at = |now| signal(look(&config(), &window.over(now)));
    assert_eq!(at(2), None);
    assert_eq!(at(3), Some(Signal::Errors));
    assert_eq!(look(&config(), &window.over(0)), Look::TooFew);
}

#[test]
fn doubt_is_shared_by_all_looks_of_a_window_at_all_signals() {
    assert_eq!(SLOTS, 4);
    let mut config = config();
    let shares = Shares {
        canary: Share { part: 4, whole: 4 },
        stable: Share { part: 0, whole: 4 },
    };
    // One in 70, and 8 looks.
    config.doubt = 114_286;
    assert!(is_sure(&config, shares));
    config.doubt = 114_285;
    assert!(!is_sure(&config, shares));
    config.errors = None;
    config.doubt = 57_143;
    assert!(is_sure(&config, shares));
    config.doubt = 57_142;
    assert!(!is_sure(&config, shares));
}

#[test]
fn the_rank_of_a_quantile_has_its_share_up_to_it() {
    let table = [
        (0, 0),
        (1, 1),
        (100, 99),
        (101, 100),
        (1_000, 990),
        (1_001, 991),
    ];
    for (count, expected) in table {
        assert_eq!(rank(count, 990_000), expected, "{count}");
    }
}

#[test]
fn nothing_measured_is_shown_as_nothing() {
    let counts = Counts::default();
    assert_eq!(error_figure(&counts), Figure::default());
    assert_eq!(latency_figure(&counts, 990_000), Figure::default());
}

/// A bucket with many that are the same: far fewer lie above its end than above the quantile.
#[test]
fn what_lies_above_is_counted_or_taken_from_the_quantile() {
    let mut pair = Pair::default();
    for _ in 0..100 {
        pair.add(Subset::Stable, Outcome::Good, 1_000);
    }
    for _ in 0..10 {
        pair.add(Subset::Stable, Outcome::Good, 100_000);
    }
    for (above_quantile, expected) in [(0, 10), (10, 10), (20, 10), (21, 21), (1_000, 1_000)] {
        let found = expected_above(&pair.stable, above_quantile, 2_000);
        assert_eq!(found, expected, "{above_quantile}");
    }
}
