//! Rounds of load over several proxies, and what one adds to another.

use std::time::Duration;

use anyhow::Result;

use crate::proxies::Proxy;

/// How much load.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Of which a figure is the median.
    pub rounds: usize,
    warm_up: Duration,
    load: Duration,
}

impl Plan {
    /// A tenth of it where only the bench itself is tried.
    pub const fn of(quick: bool) -> Self {
        if quick { Self::QUICK } else { Self::FULL }
    }

    const FULL: Self = Self {
        rounds: 7,
        warm_up: Duration::from_secs(2),
        load: Duration::from_secs(2),
    };
    const QUICK: Self = Self {
        rounds: 1,
        warm_up: Duration::from_secs(1),
        load: Duration::from_secs(1),
    };

    /// Rounds are interleaved, so that a slow minute of the machine hits all alike.
    pub fn run(&self, proxies: &mut [&mut Proxy]) -> Result<()> {
        for proxy in proxies.iter() {
            proxy.warm_up(self.warm_up)?;
        }
        for round in 1..=self.rounds {
            eprintln!("round {round} of {}", self.rounds);
            for proxy in proxies.iter_mut() {
                proxy.measure(self.load)?;
            }
        }
        Ok(())
    }
}

/// Median over the rounds of what this proxy adds to the bare one in the same round.
pub fn added(proxy: &Proxy, bare: &Proxy) -> f64 {
    median(
        proxy
            .rounds
            .iter()
            .zip(&bare.rounds)
            .map(|(with, without)| with - without),
    )
}

/// NaN of nothing.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
