//! The account by itself.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn budget(percent: u32, least: u32) -> RetryBudget {
    let policy = BudgetPolicy {
        millionths: percent * 10_000,
        min_retry_concurrency: least,
    };
    RetryBudget::new(policy, 1_000)
}

/// One request after the other: what each is permitted when it wants 3, and each makes
/// that many.
fn all_fail(budget: &mut RetryBudget, requests: u32) -> Vec<u32> {
    let one = |_| {
        let permitted = budget.begin(1_000, 3);
        budget.end(permitted, permitted + 1);
        permitted
    };
    (0..requests).map(one).collect()
}

#[test]
fn what_is_overdrawn_is_balanced_by_requests_without_retries() {
    let mut budget = budget(20, 2);
    // From 2.0 to -1.0; then requests without any pay in to 0.2.
    assert_eq!(all_fail(&mut budget, 8), [3, 0, 0, 0, 0, 0, 0, 3]);
    assert_eq!(budget.refused(), 6);
    assert_eq!(budget.live(), 0);
}

#[test]
fn a_share_of_nothing_is_what_was_there_at_first() {
    let mut nothing = budget(0, 3);
    let permitted: u32 = all_fail(&mut nothing, 1_000).iter().sum();
    assert_eq!(permitted, 3);
}

#[test]
fn an_upstream_that_is_known_to_fail_gets_retries_one_by_one() {
    let mut budget = budget(20, 3);
    all_fail(&mut budget, 5_000);
    let permitted = all_fail(&mut budget, 600);
    assert_eq!(permitted.iter().max(), Some(&1));
    assert_eq!(permitted.iter().sum::<u32>(), 100);
}

#[test]
fn retries_that_may_come_are_reserved() {
    let mut budget = budget(20, 3);
    all_fail(&mut budget, 5_000);
    // Well again, but nobody knows yet: what is saved is permitted once.
    for _ in 0..60 {
        budget.begin(1_000, 0);
        budget.end(0, 1);
    }
    let together: Vec<u32> = (0..40).map(|_| budget.begin(1_000, 3)).collect();
    assert_eq!(together.iter().sum::<u32>(), 9);
    for permitted in together {
        budget.end(permitted, 1);
    }
    assert_eq!(budget.live(), 0);
}

#[test]
fn the_last_requests_say_what_comes_of_permissions() {
    let mut budget = budget(20, 9);
    let mut after = |permitted, attempts| {
        budget.end(permitted, attempts);
        budget.use_rate
    };
    assert_eq!(after(2, 3), 31_250);
    // Half of a permission, and then none at all.
    assert_eq!(after(2, 2), 45_899);
    assert_eq!(after(3, 1), 44_464);
    // Requests without any say nothing, and nobody uses more than all.
    assert_eq!([after(0, 1), after(0, 9)], [44_464, 44_464]);
    assert_eq!(after(1, 9), 74_325);
    // What goes on for long is certain.
    assert_eq!((0..999).map(|_| after(1, 2)).max(), Some(WHOLE));
    assert_eq!((0..999).map(|_| after(1, 1)).min(), Some(0));
}

#[test]
fn what_is_not_sent_pays_nothing() {
    let mut budget = budget(20, 3);
    let before = budget.balance;
    let permitted = budget.begin(1_000, 2);
    assert_eq!((permitted, budget.live(), budget.permitted), (2, 1, 2));
    budget.cancel(permitted);
    assert_eq!((budget.live(), budget.permitted), (0, 0));
    assert_eq!(budget.balance, before);
}

#[test]
fn one_request_cannot_reserve_everything() {
    let mut budget = budget(20, 3);
    budget.use_rate = 10_000;
    assert_eq!(budget.begin(1_000, u32::MAX), 32);
    assert_eq!(budget.begin(1_000, 3), 3);
    // None was refused for want of credit.
    assert_eq!(budget.refused(), 0);
}

#[test]
fn credit_is_not_hoarded() {
    let mut budget = budget(20, 3);
    for _ in 0..1_000_000 {
        let permitted = budget.begin(1_000, 3);
        assert_eq!(permitted, 3);
        budget.end(permitted, 1);
    }
    // What is least, and a fifth of 32.
    assert_eq!(budget.balance, 9_400_000);
    // What is due to 100 requests under way is lost with them.
    let all: Vec<u32> = (0..100).map(|_| budget.begin(1_000, 3)).collect();
    for permitted in &all[..60] {
        budget.end(*permitted, 1);
    }
    assert!(budget.balance > 14_000_000);
    for permitted in &all[60..] {
        budget.end(*permitted, 1);
    }
    assert_eq!(budget.balance, 9_400_000);
}

#[test]
fn a_large_debt_is_forgiven_in_time() {
    let overdrawn = || {
        let mut budget = budget(20, 3);
        let permitted: Vec<u32> = (0..65).map(|_| budget.begin(1_000, 3)).collect();
        for permitted in permitted {
            budget.end(permitted, permitted + 1);
        }
        assert_eq!(budget.balance, (3 - 195) * WHOLE);
        budget
    };
    let balance_at = |now_ms| {
        let mut budget = overdrawn();
        budget.begin(now_ms, 0);
        budget.balance
    };
    assert_eq!(balance_at(60_999), -192 * WHOLE);
    assert_eq!(balance_at(61_000), (-3 * WHOLE) - 189 * WHOLE / 2);
    assert_eq!(
        balance_at(1_000 + 10 * 60_000),
        (-3 * WHOLE) - ((189 * WHOLE) >> 10)
    );
    assert_eq!(balance_at(u64::MAX), -3 * WHOLE);
    // A clock that steps back forgives nothing, and runs from there.
    let mut budget = overdrawn();
    budget.begin(0, 0);
    assert_eq!(budget.balance, -192 * WHOLE);
    budget.begin(59_999, 0);
    assert_eq!(budget.balance, -192 * WHOLE);
    budget.begin(60_000, 0);
    assert_eq!(budget.balance, (-3 * WHOLE) - 189 * WHOLE / 2);
    // A half-life is over once.
    budget.begin(119_999, 0);
    assert_eq!(budget.balance, (-3 * WHOLE) - 189 * WHOLE / 2);
    budget.begin(120_000, 0);
    assert_eq!(budget.balance, (-3 * WHOLE) - 189 * WHOLE / 4);
}

#[test]
fn a_small_debt_is_not_forgiven() {
    let mut budget = budget(20, 3);
    assert_eq!(all_fail(&mut budget, 2), [3, 0]);
    let permitted = budget.begin(u64::MAX, 3);
    assert_eq!((permitted, budget.balance), (3, 200_000));
    budget.end(3, 4);
    assert_eq!(budget.begin(u64::MAX, 3), 0);
    assert_eq!(budget.balance, -2_800_000);
}

#[test]
fn numbers_that_cannot_be_do_no_harm() {
    let mut budget = budget(100, u32::MAX);
    assert_eq!(budget.begin(0, u32::MAX), 32);
    budget.end(u32::MAX, u32::MAX);
    budget.end(7, 0);
    budget.end(0, u32::MAX);
    assert_eq!(budget.live(), 0);
    assert!(budget.use_rate <= WHOLE);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Whether a request begins, or which of those under way ends and how many of its
    /// retries it made, in quarters.
    fn steps() -> impl Strategy<Value = Vec<(bool, usize, u32)>> {
        prop::collection::vec((any::<bool>(), 0..64_usize, 0..=4_u32), 0..800)
    }

    proptest! {
        /// Whatever comes in whatever order: retries are no more than what was in the
        /// account, what was paid in, and what those under way could overdraw.
        #[test]
        fn retries_are_paid_for(
            percent in 0..=100_u32, least in 0..9_u32, wanted in 0..5_u32, steps in steps()
        ) {
            let mut budget = budget(percent, least);
            let mut under_way: Vec<u32> = Vec::new();
            let (mut ended_without, mut made, mut most_under_way) = (0_i64, 0_i64, 0);
            for (begins, which, quarters) in steps {
                if begins || under_way.is_empty() {
                    let was_empty = budget.balance <= 0;
                    let permitted = budget.begin(1_000, wanted);
                    prop_assert!(permitted <= wanted && !(was_empty && permitted > 0));
                    under_way.push(permitted);
                    most_under_way = most_under_way.max(under_way.len());
                } else {
                    let permitted = under_way.swap_remove(which % under_way.len());
                    let retries = permitted * quarters / 4;
                    budget.end(permitted, retries + 1);
                    made += i64::from(retries);
                    ended_without += i64::from(retries == 0);
                }
                let paid_in = i64::from(least) * WHOLE
                    + ended_without * i64::from(percent) * 10_000;
                let overdrawn = i64::from(wanted) * i64::try_from(most_under_way).unwrap();
                prop_assert!(made * WHOLE <= paid_in + overdrawn * WHOLE);
                prop_assert_eq!(budget.live(), u32::try_from(under_way.len()).unwrap());
                prop_assert_eq!(budget.permitted, under_way.iter().sum::<u32>());
                prop_assert!((0..=WHOLE).contains(&budget.use_rate));
            }
        }

        /// An upstream whose requests need no retries is never refused any.
        #[test]
        fn a_healthy_upstream_is_never_refused(
            percent in 0..=100_u32, least in 1..9_u32, wanted in 0..5_u32, steps in steps()
        ) {
            let mut budget = budget(percent, least);
            let mut under_way = 0;
            for (begins, ..) in steps {
                if begins || under_way == 0 {
                    prop_assert_eq!(budget.begin(1_000, wanted), wanted);
                    under_way += 1;
                } else {
                    budget.end(wanted, 1);
                    under_way -= 1;
                }
            }
            prop_assert_eq!(budget.refused(), 0);
        }
    }
}
