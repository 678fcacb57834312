//! Everything that must hold before a change is accepted: what CI runs.

mod steps;
mod tally;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tree::Tree;

use steps::{STEPS, Step};
use tally::Tally;

/// Which steps to run.
#[derive(clap::Args)]
pub struct Selection {
    /// Steps to run, in their usual order; all of them when none is named.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    steps: Vec<String>,
}

/// What a step did.
struct Outcome {
    step: &'static Step,
    tally: Tally,
    failure: Option<String>,
    took: Duration,
}

/// Runs the steps, all of them even when one fails, and ends with one line of counts.
pub fn test(tree: &Tree, selection: &Selection) -> Result<ExitCode> {
    let chosen = STEPS.iter().filter(|step| {
        selection.steps.is_empty() || selection.steps.iter().any(|name| name == step.name)
    });
    let outcomes: Vec<Outcome> = chosen.map(|step| perform(tree, step)).collect();
    let sum = report(&outcomes);
    println!("{sum}");
    let failed = outcomes.iter().any(|outcome| outcome.failure.is_some());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn perform(tree: &Tree, step: &'static Step) -> Outcome {
    println!("\n=== {}: {}", step.name, step.purpose);
    let start = Instant::now();
    let mut tally = Tally::default();
    let failure = (step.run)(tree, &mut tally)
        .err()
        .map(|failure| format!("{failure:#}"));
    if let Some(failure) = &failure {
        println!("xtask: {}: {failure}", step.name);
        tally.count_step_failure();
    }
    let took = start.elapsed();
    println!(
        "=== {}: {} in {:.1} s",
        step.name,
        verdict(failure.as_deref()),
        took.as_secs_f64()
    );
    Outcome {
        step,
        tally,
        failure,
        took,
    }
}

fn report(outcomes: &[Outcome]) -> Tally {
    println!("\n{:<10} {:>8}  {:<6}  tests", "step", "seconds", "");
    let mut sum = Tally::default();
    for outcome in outcomes {
        let verdict = verdict(outcome.failure.as_deref());
        println!(
            "{:<10} {:>8.1}  {verdict:<6}  {}",
            outcome.step.name,
            outcome.took.as_secs_f64(),
            outcome.tally
        );
        sum.add(&outcome.tally);
    }
    println!();
    sum
}

fn verdict(failure: Option<&str>) -> &'static str {
    if failure.is_some() { "FAILED" } else { "ok" }
}
