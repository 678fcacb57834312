//! How late `fault.wasm` lets delayed requests go.

use anyhow::{Context, Result, ensure};
use sluice_envoy::EnvoyBinary;
use sluice_tests::delays::{self, Lateness, Whose};

use crate::bars::{Bar, Target};

/// Each of a thousand requests is let go so soon after its time.
const LATEST_MS: f64 = 15.0;

/// How often a thousand requests are delayed.
pub const fn rounds(quick: bool) -> usize {
    if quick { 1 } else { 9 }
}

/// Measures with the newest Envoy, and prints how late its own filter is. The client, the upstream and whoever else is on the
/// machine take turns with it on its processors: the median round counts, of which the
/// latest request.
pub fn measure(quick: bool) -> Result<Vec<Bar>> {
    let binary = EnvoyBinary::available().pop();
    let binary = binary.context("`cargo xtask setup envoy` fetches an Envoy")?;
    let mut measured: Vec<Lateness> = Vec::new();
    for _ in 0..rounds(quick) {
        let native = delays::measure(&binary, Whose::Native)?;
        eprintln!("envoy {}, its own filter: {native}", binary.version());
        let round = delays::measure(&binary, Whose::Ours)?;
        eprintln!("envoy {}, fault.wasm:     {round}", binary.version());
        let (count, early) = (round.count(), round.early());
        ensure!(count == delays::REQUESTS, "{count} requests are in the log");
        ensure!(early == 0, "{early} requests were let go too early");
        measured.push(round);
    }
    Ok([
        ("latest", 1_000),
        ("99 % within", 990),
        ("50 % within", 500),
    ]
    .map(|(name, thousandths)| Bar {
        name: format!("ms after its time, of 1,000 delayed requests: {name}"),
        ours: median(&measured, thousandths),
        reference: LATEST_MS,
        target: Target::AtMost(1.0),
    })
    .into())
}

fn median(rounds: &[Lateness], thousandths: usize) -> f64 {
    let figures = rounds.iter().map(|round| round.quantile_ms(thousandths));
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures
        .get(figures.len() / 2)
        .copied()
        .unwrap_or(f64::INFINITY)
}
