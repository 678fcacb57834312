//! Breakers, and routes over them.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use Outcome::{Answer, LocalOrigin, Unjudged};

const START: u64 = 1_790_000_000_000;

fn breaker(outlier: Outlier) -> Breaker {
    Breaker::new(&SubsetPolicy {
        outlier: Some(outlier),
        ..SubsetPolicy::default()
    })
}

/// What the breaker ejects for, and at which of the outcomes.
fn first_ejection(outlier: Outlier, outcomes: &[Outcome]) -> Option<(usize, Cause)> {
    let mut breaker = breaker(outlier);
    let mut all = outcomes.iter().enumerate();
    all.find_map(|(number, outcome)| {
        let ejection = breaker.on_response(START, *outcome)?;
        Some((number, ejection.cause))
    })
}

#[test]
fn failures_in_a_row_eject() {
    let outlier = |consecutive_5xx, consecutive_gateway, consecutive_local_origin| Outlier {
        consecutive_5xx,
        consecutive_gateway,
        consecutive_local_origin,
        ..Outlier::default()
    };
    let (server, gateway) = (Some((2, Cause::Consecutive5xx)), Cause::ConsecutiveGateway);
    let local = Cause::ConsecutiveLocalOrigin;
    let table = [
        (
            outlier(3, 0, None),
            &[Answer(500), Answer(502), Answer(599)][..],
            server,
        ),
        (outlier(3, 0, None), &[LocalOrigin(503); 3], server),
        (outlier(3, 0, None), &[Answer(500), Answer(500)], None),
        // Anything else ends a row, and what nobody is to blame for does not.
        (
            outlier(3, 0, None),
            &[Answer(500), Answer(404), Answer(500), Answer(500)],
            None,
        ),
        (
            outlier(2, 0, None),
            &[Answer(500), Unjudged, Answer(500)],
            server,
        ),
        (outlier(0, 0, None), &[Answer(500); 100], None),
        // Of gateways.
        (
            outlier(0, 2, None),
            &[Answer(502), Answer(504)],
            Some((1, gateway)),
        ),
        (
            outlier(0, 2, None),
            &[Answer(503), Answer(500), Answer(503)],
            None,
        ),
        (
            outlier(0, 2, None),
            &[LocalOrigin(504), Answer(503)],
            Some((1, gateway)),
        ),
        (outlier(2, 2, None), &[Answer(503); 2], Some((1, gateway))),
        (
            outlier(3, 2, None),
            &[Answer(500), Answer(503), Answer(503)],
            Some((2, gateway)),
        ),
        // Split: each is counted by itself.
        (
            outlier(2, 0, Some(2)),
            &[Answer(500), LocalOrigin(503)],
            None,
        ),
        (
            outlier(2, 0, Some(2)),
            &[LocalOrigin(503); 2],
            Some((1, local)),
        ),
        (
            outlier(9, 0, Some(2)),
            &[LocalOrigin(503), Answer(500), LocalOrigin(503)],
            None,
        ),
        (
            outlier(2, 0, Some(9)),
            &[Answer(500), LocalOrigin(503), Answer(500)],
            server,
        ),
    ];
    for (number, (outlier, outcomes, expected)) in table.into_iter().enumerate() {
        assert_eq!(first_ejection(outlier, outcomes), expected, "{number}");
    }
    let mut never = Breaker::new(&SubsetPolicy::default());
    assert!((0..100).all(|_| never.on_response(START, Answer(503)).is_none()));
}

/// Ejects a breaker that takes one failure.
fn eject(breaker: &mut Breaker, now_ms: u64) -> u64 {
    breaker.on_response(now_ms, Answer(500)).unwrap().for_ms
}

fn nervous() -> Outlier {
    Outlier {
        consecutive_5xx: 1,
        ..Outlier::default()
    }
}

#[test]
fn an_ejection_ends_at_its_time() {
    let mut breaker = breaker(nervous());
    assert_eq!(breaker.ejected_since(START), None);
    assert_eq!(eject(&mut breaker, START), 30_000);
    assert_eq!(breaker.ejected_since(START + 29_999), Some(START));
    // What comes late says nothing new.
    assert_eq!(breaker.on_response(START + 29_999, Answer(500)), None);
    assert_eq!(breaker.ejected_since(START + 30_000), None);
    assert_eq!(breaker.on_response(START + 30_000, Answer(200)), None);
    assert_eq!(breaker.ejected_since(START + 30_000), None);
}

#[test]
fn ejections_grow_and_are_forgotten() {
    let mut growing = breaker(nervous());
    let mut now_ms = START;
    let mut again_after = |well_ms: u64| {
        now_ms += well_ms;
        let for_ms = eject(&mut growing, now_ms);
        now_ms += for_ms;
        for_ms / 1_000
    };
    let grown: Vec<u64> = (0..12).map(|_| again_after(9_999)).collect();
    assert_eq!(
        grown,
        [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
    );
    // Each interval of 10 s takes one back.
    assert_eq!(again_after(10_000), 300);
    assert_eq!(again_after(20_000), 270);
    assert_eq!(again_after(50_000), 150);
    assert_eq!(again_after(1_000_000), 30);
    // A first ejection that is longer is the longest.
    let mut long = breaker(Outlier {
        base_ejection_ms: 900_000,
        ..nervous()
    });
    assert_eq!(eject(&mut long, START), 900_000);
    assert_eq!(eject(&mut long, START + 900_000), 900_000);
}

#[test]
fn a_row_begins_again_after_an_ejection() {
    let mut breaker = breaker(Outlier::default());
    let failures = |breaker: &mut Breaker, now_ms| {
        let fail = |_: &u32| breaker.on_response(now_ms, Answer(503)).is_some();
        (1..=9).find(fail)
    };
    assert_eq!(failures(&mut breaker, START), Some(5));
    assert_eq!(failures(&mut breaker, START + 29_999), None);
    assert_eq!(failures(&mut breaker, START + 30_000), Some(5));
}

#[test]
fn a_clock_that_steps_back_ejects_for_no_longer() {
    let mut breaker = breaker(nervous());
    eject(&mut breaker, START);
    let back = START - 3_600_000;
    assert_eq!(breaker.ejected_since(back), Some(back));
    assert_eq!(breaker.ejected_since(back + 29_999), Some(back));
    assert_eq!(breaker.ejected_since(back + 30_000), None);
    // And no shorter: what was learnt is not forgotten.
    assert_eq!(eject(&mut breaker, 0), 60_000);
    assert_eq!(breaker.ejected_since(u64::MAX), None);
}

#[test]
fn requests_above_the_limit_are_refused() {
    let mut breaker = Breaker::new(&SubsetPolicy {
        limits: Limits {
            max_requests: Some(2),
        },
        ..SubsetPolicy::default()
    });
    assert_eq!([breaker.admit(), breaker.admit()], [Ok(()), Ok(())]);
    assert_eq!(breaker.admit(), Err(Refusal::Overflow));
    breaker.on_end();
    assert_eq!((breaker.active(), breaker.admit()), (1, Ok(())));
    for _ in 0..9 {
        breaker.on_end();
    }
    assert_eq!(breaker.active(), 0);
}

#[test]
fn a_refusal_is_answered_as_envoy_does() {
    let overflow = Refusal::Overflow.reply();
    let expected = (b"x-envoy-overloaded".to_vec(), b"true".to_vec());
    assert_eq!((overflow.status, overflow.headers), (503, vec![expected]));
    let ejected = Refusal::Ejected.reply();
    assert_eq!((ejected.status, ejected.headers), (503, vec![]));
    assert_eq!(ejected.body, b"no healthy upstream");
    let names = [Refusal::Overflow.name(), Refusal::Ejected.name()];
    assert_eq!(names, ["overflow", "ejected"]);
    let causes = [
        Cause::Consecutive5xx,
        Cause::ConsecutiveGateway,
        Cause::ConsecutiveLocalOrigin,
    ];
    let names = [
        "consecutive_5xx",
        "consecutive_gateway",
        "consecutive_local_origin",
    ];
    assert_eq!(causes.map(Cause::name), names);
}

/// A route with these weights, each with its own breaker.
fn route(weights: &[u32], max_ejection_percent: u8) -> (Vec<Breaker>, Vec<Weighted>) {
    let outlier = Outlier {
        max_ejection_percent,
        ..nervous()
    };
    let breakers = weights.iter().map(|_| breaker(outlier)).collect();
    let weighted = weights.iter().enumerate();
    let weighted = weighted.map(|(breaker, weight)| Weighted {
        breaker,
        weight: *weight,
    });
    (breakers, weighted.collect())
}

/// Where each destination's requests go, when these are ejected, in this order.
fn choices(weights: &[u32], most: u8, ejected: &[usize]) -> Vec<Result<Choice, Refusal>> {
    let (mut breakers, route) = route(weights, most);
    for (number, after_ms) in ejected.iter().zip(0..) {
        eject(&mut breakers[*number], START + after_ms);
    }
    let given = 0..weights.len();
    given
        .map(|given| choose(&mut breakers, &route, given, 7, START + 100))
        .collect()
}

#[test]
fn no_more_of_a_route_is_closed_than_may_be() {
    use Choice::{Given, Moved, Spared};
    let none = Err(Refusal::Ejected);
    let (stays, spared) = (Ok(Given), Ok(Spared));
    let to = |number| Ok(Moved(number));
    let table = [
        // The default: the canary can be closed, and what it is to replace never.
        (&[95, 5][..], 10, &[][..], vec![stays, stays]),
        (&[95, 5], 10, &[1], vec![stays, to(0)]),
        (&[95, 5], 10, &[0], vec![spared, stays]),
        (&[95, 5], 10, &[0, 1], vec![spared, to(0)]),
        (&[95, 5], 4, &[1], vec![stays, spared]),
        (&[95, 5], 5, &[1], vec![stays, to(0)]),
        // All of it.
        (&[95, 5], 100, &[0], vec![to(1), stays]),
        (&[95, 5], 100, &[1, 0], vec![none, none]),
        (&[7], 100, &[0], vec![none]),
        (&[0], 100, &[0], vec![none]),
        (&[7], 99, &[0], vec![spared]),
        (&[0], 99, &[0], vec![spared]),
        // The first to be ejected is closed.
        (&[80, 10, 10], 10, &[1, 2], vec![stays, to(0), spared]),
        (&[80, 10, 10], 10, &[2, 1], vec![stays, spared, to(0)]),
        (&[80, 10, 10], 20, &[2, 1], vec![stays, to(0), to(0)]),
        // One that is too heavy does not keep a lighter one open.
        (&[80, 10, 10], 10, &[0, 2], vec![spared, stays, to(0)]),
        // Weights need not be of a hundred.
        (&[19, 1], 5, &[1], vec![stays, to(0)]),
        (&[u32::MAX, u32::MAX], 50, &[1], vec![stays, to(0)]),
    ];
    for (weights, most, ejected, expected) in table {
        let found = choices(weights, most, ejected);
        assert_eq!(found, expected, "{weights:?} {most} {ejected:?}");
    }
}

#[test]
fn a_destination_without_breaker_is_taken() {
    let (mut breakers, mut route) = route(&[50, 50], 100);
    assert_eq!(
        choose(&mut breakers, &route, 9, 7, START),
        Ok(Choice::Given)
    );
    route[0].breaker = 9;
    assert_eq!(
        choose(&mut breakers, &route, 0, 7, START),
        Ok(Choice::Given)
    );
    eject(&mut breakers[1], START);
    assert_eq!(
        choose(&mut breakers, &route, 1, 7, START),
        Ok(Choice::Moved(0))
    );
}

#[test]
fn nothing_is_closed_when_too_little_would_remain() {
    let panic = |min_health_percent| {
        let (_, route) = route(&[60, 40], 100);
        let outlier = Outlier {
            min_health_percent,
            max_ejection_percent: 100,
            ..nervous()
        };
        let mut breakers = vec![breaker(outlier), breaker(outlier)];
        eject(&mut breakers[1], START);
        choose(&mut breakers, &route, 1, 7, START).unwrap()
    };
    assert_eq!(panic(0), Choice::Moved(0));
    assert_eq!(panic(60), Choice::Moved(0));
    assert_eq!(panic(61), Choice::Spared);
}

#[test]
fn requests_under_way_are_of_where_they_went() {
    let (mut breakers, route) = route(&[95, 5], 10);
    eject(&mut breakers[1], START);
    for given in [0, 1, 1] {
        choose(&mut breakers, &route, given, 7, START).unwrap();
    }
    assert_eq!([breakers[0].active(), breakers[1].active()], [3, 0]);
    // Full is full: a request is not moved on from there, nor to there.
    breakers[0].limits.max_requests = Some(3);
    for given in [0, 1] {
        let refused = choose(&mut breakers, &route, given, 7, START);
        assert_eq!(refused, Err(Refusal::Overflow));
    }
    // The canary is back.
    let late = choose(&mut breakers, &route, 1, 7, START + 30_000);
    assert_eq!((late, breakers[1].active()), (Ok(Choice::Given), 1));
}

#[test]
fn what_remains_shares_by_weight() {
    // The number that drew the destination is the one that moves the request.
    let (mut breakers, route) = route(&[50, 30, 20], 30);
    let mut random = 1_u64;
    let mut draw = move || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        random >> 33
    };
    eject(&mut breakers[1], START);
    let mut went = [0_u32; 3];
    for _ in 0..100_000 {
        let random = draw();
        let given = match random % 100 {
            0..50 => 0,
            50..80 => 1,
            _ => 2,
        };
        let choice = choose(&mut breakers, &route, given, random, START).unwrap();
        went[choice.destination(given)] += 1;
    }
    // 5/7 and 2/7, within four times the deviation of chance.
    assert!(went[0].abs_diff(71_429) < 572 && went[1] == 0, "{went:?}");
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Which destinations are closed, from the definition: those that are ejected, oldest
    /// first, each if it and those before are within the limit.
    fn closed(weights: &[u32], most: u8, ejected: &[usize]) -> Vec<usize> {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut closed: Vec<usize> = Vec::new();
        for number in ejected {
            let with: u64 = closed
                .iter()
                .chain([number])
                .map(|one| u64::from(weights[*one]))
                .sum();
            if with * 100 <= u64::from(most) * total {
                closed.push(*number);
            }
        }
        closed
    }

    proptest! {
        #[test]
        fn a_route_is_closed_by_definition(
            weights in prop::collection::vec(1..100_u32, 2..6), most in 1..=100_u8,
            order in prop::collection::vec(0..6_usize, 0..6), random: u64, given in 0..6_usize,
        ) {
            let given = given % weights.len();
            let mut ejected: Vec<usize> = Vec::new();
            for number in order {
                if number < weights.len() && !ejected.contains(&number) {
                    ejected.push(number);
                }
            }
            let (mut breakers, route) = route(&weights, most);
            for (number, after_ms) in ejected.iter().zip(0..) {
                eject(&mut breakers[*number], START + after_ms);
            }
            let closed = closed(&weights, most, &ejected);
            let found = choose(&mut breakers, &route, given, random, START + 10);
            match found {
                Ok(Choice::Given) => prop_assert!(!ejected.contains(&given)),
                Ok(Choice::Spared) => {
                    prop_assert!(ejected.contains(&given) && !closed.contains(&given));
                }
                Ok(Choice::Moved(to)) => {
                    prop_assert!(closed.contains(&given) && !closed.contains(&to));
                }
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::Ejected);
                    prop_assert_eq!(closed.len(), weights.len());
                }
            }
            let again = choose(&mut breakers, &route, given, random, START + 10);
            prop_assert_eq!(found, again);
            let active: u32 = breakers.iter().map(Breaker::active).sum();
            prop_assert_eq!(active, if found.is_ok() { 2 } else { 0 });
        }

        /// Times in any order, outcomes of any kind: nothing is ejected for longer than it
        /// may be, and what is ejected comes back.
        #[test]
        fn no_ejection_is_too_long(
            steps in prop::collection::vec((0..2_000_000_u64, 0..700_u16, any::<bool>()), 0..200)
        ) {
            let mut breaker = breaker(nervous());
            for (now_ms, status, is_local) in steps {
                let outcome = if is_local { LocalOrigin(503) } else { Answer(status) };
                if let Some(ejection) = breaker.on_response(now_ms, outcome) {
                    prop_assert!((30_000..=300_000).contains(&ejection.for_ms));
                    prop_assert_eq!(ejection.for_ms % 30_000, 0);
                    prop_assert_eq!(breaker.ejected_since(now_ms), Some(now_ms));
                }
                let mut later = breaker.clone();
                prop_assert_eq!(later.ejected_since(now_ms + 300_000), None);
            }
        }
    }
}
