//! Whole proxies with traffic from a seed: what is drained, when, and what never is.

use super::testing::{START, Shared, config, short};
use super::{CanaryGuard, Event, Guard, Outcome, Subset};
use crate::hash::{GOLDEN, mix};

/// Numbers that look random: SplitMix64.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Below a million.
    fn millionth(&mut self) -> u64 {
        self.next() % 1_000_000
    }

    /// A latency in microseconds: a normal logarithm, as most are, with a median of
    /// 20 ms. `spread` is its standard deviation in hundredths: at 50 the 99th
    /// percentile is 3.2 times the median.
    fn latency_us(&mut self, spread: u32) -> u64 {
        // Twelve uniform numbers are normal enough, with a variance of 1.
        let (first, second, third) = (self.next(), self.next(), self.next());
        let quarters = |word: u64| (0..4).map(move |i| word >> (16 * i) & 0xffff);
        let sum: u64 = [first, second, third].into_iter().flat_map(quarters).sum();
        // About 0, from units of 2^-16.
        let normal = sum as f64 / 65_536.0 - 6.0;
        let latency_us = 20_000.0 * (normal * f64::from(spread) / 100.0).exp();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 ms to 8 s for the spreads here"
        )]
        let latency_us = latency_us as u64;
        latency_us
    }
}

/// Traffic that comes to a split.
#[derive(Debug, Clone, Copy)]
struct Traffic {
    /// Requests in a second.
    rate: u64,
    /// Of a hundred requests, how many the canary gets.
    canary_percent: u64,
    /// Standard deviation of the logarithm of latencies, in hundredths.
    spread: u32,
    /// How many percent longer the canary takes.
    slower_percent: u64,
    /// Share of errors of the stable subset, and of the canary, in millionths.
    errors: (u64, u64),
}

/// Both subsets do the same.
const EQUAL: Traffic = Traffic {
    rate: 200,
    canary_percent: 50,
    spread: 50,
    slower_percent: 0,
    errors: (1_000, 1_000),
};

/// VMs that share a guard.
struct Proxy {
    guards: Vec<Guard>,
    shared: Shared,
    random: Random,
    now_ms: u64,
}

impl Proxy {
    fn new(config: &CanaryGuard, vms: usize, seed: u64) -> Self {
        let guard = || Guard::new(config.clone());
        Self {
            guards: std::iter::repeat_with(guard).take(vms).collect(),
            shared: Shared::default(),
            random: Random(seed),
            // Runs begin anywhere in a slot.
            now_ms: START + seed * 7_919 % 60_000,
        }
    }

    /// A request comes to any of the VMs.
    fn request(&mut self, traffic: &Traffic) {
        let random = &mut self.random;
        let vm = usize::try_from(random.next()).unwrap() % self.guards.len();
        let (subset, slower, errors) = if random.next() % 100 < traffic.canary_percent {
            (Subset::Canary, traffic.slower_percent, traffic.errors.1)
        } else {
            (Subset::Stable, 0, traffic.errors.0)
        };
        let latency_us = random.latency_us(traffic.spread) * (100 + slower) / 100;
        let outcome = match random.millionth() < errors {
            true => Outcome::Failed,
            false => Outcome::Good,
        };
        self.guards[vm].observe(subset, None, outcome, latency_us);
    }

    /// A second passes, in which requests come; then all VMs tick.
    fn second(&mut self, traffic: &Traffic) -> Vec<Event> {
        for _ in 0..traffic.rate {
            self.request(traffic);
        }
        self.tick(1_000)
    }

    fn tick(&mut self, ms: u64) -> Vec<Event> {
        self.now_ms += ms;
        let (now_ms, shared) = (self.now_ms, &mut self.shared);
        let guards = self.guards.iter_mut();
        guards
            .flat_map(|guard| guard.on_tick(now_ms, shared))
            .collect()
    }

    /// After how many seconds of the traffic the canary is drained.
    fn drained_after(&mut self, traffic: &Traffic, seconds: u64) -> Option<(u64, Event)> {
        (1..=seconds).find_map(|second| {
            let events = self.second(traffic);
            events.first().map(|event| (second, *event))
        })
    }
}

/// So many percent of the canary's requests fail beyond what the stable subset's do.
fn failing(percent: u64) -> Traffic {
    Traffic {
        errors: (1_000, 1_000 + percent * 10_000),
        ..EQUAL
    }
}

/// The canary takes longer by so many percent.
fn slower(percent: u64) -> Traffic {
    Traffic {
        slower_percent: percent,
        ..EQUAL
    }
}

impl Traffic {
    /// The canary gets so many percent, and so many requests in a window.
    fn split(self, canary_percent: u64, canary_requests: u64, window_ms: u32) -> Self {
        let requests = canary_requests * 100 / canary_percent;
        Self {
            rate: requests * 1_000 / u64::from(window_ms),
            canary_percent,
            ..self
        }
    }

    /// The same before anything is wrong.
    fn sound(self) -> Self {
        Self {
            slower_percent: 0,
            errors: (self.errors.0, self.errors.0),
            ..self
        }
    }
}

/// Of so many runs, in how many the canary is drained within two windows, and the
/// longest that took. Before, both do the same for a window.
fn drained(config: &CanaryGuard, traffic: Traffic, runs: u64) -> (usize, u64) {
    let window_s = u64::from(config.window_ms) / 1_000;
    let mut times = Vec::new();
    for seed in 0..runs {
        let mut proxy = Proxy::new(config, 2, seed);
        let early = proxy.drained_after(&traffic.sound(), window_s);
        assert_eq!(early, None, "seed {seed}");
        times.extend(proxy.drained_after(&traffic, 2 * window_s));
    }
    let longest = times.iter().map(|(seconds, _)| *seconds).max();
    (times.len(), longest.unwrap_or_default())
}

#[test]
fn what_is_worse_is_drained_within_two_windows() {
    let table = [
        ("errors +5 points, 50/50", failing(5), 50, 1_200),
        ("errors +5 points, 5/95", failing(5), 5, 500),
        ("p99 +20 %, 50/50", slower(20), 50, 10_000),
        ("p99 +20 %, 5/95", slower(20), 5, 5_000),
    ];
    for (what, traffic, percent, requests) in table {
        let traffic = traffic.split(percent, requests, 20_000);
        let (count, longest) = drained(&short(), traffic, 5);
        println!("{what}, {requests} requests of the canary: {count} of 5, at most {longest} s");
        assert_eq!(count, 5, "{what}");
    }
}

/// Fewer samples than that take longer, or are not enough; they never turn into a
/// false verdict.
#[test]
fn an_equal_canary_is_never_drained() {
    let config = CanaryGuard {
        window_ms: 20_000,
        min_samples: 20,
        ..config()
    };
    let table = [(50, 40, 1_000), (50, 1_000, 50), (5, 20, 50), (95, 400, 50)];
    for (percent, requests, runs) in table {
        let traffic = EQUAL.split(percent, requests, 20_000);
        let mut alarms = 0;
        for seed in 0..runs {
            let mut proxy = Proxy::new(&config, 1, seed);
            alarms += usize::from(proxy.drained_after(&traffic, 100).is_some());
        }
        println!("equal, {percent} %, {requests} requests of the canary: {alarms} of {runs}");
        assert_eq!(alarms, 0);
    }
}

/// Bursts that are shorter than a slot, wherever they lie in it: one client that repeats
/// a bad request, or a machine that stands still.
#[test]
fn one_burst_drains_nothing_wherever_it_begins() {
    let config = short();
    let sound = EQUAL.split(50, 2_000, config.window_ms);
    let bad = Traffic {
        errors: (0, 900_000),
        ..sound
    };
    let slow = Traffic {
        slower_percent: 400,
        ..sound
    };
    for (burst, seconds) in [(bad, 1), (bad, 4), (slow, 4)] {
        for offset in 0..u64::from(config.window_ms) / 1_000 {
            let mut proxy = Proxy::new(&config, 2, 0);
            let parts = [(sound, 20 + offset), (burst, seconds), (sound, 25)];
            for (traffic, seconds) in parts {
                let said = proxy.drained_after(&traffic, seconds);
                assert_eq!(said, None, "{burst:?} for {seconds} s after {offset} s");
            }
        }
    }
}

#[test]
fn what_is_worse_within_the_margins_is_left_alone() {
    for traffic in [failing(1), slower(5)] {
        let traffic = traffic.split(50, 2_000, 20_000);
        let (count, _) = drained(&short(), traffic, 10);
        assert_eq!(count, 0, "{traffic:?}");
    }
}

#[test]
fn all_vms_come_to_the_same_view() {
    let config = CanaryGuard {
        restore_after_ms: Some(30_000),
        ..short()
    };
    let traffic = failing(20).split(50, 4_000, 20_000);
    let mut proxy = Proxy::new(&config, 4, 7);
    let mut said = Vec::new();
    for _ in 0..200 {
        said.extend(proxy.second(&traffic));
        // Who ticks before another hears of what that does at its next tick.
        let again: Vec<_> = proxy.tick(0);
        assert_eq!(again, []);
        let (first, others) = proxy.guards.split_first().unwrap();
        for other in others {
            assert_eq!(other.view, first.view);
        }
    }
    let states: Vec<_> = said.iter().map(|event| *event == Event::Restored).collect();
    assert!(states.len() >= 4, "{said:?}");
    for (number, is_restored) in states.iter().enumerate() {
        assert_eq!(*is_restored, number % 2 == 1, "they take turns");
    }
}

/// What is counted is the same however many VMs count it.
#[test]
fn four_vms_see_what_one_does() {
    let traffic = EQUAL.split(50, 2_000, 20_000);
    let views = [1, 4].map(|vms| {
        let mut proxy = Proxy::new(&short(), vms, 3);
        for _ in 0..30 {
            assert_eq!(proxy.second(&traffic), []);
        }
        proxy.tick(0);
        proxy.guards[0].view.clone()
    });
    assert_eq!(views[0], views[1]);
    let bytes = views[0].encode().len();
    println!(
        "a record of {} requests: {bytes} bytes",
        views[0].window.total().stable.requests()
    );
    assert!(bytes < 8_192, "{bytes}");
}

mod sticky;
