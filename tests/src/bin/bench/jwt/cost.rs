//! WebAssembly instructions of one request, in the harness: exact, where time is not.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use sluice_host::{Exchange, OutcomeKind};
use sluice_tests::guest::{self, Guest};

use super::plugin_config;
use super::tokens::Tokens;
use crate::bars::{Bar, Target};
use crate::policies::NAMESPACE;

/// Budgets, with tokens of some 700 bytes: lower them when the figures fall.
const OF_A_KNOWN_TOKEN: f64 = 70_000.0;
const OF_NO_TOKEN: f64 = 8_500.0;

/// A bar each for a request with a token that was seen before, and for one without.
pub fn measure(module: &Path, tokens: &Tokens) -> Result<Vec<Bar>> {
    let mut guest = Guest::start(module, NAMESPACE, plugin_config(&tokens.rule()))?;
    let none = guest::get("/v1/charges");
    let mut known = none.clone();
    let value = format!("Bearer {}", tokens.first()?);
    known.request.headers.add("authorization", value.as_str());
    Ok(vec![
        bar(
            "instructions, known token",
            cost(&mut guest, &known)?,
            OF_A_KNOWN_TOKEN,
        ),
        bar(
            "instructions, no token",
            cost(&mut guest, &none)?,
            OF_NO_TOKEN,
        ),
    ])
}

fn bar(name: &str, ours: f64, reference: f64) -> Bar {
    Bar {
        name: name.to_owned(),
        ours,
        reference,
        target: Target::AtMost(1.0),
    }
}

/// Of the second time: the first fills caches and grows tables.
fn cost(guest: &mut Guest, exchange: &Exchange) -> Result<f64> {
    guest.run(exchange);
    let outcome = guest.run(exchange);
    ensure!(
        outcome.kind == OutcomeKind::Forwarded,
        "a request of the bench is refused: {:?}",
        outcome.status
    );
    let cost = outcome.costs.first().context("one plugin ran")?.cost;
    u32::try_from(cost.fuel)
        .map(f64::from)
        .context("a request of more than 4,294,967,295 instructions")
}
