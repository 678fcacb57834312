//! Linear memory of the filter's VM. Envoy has no figure for it, so the same
//! module runs in the harness, where it can be read.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use sluice_host::OutcomeKind;

use super::MEBIBYTE;
use crate::bars::{Bar, Target};
use crate::policies::{NAMESPACE, Policies, Shape};
use sluice_tests::guest::{self, Guest};

/// How many policies, and the most that they may take.
const LIMITS: [(usize, f64); 2] = [(100, 2.0 * MEBIBYTE), (5_000, 12.0 * MEBIBYTE)];
const EXCHANGES: u32 = 1_000_000;

/// One bar per size, and one for growth under load.
pub fn measure(module: &Path, quick: bool) -> Result<Vec<Bar>> {
    let exchanges = if quick { EXCHANGES / 100 } else { EXCHANGES };
    let mut bars = Vec::new();
    for (count, limit) in LIMITS {
        let (before, after) = run(module, count, exchanges)?;
        println!(
            "linear memory, {count} policies: {before} bytes configured, {after} after {exchanges} requests"
        );
        bars.push(Bar {
            name: format!("linear memory, {count} policies, bytes"),
            ours: after,
            reference: limit,
            target: Target::AtMost(1.0),
        });
        bars.push(Bar {
            name: format!(
                "linear memory after {exchanges} requests / after 1,000, {count} policies"
            ),
            ours: after,
            reference: before,
            target: Target::AtMost(1.0),
        });
    }
    Ok(bars)
}

/// Bytes after a warm-up of a thousand requests, and after many.
fn run(module: &Path, count: usize, exchanges: u32) -> Result<(f64, f64)> {
    let policies = Policies::new(count, Shape::Example);
    let mut guest = Guest::start(module, NAMESPACE, policies.plugin_config())?;
    // Of three requests one is allowed, one is refused, one is long.
    let allowed = guest::get(&policies.allowed_path());
    let refused = guest::get("/elsewhere");
    let long = guest::get(&format!("/{}", "a".repeat(4_000)));
    ensure!(
        guest.run(&allowed).kind == OutcomeKind::Forwarded,
        "{}: expected to be forwarded",
        policies.allowed_path()
    );
    ensure!(
        guest.run(&refused).kind == OutcomeKind::Replied,
        "/elsewhere: expected to be refused"
    );
    let mut before = 0.0;
    for number in 0..exchanges {
        if number == 1_000 {
            before = memory(&guest)?;
        }
        guest.run(match number % 3 {
            0 => &allowed,
            1 => &refused,
            _ => &long,
        });
    }
    Ok((before, memory(&guest)?))
}

fn memory(guest: &Guest) -> Result<f64> {
    let bytes =
        u32::try_from(guest.memory_bytes()?).context("a wasm32 memory has at most 4 GiB")?;
    Ok(f64::from(bytes))
}
