//! Clients that stay where they are, and some of whom all goes wrong.

use super::*;

/// Splits the clients, so that few requests come of each or many.
#[derive(Debug, Clone, Copy)]
struct Clients {
    count: u64,
    /// Of a thousand, how many fail always, wherever they are.
    broken: u64,
    /// Other clients with every one.
    salt: u64,
}

/// One client of the canary, with every hundredth request of all.
#[derive(Debug, Clone, Copy)]
struct Attack {
    outcome: Outcome,
    latency_us: u64,
}

impl Proxy {
    /// A second of requests of clients with keys; `None` of those whose keys nobody
    /// tells the guard.
    fn sticky_second(
        &mut self,
        traffic: &Traffic,
        clients: Clients,
        attack: Option<Attack>,
        are_known: bool,
    ) -> Vec<Event> {
        for number in 0..traffic.rate {
            let request = Keyed {
                attack: attack.filter(|_| number % 100 == 7),
                are_known,
            };
            self.keyed(traffic, clients, request);
        }
        self.tick(1_000)
    }

    fn keyed(&mut self, traffic: &Traffic, clients: Clients, request: Keyed) {
        let random = &mut self.random;
        let vm = usize::try_from(random.next()).unwrap() % self.guards.len();
        let client = mix(clients.salt.wrapping_add(random.next() % clients.count));
        let is_canary = mix(client) % 100 < traffic.canary_percent;
        let (subset, slower, errors) = match is_canary {
            true => (Subset::Canary, traffic.slower_percent, traffic.errors.1),
            false => (Subset::Stable, 0, traffic.errors.0),
        };
        let latency_us = random.latency_us(traffic.spread) * (100 + slower) / 100;
        let is_broken = mix(client ^ 1) % 1_000 < clients.broken;
        let outcome = match is_broken || random.millionth() < errors {
            true => Outcome::Failed,
            false => Outcome::Good,
        };
        let known = |client| request.are_known.then_some(client);
        let guard = &mut self.guards[vm];
        match request.attack {
            Some(attack) => guard.observe(
                Subset::Canary,
                known(GOLDEN),
                attack.outcome,
                attack.latency_us,
            ),
            None => guard.observe(subset, known(client), outcome, latency_us),
        }
    }

    /// After how many seconds the canary is drained.
    fn sticky_drained_after(
        &mut self,
        traffic: &Traffic,
        clients: Clients,
        seconds: u64,
        are_known: bool,
    ) -> Option<u64> {
        (1..=seconds).find(|_| {
            let said = self.sticky_second(traffic, clients, None, are_known);
            !said.is_empty()
        })
    }
}

/// A request in which something is as it seldom is.
#[derive(Debug, Clone, Copy)]
struct Keyed {
    attack: Option<Attack>,
    are_known: bool,
}

/// Errors that the stable subset would answer with too, answers that look like errors,
/// and bodies that are sent slowly until somebody loses patience.
const ATTACKS: [(&str, Attack); 3] = [
    (
        "every request fails",
        Attack {
            outcome: Outcome::Failed,
            latency_us: 1_000,
        },
    ),
    (
        "every request takes 30 s",
        Attack {
            outcome: Outcome::Good,
            latency_us: 30_000_000,
        },
    ),
    (
        "the client leaves after 30 s",
        Attack {
            outcome: Outcome::Left,
            latency_us: 30_000_000,
        },
    ),
];

#[test]
fn one_client_drains_no_canary() {
    let few = CanaryGuard {
        min_samples: 20,
        ..short()
    };
    let long = CanaryGuard {
        window_ms: 120_000,
        ..config()
    };
    let clients = Clients {
        count: 5_000,
        broken: 0,
        salt: 0,
    };
    for (what, attack) in ATTACKS {
        for (config, rate, vms) in [(&few, 100, 1), (&few, 1_000, 8), (&long, 100, 4)] {
            for are_known in [true, false] {
                let traffic = Traffic {
                    rate,
                    canary_percent: 5,
                    ..EQUAL
                };
                let mut proxy = Proxy::new(config, vms, 11);
                let drained = (1..=300).find(|_| {
                    let said = proxy.sticky_second(&traffic, clients, Some(attack), are_known);
                    !said.is_empty()
                });
                println!(
                    "{what}, {rate} requests a second, {vms} VMs, known {are_known}: {drained:?}"
                );
                assert_eq!(drained.is_none(), are_known, "{what}");
            }
        }
    }
}

/// Some clients fail always, wherever they are: a canary is not worse because it has one
/// more of them.
#[test]
fn clients_that_differ_make_no_false_alarm() {
    let config = CanaryGuard {
        min_samples: 20,
        ..short()
    };
    let clients = Clients {
        count: 100,
        broken: 100,
        salt: 0,
    };
    let traffic = Traffic {
        rate: 50,
        canary_percent: 20,
        ..EQUAL
    };
    let alarms = [true, false].map(|are_known| {
        let alarm = |seed: &u64| {
            let clients = Clients {
                salt: mix(*seed),
                ..clients
            };
            let mut proxy = Proxy::new(&config, 2, *seed);
            let drained = proxy.sticky_drained_after(&traffic, clients, 40, are_known);
            drained.is_some()
        };
        (0..60).filter(alarm).count()
    });
    println!("false alarms of 60, counting clients and requests: {alarms:?}");
    assert_eq!(alarms[0], 0);
    assert!(
        alarms[1] > 0,
        "requests of one client are no independent samples"
    );
}

#[test]
fn what_is_worse_for_all_its_clients_is_drained_within_two_windows() {
    let table = [
        ("errors +5 points, 50/50", failing(5), 50, 2_400),
        ("errors +5 points, 5/95", failing(5), 5, 10_000),
        ("p99 +20 %, 50/50", slower(20), 50, 20_000),
        ("p99 +20 %, 5/95", slower(20), 5, 100_000),
    ];
    for (what, traffic, canary_percent, count) in table {
        let traffic = Traffic {
            rate: count / 5,
            canary_percent,
            ..traffic
        };
        let clients = Clients {
            count,
            broken: 0,
            salt: 0,
        };
        for seed in 0..if count < 20_000 { 3 } else { 1 } {
            let mut proxy = Proxy::new(&short(), 2, seed);
            let early = proxy.sticky_drained_after(&traffic.sound(), clients, 20, true);
            assert_eq!(early, None, "{what}");
            let drained = proxy.sticky_drained_after(&traffic, clients, 40, true);
            println!("{what}, {count} clients: after {drained:?} s");
            assert!(drained.is_some(), "{what}");
        }
    }
}
