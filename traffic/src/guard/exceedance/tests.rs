//! Chances against those that counting gives.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn share(part: u64, whole: u64) -> Share {
    Share { part, whole }
}

/// Every way to draw `a + b` of `m + n`, counted exactly.
fn exact(first: Share, second: Share) -> f64 {
    // Pascal's triangle: C(n, k) for numbers that stay below 2^128.
    let choose =
        |n: u64, k: u64| (0..k).fold(1_u128, |c, i| c * u128::from(n - i) / u128::from(i + 1));
    let drawn = first.part + second.part;
    let ways = |part: u64| match drawn.checked_sub(part) {
        Some(others) if others <= second.whole => {
            choose(first.whole, part) * choose(second.whole, others)
        }
        _ => 0,
    };
    let tail: u128 = (first.part..=first.whole.min(drawn)).map(ways).sum();
    tail as f64 / choose(first.whole + second.whole, drawn) as f64
}

#[test]
fn chances_are_those_that_counting_gives() {
    for (m, n) in [(1, 1), (5, 5), (3, 20), (20, 3), (12, 30), (30, 12)] {
        for a in 0..=m {
            for b in 0..=n {
                let (first, second) = (share(a, m), share(b, n));
                let expected = match first.exceeds(second) {
                    true => exact(first, second),
                    false => 1.0,
                };
                let chance = chance(first, second);
                let difference = (chance - expected).abs() / expected;
                assert!(
                    difference < 1e-9,
                    "{first:?} {second:?}: {chance} {expected}"
                );
            }
        }
    }
}

/// The lady who tasted tea (Fisher, The Design of Experiments, 1935).
#[test]
fn a_share_is_a_part_of_its_whole() {
    assert!(share(6, 10).exceeds(share(59, 100)));
    assert!(!share(6, 10).exceeds(share(60, 100)));
    assert!(!share(5, 10).exceeds(share(90, 100)));
    assert!(share(1, 1_000).exceeds(share(1, 1_001)));
    assert!(!share(0, 0).exceeds(share(0, 0)));
}

#[test]
fn eight_cups_of_tea() {
    assert!((chance(share(4, 4), share(0, 4)) - 1.0 / 70.0).abs() < 1e-15);
    assert!((chance(share(3, 4), share(1, 4)) - 17.0 / 70.0).abs() < 1e-15);
}

#[test]
fn large_numbers_neither_overflow_nor_vanish() {
    // Computed with whole numbers of any length.
    let table = [
        (share(100, 5_000), share(950, 95_000), 9.037_611_326_305e-10),
        (
            share(1_200, 100_000),
            share(1_000, 100_000),
            9.819_753_401_148e-6,
        ),
        (
            share(60_000, 100_000),
            share(59_500, 100_000),
            1.144_461_999_411e-2,
        ),
    ];
    for (first, second, expected) in table {
        let chance = chance(first, second);
        assert!((chance - expected).abs() / expected < 1e-6, "{chance}");
    }
    assert_eq!(chance(share(50_000, 50_000), share(0, 50_000)), 0.0);
}

#[test]
fn shares_of_nothing_are_no_difference() {
    for (first, second) in [
        (share(0, 0), share(0, 0)),
        (share(0, 0), share(1, 2)),
        (share(1, 1), share(0, 0)),
        (share(2, 4), share(1, 2)),
        (share(1, 4), share(1, 2)),
    ] {
        assert_eq!(chance(first, second), 1.0, "{first:?} {second:?}");
    }
}

/// A group of more is looked at by halves, which can only hide a difference.
#[test]
fn of_very_many_a_part_is_looked_at() {
    let clear = chance(share(2_000_000, 4_000_000), share(1_900_000, 4_000_000));
    assert!(clear > 0.0 && clear < 1e-20);
    let alike = chance(
        share(2_000_000_000, 4_000_000_000),
        share(2_000_000_000, 4_000_000_000),
    );
    assert_eq!(alike, 1.0);
    let more = chance(share(131_072, 1_000_000), share(130_000, 1_000_000));
    let most = chance(share(66_000, 500_000), share(65_072, 500_000));
    assert!(more > 0.0 && more < 0.5 && most < 0.5, "{more} {most}");
    let everybody = chance(share(3, 3), share(1 << 40, 1 << 40));
    assert_eq!(everybody, 1.0);
}

#[test]
fn all_numbers_of_samples_are_exact() {
    for number in [
        0,
        1,
        0xffff_ffff,
        0x1_0000_0000,
        0x1_0000_0001,
        (1 << 53) - 1,
    ] {
        assert_eq!(float(number), number as f64, "{number}");
    }
}
