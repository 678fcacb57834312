//! Running a program to its end while watching how much memory it takes.

use std::fmt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Exit codes of `sluice`: it did its work, with or without findings.
const DONE: [i32; 2] = [0, 1];
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    /// From start to end.
    pub time: Duration,
    /// Most resident memory at any time, in KiB.
    pub peak_kib: f64,
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} s, peak {:.1} MiB",
            self.time.as_secs_f64(),
            self.peak_kib / 1024.0
        )
    }
}

impl Finished {
    /// Of two runs of one thing, the time of the less disturbed and the higher peak.
    pub fn quicker(self, other: Self) -> Self {
        Self {
            time: self.time.min(other.time),
            peak_kib: self.peak_kib.max(other.peak_kib),
        }
    }
}

/// Runs the command with its output thrown away.
pub fn run_and_watch(command: &mut Command) -> Result<Finished> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let (status, peak_kib) = watch(&mut child)?;
    let time = start.elapsed();
    ensure!(
        status.code().is_some_and(|code| DONE.contains(&code)),
        "{command:?}: {status}"
    );
    Ok(Finished { time, peak_kib })
}

/// The kernel's high-water mark only grows, so the last look holds the peak.
fn watch(child: &mut Child) -> Result<(ExitStatus, f64)> {
    let mut peak_kib = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(
                peak_kib > 0,
                "the program ended before its memory could be read"
            );
            return Ok((status, f64::from(peak_kib)));
        }
        peak_kib = high_water_kib(child.id()).unwrap_or(peak_kib);
        thread::sleep(LOOK_EVERY);
    }
}

/// `VmHWM` of proc(5) status; gone once the process is.
fn high_water_kib(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
