//! `sluice import`.

mod applicable;
mod notes;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use sluice_policy::diagnostic::quote;
use sluice_recording::{
    Code, Diagnostic, Exchange, Format, ImportOptions, ImportReport, RecordingFile,
    RecordingHeader, Redaction, Writer, check_log_operator, detect, import, import_joined,
    is_header_name,
};

use crate::console::Console;
use crate::failure::{Exit, Failure};

/// Options of `sluice import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice import tap.json --join access.log --output traffic.jsonl\n  \
    sluice import session.har --redact x-api-key --output traffic.jsonl\n  \
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

    /// More headers whose values become asterisks, beside authorization, cookie,
    /// proxy-authorization and set-cookie
    #[arg(long, value_name = "HEADER,…", value_delimiter = ',', value_parser = header_name)]
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

fn header_name(text: &str) -> Result<String, String> {
    if is_header_name(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!(
        "found {}, expected the name of a header, such as x-api-key [invalid-value]",
        quote(text)
    ))
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
    let report = match &args.join {
        None => plain(args)?,
        Some(log) => joined(args, log)?,
    };
    notes::say(&report, args, console);
    Ok(Exit::Ok)
}

/// How to read the capture, as far as it is no access log.
fn options(args: &ImportArgs, input: &Path) -> ImportOptions {
    let redaction = if args.no_redact {
        Redaction::none()
    } else {
        Redaction::default().and(&args.redact)
    };
    ImportOptions {
        format: args.from.as_deref().and_then(Format::from_name),
        input_name: Some(input.display().to_string()),
        input_bytes: file_size(input),
        redaction,
        ..ImportOptions::default()
    }
}

fn with_log_options(args: &ImportArgs, options: ImportOptions) -> ImportOptions {
    ImportOptions {
        log_format: args.log_format.clone(),
        log_keys: args.log_key.clone(),
        skip_other_lines: args.skip_other_lines,
        ..options
    }
}

fn plain(args: &ImportArgs) -> Result<ImportReport, Failure> {
    let name = args.capture.display().to_string();
    let mut options = with_log_options(args, options(args, &args.capture));
    let named = |diagnostic| named(diagnostic, &name);
    let (format, input) = open(&args.capture)
        .and_then(|input| detect(input, &options))
        .map_err(named)?;
    applicable::to_log(args, format)?;
    options.format = Some(format);
    let mut target = Target::open(args, header(args, &options, format)).map_err(named)?;
    import(input, &options, &mut |exchange| target.write(&exchange))
        .and_then(|report| target.finish().map(|()| report))
        .map_err(named)
}

/// The capture is read twice, so it must be a file.
fn joined(args: &ImportArgs, log: &Path) -> Result<ImportReport, Failure> {
    if args.capture == Path::new("-") {
        let expected = "a file, which --join reads twice";
        let code = Code::UnsupportedFormat.as_str();
        return Err(Failure::new("CAPTURE", "standard input", expected, code));
    }
    let name = format!("{} with {}", args.capture.display(), log.display());
    let named = |diagnostic| named(diagnostic, &name);
    let mut options = options(args, &args.capture);
    let (format, _) = open(&args.capture)
        .and_then(|input| detect(input, &options))
        .map_err(named)?;
    applicable::join_to(format)?;
    options.format = Some(format);
    let mut log_options = with_log_options(args, self::options(args, log));
    log_options.format = None;
    let (log_format, lines) = open(log)
        .and_then(|input| detect(input, &log_options))
        .map_err(named)?;
    applicable::join_of(log, log_format)?;
    applicable::to_log(args, log_format)?;
    log_options.format = Some(log_format);
    let mut target = Target::open(args, header(args, &options, format)).map_err(named)?;
    import_joined(
        || open(&args.capture),
        lines,
        &options,
        &log_options,
        &mut |exchange| target.write(&exchange),
    )
    .and_then(|report| target.finish().map(|()| report))
    .map_err(named)
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

/// Standard output has nothing on it before the first exchange: what reads it must
/// not take a failed import for a recording without exchanges.
enum Target {
    File(RecordingFile),
    Unwritten(RecordingHeader),
    Stdout(Writer<BufWriter<Stdout>>),
}

impl Target {
    fn open(args: &ImportArgs, header: RecordingHeader) -> Result<Self, Diagnostic> {
        match &args.output {
            Some(path) => RecordingFile::create(path, &header).map(Self::File),
            None => Ok(Self::Unwritten(header)),
        }
    }

    fn write(&mut self, exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
        if let Self::Unwritten(header) = self {
            let writer = Writer::new(BufWriter::new(io::stdout()), header);
            *self = Self::Stdout(writer.map_err(|error| refused(&error))?);
        }
        match self {
            Self::File(file) => file.write(exchange),
            Self::Stdout(writer) => writer.write(exchange).map_err(|error| refused(&error)),
            Self::Unwritten(_) => Ok(()),
        }
    }

    fn finish(self) -> Result<(), Diagnostic> {
        match self {
            Self::File(file) => file.commit().map(drop),
            Self::Stdout(writer) => writer.finish().map(drop).map_err(|error| refused(&error)),
            Self::Unwritten(_) => Ok(()),
        }
    }
}

/// The kind of the error in words, without the operating system's number.
fn refused(error: &io::Error) -> Diagnostic {
    Diagnostic::io(&error.kind().into(), "output that can be written").in_file(STDOUT)
}
