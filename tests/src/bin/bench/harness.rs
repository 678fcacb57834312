//! How fast the harness is, and what a long replay takes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::bars::{Bar, Target};
use crate::processes::{Finished, run_and_watch};
use sluice_tests::guest::{self, Guest};

mod recording;

/// Requests per second and core of proxy-wasm/test-framework with an empty
/// filter, measured once on the machine that set the bars: that project runs no
/// wasm32-wasip1 module, so it cannot be measured in the same run.
const TEST_FRAMEWORK_PER_SECOND: f64 = 21_000.0;
const FASTER: f64 = 10.0;
/// Memory of a long replay relative to a short one: room for an allocator, not for a list.
const MEMORY: f64 = 1.25;
const TWO_JOBS: f64 = 1.8;

/// How often each replay is timed.
pub const fn rounds(quick: bool) -> usize {
    if quick { 1 } else { 3 }
}

/// Measures every bar of the harness.
pub fn measure(quick: bool) -> Result<Vec<Bar>> {
    let mut bars = vec![throughput(quick)?];
    bars.extend(replay(quick)?);
    Ok(bars)
}

fn throughput(quick: bool) -> Result<Bar> {
    let module = sluice_envoy::binary::target_dir().join("wasm/guests/empty.wasm");
    let mut guest = Guest::start(&module, "default", String::new())?;
    let exchange = guest::get("/");
    let seconds = if quick { 1 } else { 5 };
    rate(&mut guest, &exchange, Duration::from_secs(1));
    Ok(Bar {
        name: "exchanges per second and core, empty filter".to_owned(),
        ours: rate(&mut guest, &exchange, Duration::from_secs(seconds)),
        reference: TEST_FRAMEWORK_PER_SECOND,
        target: Target::AtLeast(FASTER),
    })
}

/// Exchanges per second.
fn rate(guest: &mut Guest, exchange: &sluice_host::Exchange, time: Duration) -> f64 {
    const BATCH: u32 = 1_000;
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < time {
        for _ in 0..BATCH {
            guest.run(exchange);
        }
        done += BATCH;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn replay(quick: bool) -> Result<Vec<Bar>> {
    let count = if quick { 100_000 } else { 1_000_000 };
    let rounds = rounds(quick);
    let folder = tempfile::tempdir_in(sluice_envoy::binary::target_dir())
        .context("a folder for the recordings")?;
    let short = recording::write(folder.path(), 10_000)?;
    let long = recording::write(folder.path(), count)?;
    let small = sluice_replay(&short, 1)?;
    eprintln!("round 1 of {rounds}");
    let mut one = sluice_replay(&long, 1)?;
    let mut two = sluice_replay(&long, 2)?;
    let mut both = two_at_once(&long)?;
    for round in 2..=rounds {
        eprintln!("round {round} of {rounds}");
        one = one.quicker(sluice_replay(&long, 1)?);
        two = two.quicker(sluice_replay(&long, 2)?);
        both = both.min(two_at_once(&long)?);
    }
    let limit = 2.0 * one.time.as_secs_f64() / both.as_secs_f64();
    println!(
        "replay of 10,000: {small}\nreplay of the long recording, one job: {one}\n  two jobs: {two}\n  \
         two processes with one job each, at once: {:.2} s, so two cores do {limit:.2} times the work of one here",
        both.as_secs_f64()
    );
    Ok(vec![
        Bar {
            name: format!("peak memory, {count} exchanges / 10000, KiB"),
            ours: one.peak_kib,
            reference: small.peak_kib,
            target: Target::AtMost(MEMORY),
        },
        Bar {
            name: format!("replay of {count}, seconds with one job / with two"),
            ours: one.time.as_secs_f64(),
            reference: two.time.as_secs_f64(),
            target: Target::AtLeast(TWO_JOBS),
        },
    ])
}

/// The time of two replays that share nothing but the machine: what two of its cores
/// can do at most.
fn two_at_once(recording: &Path) -> Result<Duration> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let running = [1, 2].map(|_| scope.spawn(|| sluice_replay(recording, 1)));
        running.into_iter().try_for_each(|replay| {
            let finished = replay.join().map_err(|_| anyhow!("a replay panicked"))?;
            finished.map(drop)
        })
    })?;
    Ok(start.elapsed())
}

fn sluice_replay(recording: &Path, jobs: u32) -> Result<Finished> {
    let mut command = std::process::Command::new(sluice()?);
    command.arg("replay").arg(recording);
    command
        .args(recording::PLUGIN_ARGUMENTS)
        .arg("--modules")
        .arg(sluice_envoy::binary::target_dir().join("wasm"));
    command.current_dir(sluice_envoy::binary::workspace_dir());
    command.args(["--jobs", &jobs.to_string()]);
    run_and_watch(&mut command)
}

/// Built into the same folder as this program.
fn sluice() -> Result<PathBuf> {
    let here = std::env::current_exe().context("where this program is")?;
    let path = here.with_file_name("sluice");
    ensure!(
        path.is_file(),
        "{}: no such file; `cargo build --release -p sluice-cli` makes it",
        path.display()
    );
    Ok(path)
}
