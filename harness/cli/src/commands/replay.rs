//! `sluice replay`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use sluice_host::{EngineOptions, LogLevel};
use sluice_policy::diagnostic::quote;
use sluice_recording::{Code, Reader};

use crate::args::number;
use crate::commands::simulate::SimulationArgs;
use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::progress::Progress;
use crate::replay::ids::RepeatedIds;
use crate::replay::pipeline::{self, Counted, Recording, Split};
use crate::replay::simulation::Setup;
use crate::report::human::plural;
use crate::report::junit::{self, JUnit};
use crate::report::{ExchangeReport, Summary, human, json};

/// Simulated Envoy workers unless told otherwise: more than most machines that
/// run tests have cores, and the same on all of them.
const DEFAULT_WORKERS: &str = "8";

/// Options of `sluice replay`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice replay traffic.jsonl --plugins wasm-plugins/ --modules target/wasm \\\n      \
      --workload namespace=production,app=payment-service\n  \
    sluice replay traffic.jsonl --plugins custom.yaml --callouts authorizer.yaml --fail-on unknown,untested\n  \
    sluice replay monday.jsonl tuesday.jsonl --plugins authz.yaml --modules dist --format junit --output report.xml\n  \
    sluice import --from har session.har | sluice replay - --plugins authz.yaml --modules dist --format json")]
pub struct ReplayArgs {
    /// Recordings in the native format, replayed one after the other; `-` is standard input
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,

    /// Plugins and proxy
    #[command(flatten)]
    pub simulation: SimulationArgs,

    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = number::count)]
    pub jobs: Option<NonZeroUsize>,

    /// Envoy workers to simulate; a plugin that keeps state between requests wants 1
    #[arg(long, value_name = "N", default_value = DEFAULT_WORKERS, value_parser = number::count)]
    pub workers: NonZeroUsize,

    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,

    /// Write the report to a file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What makes the exit code 1
    #[arg(
        long,
        value_name = "FINDING,…",
        value_delimiter = ',',
        default_value = "expectation"
    )]
    pub fail_on: Vec<FailOn>,
}

/// Formats of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Human,
    /// JSON Lines: a header, one line an exchange, a summary
    Json,
    /// JUnit XML: one test case an exchange
    Junit,
}

/// Findings that can make a replay fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FailOn {
    /// An expectation of the recording is not met
    Expectation,
    /// A final status differs from the recorded one
    Difference,
    /// A plugin needed a fact that the recording does not have
    Unknown,
    /// A request was held and never resumed
    Held,
    /// An entry of --callouts answered no call
    Untested,
    /// Nothing: report only
    None,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the replay from running to its end.
pub fn run(args: &ReplayArgs, console: &mut Console) -> Result<Exit, Failure> {
    let simulation = &args.simulation;
    let setup = simulation.set_up(EngineOptions::default(), LogLevel::Warn, console)?;
    let opened = open_all(&args.recordings)?;
    let mut output = Output::open(args.output.as_deref(), console.color())?;
    let Replayed {
        summary,
        repeated_ids,
    } = report(args, &setup, opened, &mut output)?;
    output.finish()?;
    say_repeated(&repeated_ids, console);
    Ok(verdict(&summary, &args.fail_on))
}

/// Once, however many there are.
fn say_repeated(ids: &RepeatedIds, console: &mut Console) {
    if let Some((first, count)) = ids.found() {
        let found = plural(count, "exchange");
        console.say(
            Severity::Warning,
            format_args!("id: found {found} with an id that came before ({} first), expected each id once in a recording [duplicate-id]", quote(first)),
        );
    }
}

/// The worst finding decides.
fn verdict(summary: &Summary, fail_on: &[FailOn]) -> Exit {
    if !summary.traps.is_empty() {
        return Exit::Guest;
    }
    let found = |finding: &FailOn| match finding {
        FailOn::Expectation => summary.unmet_exchanges > 0,
        FailOn::Difference => !summary.differences.is_empty(),
        FailOn::Unknown => summary.unknown_exchanges > 0,
        FailOn::Held => summary.outcomes.held > 0,
        FailOn::Untested => summary.untested().next().is_some(),
        FailOn::None => false,
    };
    let findings: BTreeSet<_> = fail_on.iter().filter(|finding| found(finding)).collect();
    if findings.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    }
}

/// What came of all recordings.
struct Replayed {
    summary: Summary,
    repeated_ids: RepeatedIds,
}

/// Recordings, and how far they have been read.
struct Opened {
    recordings: Vec<Recording>,
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

/// Opens every recording before the first is replayed: a file that is missing
/// or of another format is better found now than after an hour.
fn open_all(paths: &[PathBuf]) -> Result<Opened, Failure> {
    let mut opened = Opened {
        recordings: Vec::new(),
        read: Arc::default(),
        total: Some(0),
    };
    for path in paths {
        let (recording, size) = open(path, Arc::clone(&opened.read))?;
        opened.total = opened.total.zip(size).map(|(total, size)| total + size);
        opened.recordings.push(recording);
    }
    require_exchanges(&mut opened.recordings)?;
    Ok(opened)
}

/// Nothing replayed is nothing tested, which must not look like success.
fn require_exchanges(recordings: &mut [Recording]) -> Result<(), Failure> {
    for recording in &mut *recordings {
        let is_at_end = recording.reader.is_at_end();
        if !is_at_end.map_err(|fault| Failure::lines(&recording.name, vec![fault]))? {
            return Ok(());
        }
    }
    let names: Vec<_> = recordings
        .iter()
        .map(|recording| recording.name.as_str())
        .collect();
    Err(Failure::with_help(
        names.join(", "),
        "a header and no exchange after it",
        "at least one exchange to replay",
        "what wrote it may have failed: see what that said",
        Code::NoExchanges.as_str(),
    ))
}

/// Opens one recording and reads its header; with its length, if it has one.
pub(super) fn open(path: &Path, read: Arc<AtomicU64>) -> Result<(Recording, Option<u64>), Failure> {
    let name = path.display().to_string();
    let (input, size) = input(path)?;
    let input = BufReader::with_capacity(1 << 16, Counted::new(input, read));
    let reader = Reader::new(input).map_err(|diagnostics| Failure::lines(&name, diagnostics))?;
    Ok((Recording { name, reader }, size))
}

fn input(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).map_err(|error| Failure::reading(path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| Failure::reading(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::new(
            path.display(),
            "a directory",
            "a recording",
            "unreadable-file",
        ));
    }
    // A pipe has no length to show progress against.
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), size))
}

/// Replays, rendering on the way what need not wait for the end.
fn report(
    args: &ReplayArgs,
    setup: &Setup,
    opened: Opened,
    output: &mut Output,
) -> Result<Replayed, Failure> {
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let run = Run {
        setup,
        split: Split {
            jobs,
            workers: args.workers,
        },
        names: setup.installation.names(),
        seed: args.simulation.seed,
    };
    match args.format {
        Format::Human => run.human(opened, output),
        Format::Json => run.json(opened, output),
        Format::Junit => run.junit(opened, output),
    }
}

struct Run<'a> {
    setup: &'a Setup,
    split: Split,
    names: Vec<String>,
    seed: u64,
}

impl Run<'_> {
    fn human(&self, opened: Opened, output: &mut Output) -> Result<Replayed, Failure> {
        let replayed = self.replay(opened, |_| (), |_| Ok(()))?;
        output.print(&human::render(&replayed.summary, &self.names))?;
        Ok(replayed)
    }

    fn json(&self, opened: Opened, output: &mut Output) -> Result<Replayed, Failure> {
        output.write(&json::header(
            &self.names,
            self.seed,
            self.split.workers.get(),
        ))?;
        let replayed = self.replay(opened, json::exchange, |lines| {
            lines.iter().try_for_each(|line| output.write(line))
        })?;
        output.write(&json::summary(&replayed.summary))?;
        Ok(replayed)
    }

    fn junit(&self, opened: Opened, output: &mut Output) -> Result<Replayed, Failure> {
        let temporary = |error: &io::Error| Failure::writing("a temporary file", error);
        let mut report = JUnit::open().map_err(|error| temporary(&error))?;
        let replayed = self.replay(opened, junit::case, |cases| {
            cases
                .iter()
                .try_for_each(|case| report.add(case))
                .map_err(|error| temporary(&error))
        })?;
        for entry in &replayed.summary.entries {
            let added = report.add(&junit::entry_case(entry));
            added.map_err(|error| temporary(&error))?;
        }
        let (opening, cases) = report.finish().map_err(|error| temporary(&error))?;
        output.write(opening.as_bytes())?;
        output.copy(cases)?;
        output.write(junit::CLOSING.as_bytes())?;
        Ok(replayed)
    }

    fn replay<R: Send>(
        &self,
        opened: Opened,
        render: impl Fn(&ExchangeReport) -> R + Sync,
        mut take: impl FnMut(Vec<R>) -> Result<(), Failure>,
    ) -> Result<Replayed, Failure> {
        let progress = Progress::start(opened.total);
        let mut exchanges = 0_u64;
        let mut repeated_ids = RepeatedIds::default();
        let read = Arc::clone(&opened.read);
        let result = pipeline::replay(self.setup, opened.recordings, self.split, render, |block| {
            exchanges += u64::try_from(block.rendered.len()).unwrap_or(0);
            for id in block.ids.iter() {
                repeated_ids.note(block.recording, id);
            }
            progress.set(read.load(Ordering::Relaxed), exchanges);
            take(block.rendered)
        });
        progress.finish();
        let mut summary = result?;
        summary.account_for(&self.setup.script);
        Ok(Replayed {
            summary,
            repeated_ids,
        })
    }
}
