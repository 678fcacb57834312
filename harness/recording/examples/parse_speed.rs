//! How many exchanges a second are parsed, on one thread and on several.
//!
//! `cargo run --release -p sluice-recording --example parse_speed [exchanges] [jobs]`

use std::env;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use sluice_recording::{BatchLimits, Diagnostic, Reader, process_in_order};

const HEADER: &str = "{\"recording\":\"sluice/v1\",\"source\":\"manual\"}\n";

/// About 700 bytes, as an access through a mesh has them.
const LINE: &str = concat!(
    r#"{"id":"230534ca-ebec-402e-83a8-a9702bf8fd78","time":"2026-11-21T09:14:00.250Z","attributes":{"connection.mtls":true,"connection.requested_server_name":"payment","connection.uri_san_peer_certificate":"spiffe://cluster.local/ns/production/sa/order-service-sa","destination.address":"10.0.0.9:8080","source.address":"10.0.0.7:40412"},"#,
    r#""request":{"headers":[[":method","POST"],[":scheme","http"],[":authority","payment-service"],[":path","/v1/payments"],["accept","*/*"],["content-type","application/json"],["user-agent","order-service/1.4"]],"body":{"text":"amount=100"}},"response":{"headers":[[":status","201"],["content-type","application/json"]],"body":{"text":"id=1"},"latency_ms":12.3}}"#,
    "\n"
);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let exchanges: u64 = arguments.next().as_deref().unwrap_or("1000000").parse()?;
    let jobs: NonZeroUsize = arguments.next().as_deref().unwrap_or("2").parse()?;
    let mut out = std::io::stdout();
    writeln!(out, "{exchanges} exchanges of {} bytes", LINE.len())?;
    for jobs in [NonZeroUsize::MIN, jobs] {
        let (started, spent) = (Instant::now(), processor_seconds()?);
        let parsed = f64::from(u32::try_from(parse(exchanges, jobs)?)?);
        let seconds = started.elapsed().as_secs_f64();
        let spent = processor_seconds()? - spent;
        writeln!(
            out,
            "{jobs} jobs: {seconds:.2} s, {:.0}/s; processor {spent:.2} s, {:.0}/s and core",
            parsed / seconds,
            parsed / spent
        )?;
    }
    writeln!(out, "{}", peak_memory()?)?;
    Ok(())
}

/// Parses a recording that exists only while it is read.
fn parse(exchanges: u64, jobs: NonZeroUsize) -> Result<u64, Diagnostic> {
    let input = std::io::BufReader::with_capacity(1 << 16, Lines::new(exchanges));
    let mut reader = Reader::new(input).map_err(|mut faults| faults.remove(0))?;
    let mut parsed = 0;
    process_in_order(
        &mut reader,
        jobs,
        BatchLimits::default(),
        || |batch: &sluice_recording::Batch| batch.exchanges().filter(Result::is_ok).count(),
        |count| {
            parsed += u64::try_from(count).unwrap_or_default();
            Ok::<_, Diagnostic>(())
        },
    )?;
    Ok(parsed)
}

/// The header and then the same line over and over.
struct Lines {
    rest: &'static [u8],
    left: u64,
}

impl Lines {
    fn new(exchanges: u64) -> Self {
        Self {
            rest: HEADER.as_bytes(),
            left: exchanges,
        }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && self.left > 0 {
            self.left -= 1;
            self.rest = LINE.as_bytes();
        }
        self.rest.read(buffer)
    }
}

/// User and system time of all threads: on a busy machine the clock says little.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // proc(5): fields 14 and 15; the name, which may hold spaces, ends with a parenthesis.
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or("no fields in /proc/self/stat")?;
    let ticks: Result<Vec<f64>, _> = fields.split(' ').skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / TICKS_PER_SECOND)
}

fn peak_memory() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    Ok(peak.unwrap_or("VmHWM: not known here").to_owned())
}
