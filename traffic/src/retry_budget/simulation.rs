//! Clients in a closed loop before an upstream that fails as it is told to: how much more
//! than what they ask for reaches it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::RetryBudget;
use crate::destination_rule::BudgetPolicy;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Retries of a route, beyond the first attempt.
const RETRIES: u32 = 3;

/// Envoy's back-off before the first retry; it doubles.
const BACK_OFF_MS: u64 = 25;

/// Numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What an upstream does for a while.
#[derive(Debug, Clone, Copy)]
struct Phase {
    requests: u32,
    /// Attempts of ten thousand that fail.
    failing: u64,
    attempt_ms: u64,
}

const DEAD: Phase = Phase {
    requests: 5_000,
    failing: 10_000,
    attempt_ms: 5,
};

const WELL: Phase = Phase { failing: 0, ..DEAD };

/// What came of a phase.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    requests: u32,
    attempts: u32,
    /// Requests that were not permitted all their retries.
    curtailed: u32,
    /// Requests that failed, though another attempt might have helped.
    lost: u32,
}

impl Load {
    /// Attempts for a thousand requests.
    fn per_mille(&self) -> u32 {
        self.attempts * 1_000 / self.requests
    }
}

/// A request under way. The one that ends first comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Under {
    ends_ms: u64,
    permitted: u32,
    attempts: u32,
}

struct World {
    budget: Option<RetryBudget>,
    dice: Dice,
    now_ms: u64,
    under_way: BinaryHeap<Reverse<Under>>,
}

impl World {
    fn new(policy: Option<BudgetPolicy>) -> Self {
        Self {
            budget: policy.map(|policy| RetryBudget::new(policy, 0)),
            dice: Dice(7),
            now_ms: 0,
            under_way: BinaryHeap::new(),
        }
    }

    fn end_one(&mut self) {
        let Some(Reverse(ended)) = self.under_way.pop() else {
            return;
        };
        self.now_ms = ended.ends_ms;
        if let Some(budget) = &mut self.budget {
            budget.end(ended.permitted, ended.attempts);
        }
    }

    /// Each client sends its next request when it has the answer to its last.
    fn run(&mut self, clients: usize, phase: Phase) -> Load {
        let mut load = Load::default();
        for _ in 0..phase.requests {
            while self.under_way.len() >= clients {
                self.end_one();
            }
            self.send(phase, &mut load);
        }
        load
    }

    fn send(&mut self, phase: Phase, load: &mut Load) {
        let now_ms = self.now_ms;
        let permitted = match &mut self.budget {
            Some(budget) => budget.begin(now_ms, RETRIES),
            None => RETRIES,
        };
        let mut ends_ms = now_ms;
        let mut attempts = 0;
        let has_failed = loop {
            attempts += 1;
            ends_ms += phase.attempt_ms + self.dice.below(phase.attempt_ms);
            let has_failed = self.dice.below(10_000) < phase.failing;
            if !has_failed || attempts > permitted {
                break has_failed;
            }
            ends_ms += self.dice.below(BACK_OFF_MS << attempts.min(3));
        };
        load.requests += 1;
        load.attempts += attempts;
        load.curtailed += u32::from(permitted < RETRIES);
        load.lost += u32::from(has_failed && attempts <= RETRIES);
        self.under_way.push(Reverse(Under {
            ends_ms,
            permitted,
            attempts,
        }));
    }
}

fn phases(clients: usize, phases: &[Phase]) -> Vec<Load> {
    let mut world = World::new(Some(BudgetPolicy::default()));
    phases
        .iter()
        .map(|phase| world.run(clients, *phase))
        .collect()
}

const CLIENTS: [usize; 4] = [1, 16, 64, 256];

#[test]
fn a_dead_upstream_meets_less_than_a_fifth_more() {
    for clients in CLIENTS {
        let without = World::new(None).run(clients, DEAD);
        let fresh = phases(clients, &[DEAD])[0];
        let fallen = phases(clients, &[WELL, DEAD])[1];
        println!(
            "dead upstream, {clients} clients: {} of 1000 at first, {} after it was well, {} without a budget",
            fresh.per_mille(),
            fallen.per_mille(),
            without.per_mille()
        );
        assert_eq!(without.per_mille(), 4_000);
        for load in [fresh, fallen] {
            assert!(load.per_mille() < 1_200, "{clients} clients: {load:?}");
            // A budget that permits nothing would be no budget.
            assert!(load.per_mille() > 1_050, "{clients} clients: {load:?}");
        }
    }
}

#[test]
fn a_dead_upstream_may_be_slow_or_quick() {
    for attempt_ms in [1, 50, 1_000] {
        for clients in [16, 64] {
            let dead = Phase { attempt_ms, ..DEAD };
            let well = Phase { attempt_ms, ..WELL };
            let load = phases(clients, &[well, dead])[1];
            println!(
                "dead upstream, {clients} clients, {attempt_ms} ms an attempt: {}",
                load.per_mille()
            );
            assert!(load.per_mille() < 1_200, "{clients} clients: {load:?}");
        }
    }
}

#[test]
fn a_short_run_is_below_a_fifth_too() {
    // As soon as what was overdrawn when it died is balanced: what was in the account, and
    // three retries for each request that was under way, each for five requests.
    for (clients, requests) in [(1, 300), (16, 500), (64, 1_000)] {
        let dead = Phase { requests, ..DEAD };
        let load = phases(clients, &[WELL, dead])[1];
        println!(
            "dead upstream, {clients} clients, {requests} requests: {}",
            load.per_mille()
        );
        assert!(load.per_mille() < 1_200, "{clients} clients: {load:?}");
    }
}

#[test]
fn a_healthy_upstream_always_has_its_retries() {
    for clients in CLIENTS {
        let load = phases(clients, &[WELL])[0];
        assert_eq!((load.curtailed, load.attempts), (0, 5_000), "{clients}");
    }
}

#[test]
fn a_flaky_upstream_has_practically_all_its_retries() {
    for clients in CLIENTS {
        for (percent, most_curtailed, most_lost) in [(1, 5, 0), (5, 100, 5), (10, 500, 50)] {
            let flaky = Phase {
                failing: percent * 100,
                ..DEAD
            };
            let load = phases(clients, &[flaky])[0];
            println!(
                "{percent} % errors, {clients} clients: {} of 5000 curtailed, {} lost for it",
                load.curtailed, load.lost
            );
            assert!(
                load.curtailed <= most_curtailed,
                "{clients} clients: {load:?}"
            );
            assert!(load.lost <= most_lost, "{clients} clients: {load:?}");
        }
    }
}

#[test]
fn an_upstream_that_recovers_has_its_retries_soon() {
    for clients in CLIENTS {
        let load = phases(clients, &[WELL, DEAD, WELL]);
        println!(
            "recovered, {clients} clients: {} of {} requests curtailed",
            load[2].curtailed, load[2].requests
        );
        assert!(load[2].curtailed < 1_500, "{clients} clients: {load:?}");
        let at_last = phases(clients, &[WELL, DEAD, WELL, WELL])[3];
        assert_eq!(at_last.curtailed, 0, "{clients} clients: {at_last:?}");
    }
}
