//! `sluice import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use sluice_recording::{
    Code, DEFAULT_REDACTED, Diagnostic, Exchange, Format, ImportOptions, ImportReport, JoinReport,
    RecordingFile, RecordingHeader, Redaction, Writer, check_log_operator, detect, import,
    import_joined,
};

use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::report::human::plural;

/// Options of `sluice import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice import tap.json --join access.log --output traffic.jsonl\n  \
    sluice import session.har --redact authorization,x-api-key --output traffic.jsonl\n  \
    kubectl logs deploy/payment -c istio-proxy | sluice import - --skip-other-lines --output traffic.jsonl\n  \
    sluice import access.log --log-key peer=%DOWNSTREAM_PEER_URI_SAN%")]
pub struct ImportArgs {
    /// What another tool captured; `-` is standard input
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,

    /// Its format [default: found out from the first bytes]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::as_str)))]
    pub from: Option<String>,

    /// Access log with what a tap does not show, such as the peer's identity; joined by x-request-id
    #[arg(long, value_name = "ACCESS_LOG")]
    pub join: Option<PathBuf>,

    /// Envoy format string of a text access log; the default formats need none
    #[arg(long, value_name = "FORMAT_STRING")]
    pub log_format: Option<String>,

    /// What a key of a JSON access log holds, as KEY=%OPERATOR% (repeatable)
    #[arg(long, value_name = "KEY=OPERATOR", value_parser = log_key)]
    pub log_key: Vec<(String, String)>,

    /// Pass over lines that are no access-log lines, and count them
    #[arg(long)]
    pub skip_other_lines: bool,

    /// Headers whose values become asterisks
    #[arg(long, value_name = "HEADER,…", value_delimiter = ',', default_values = DEFAULT_REDACTED)]
    pub redact: Vec<String>,

    /// Keep every header as it is: the recording will hold credentials
    #[arg(long, conflicts_with = "redact")]
    pub no_redact: bool,

    /// What the recording shows, for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// Write the recording to a file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn log_key(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(key, operator)| !key.is_empty() && !operator.is_empty());
    let (key, operator) =
        pair.ok_or("expected KEY=OPERATOR, such as peer=%DOWNSTREAM_PEER_URI_SAN%")?;
    check_log_operator(operator).map_err(|fault| fault.to_string())?;
    Ok((key.to_owned(), operator.to_owned()))
}

/// Runs the command.
///
/// # Errors
/// When an input cannot be read or is not what it should be, or the output fails.
pub fn run(args: &ImportArgs, console: &mut Console) -> Result<Exit, Failure> {
    // All of them before anything is written.
    for path in [Some(&args.capture), args.join.as_ref()]
        .into_iter()
        .flatten()
    {
        require_readable(path)?;
    }
    let options = options(args, file_size(&args.capture));
    let (imported, name) = match &args.join {
        None => (plain(args, &options), args.capture.display().to_string()),
        Some(log) => (
            joined(args, options, log),
            format!("{} with {}", args.capture.display(), log.display()),
        ),
    };
    let report = imported.map_err(|diagnostic| named(diagnostic, &name))?;
    say(&report, console);
    Ok(Exit::Ok)
}

fn options(args: &ImportArgs, input_bytes: Option<u64>) -> ImportOptions {
    let redaction = if args.no_redact {
        Redaction::none()
    } else {
        Redaction::of(&args.redact)
    };
    ImportOptions {
        format: args.from.as_deref().and_then(Format::from_name),
        input_name: Some(args.capture.display().to_string()),
        input_bytes,
        redaction,
        log_format: args.log_format.clone(),
        log_keys: args.log_key.clone(),
        skip_other_lines: args.skip_other_lines,
    }
}

fn plain(args: &ImportArgs, options: &ImportOptions) -> Result<ImportReport, Diagnostic> {
    let (format, input) = detect(open(&args.capture)?, options)?;
    let known = ImportOptions {
        format: Some(format),
        ..options.clone()
    };
    let mut target = Target::open(args, &header(args, options, format))?;
    let report = import(input, &known, &mut |exchange| target.write(&exchange))?;
    target.finish()?;
    Ok(report)
}

/// The capture is read twice, so it must be a file.
fn joined(
    args: &ImportArgs,
    mut options: ImportOptions,
    log: &Path,
) -> Result<ImportReport, Diagnostic> {
    if args.capture == Path::new("-") {
        let found = "standard input";
        return Err(Diagnostic::new(
            Code::UnsupportedFormat,
            found,
            "a file, which --join reads twice",
        ));
    }
    let (format, _) = detect(open(&args.capture)?, &options)?;
    let log_options = ImportOptions {
        format: None,
        input_name: Some(log.display().to_string()),
        input_bytes: file_size(log),
        ..options.clone()
    };
    options.format = Some(format);
    let mut target = Target::open(args, &header(args, &options, format))?;
    let report = import_joined(
        || open(&args.capture),
        open(log)?,
        &options,
        &log_options,
        &mut |exchange| target.write(&exchange),
    )?;
    target.finish()?;
    Ok(report)
}

fn header(args: &ImportArgs, options: &ImportOptions, format: Format) -> RecordingHeader {
    let mut header = options.header(format);
    header.creator = Some(format!("sluice {}", env!("CARGO_PKG_VERSION")));
    header.description.clone_from(&args.description);
    header
}

/// Missing inputs in the words that all commands have for them.
fn require_readable(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    let metadata = std::fs::metadata(path).map_err(|error| Failure::reading(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::reading(path, &io::ErrorKind::IsADirectory.into()));
    }
    // A pipe can be opened once only.
    if metadata.is_file() {
        File::open(path).map_err(|error| Failure::reading(path, &error))?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Diagnostic> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| {
        Diagnostic::io(&error, "a file that can be read").in_file(path.display().to_string())
    })?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

fn file_size(path: &Path) -> Option<u64> {
    // Only a hint; opening the file says what is wrong with it.
    let Ok(metadata) = std::fs::metadata(path) else {
        return None;
    };
    metadata.is_file().then_some(metadata.len())
}

fn named(diagnostic: Diagnostic, name: &str) -> Failure {
    if is_broken_pipe(&diagnostic) {
        return Failure::writing(STDOUT, &io::ErrorKind::BrokenPipe.into());
    }
    match diagnostic.place.file {
        Some(_) => diagnostic.into(),
        None => diagnostic.in_file(name).into(),
    }
}

const STDOUT: &str = "standard output";

fn is_broken_pipe(diagnostic: &Diagnostic) -> bool {
    diagnostic.place.file.as_deref() == Some(STDOUT)
        && diagnostic.found == io::Error::from(io::ErrorKind::BrokenPipe).to_string()
}

enum Target {
    File(RecordingFile),
    Stdout(Writer<BufWriter<Stdout>>),
}

impl Target {
    fn open(args: &ImportArgs, header: &RecordingHeader) -> Result<Self, Diagnostic> {
        match &args.output {
            Some(path) => RecordingFile::create(path, header).map(Self::File),
            None => {
                let writer = Writer::new(BufWriter::new(io::stdout()), header);
                writer.map(Self::Stdout).map_err(|error| refused(&error))
            }
        }
    }

    fn write(&mut self, exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
        match self {
            Self::File(file) => file.write(exchange),
            Self::Stdout(writer) => writer.write(exchange).map_err(|error| refused(&error)),
        }
    }

    fn finish(self) -> Result<(), Diagnostic> {
        match self {
            Self::File(file) => file.commit().map(drop),
            Self::Stdout(writer) => writer.finish().map(drop).map_err(|error| refused(&error)),
        }
    }
}

/// The kind of the error in words, without the operating system's number.
fn refused(error: &io::Error) -> Diagnostic {
    Diagnostic::io(&error.kind().into(), "output that can be written").in_file(STDOUT)
}

/// What was imported and what was not, on standard error.
fn say(report: &ImportReport, console: &mut Console) {
    let format = report.format.map_or("?", Format::as_str);
    console.say(
        Severity::Note,
        format_args!("{} from {format}", plural(report.exchanges, "exchange")),
    );
    if let Some(joins) = &report.joins {
        say_joins(joins, console);
    }
    let counts = [
        (report.redacted_values, "header value", "redacted"),
        (report.truncated_bodies, "body", "cut off by the capture"),
        (
            report.decoded_bodies,
            "response body",
            "kept decoded: its bytes on the wire are unknown",
        ),
    ];
    for (count, noun, what) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        let noun = if noun.ends_with("body") && count > 1 {
            "bodies"
        } else {
            noun
        };
        console.say(Severity::Note, format_args!("{count} × {noun} {what}"));
    }
    for (kind, count) in &report.skipped {
        console.say(Severity::Note, format_args!("{count} × {kind} passed over"));
    }
    for (key, count) in &report.ignored_keys {
        console.say(
            Severity::Note,
            format_args!("log key `{key}` stands for no known fact ({count} times)"),
        );
    }
    say_unused_keys(&report.unused_log_keys, console);
}

fn say_unused_keys(keys: &[String], console: &mut Console) {
    for key in keys {
        console.say(
            Severity::Warning,
            format_args!("--log-key {key}: found no line with this key, expected a key of the log [unused-log-key]"),
        );
    }
}

fn say_joins(joins: &JoinReport, console: &mut Console) {
    let JoinReport {
        joined,
        unmatched,
        ambiguous,
        log_lines,
        unused_log_lines,
    } = joins;
    console.say(
        Severity::Note,
        format_args!(
            "joined {joined}, without a log line {unmatched}, ambiguous {ambiguous}; \
             {unused_log_lines} of {log_lines} log lines not used"
        ),
    );
}
