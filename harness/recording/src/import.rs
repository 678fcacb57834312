//! Recordings from what other tools captured.
//!
//! One file a format, each a stream: an importer gives one exchange at a time to
//! a sink and keeps nothing of it. What a format cannot show stays unknown.

mod access_log;
mod detect;
mod documents;
mod format;
mod har;
mod join;
mod message;
mod prefix;
mod redact;
mod refusal;
mod report;
mod tap;

use std::io::BufRead;

pub use format::Format;
pub use join::{AccessLogIndex, JoinOutcome};
pub use redact::{DEFAULT_REDACTED, Redaction, is_header_name};
pub use report::{ImportReport, JoinReport};

use crate::{Diagnostic, Exchange, RecordingHeader, schema};
use prefix::Prefixed;
use redact::Redactor;

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The format, or nothing to find out from the first bytes.
    pub format: Option<Format>,
    /// What diagnostics call the input: a join has two.
    pub input_name: Option<String>,
    /// The length of the input in bytes where it is known, as for a file: it
    /// tells the two protobuf forms apart.
    pub input_bytes: Option<u64>,
    /// Headers whose values must not reach the recording.
    pub redaction: Redaction,
    /// An Envoy format string for text access logs; the default formats of Envoy
    /// and Istio need none.
    pub log_format: Option<String>,
    /// For JSON access logs: which command operator a key holds, such as
    /// `("peer", "%DOWNSTREAM_PEER_URI_SAN%")`.
    pub log_keys: Vec<(String, String)>,
    /// Whether to pass over lines that are no access-log lines, and count them:
    /// `kubectl logs` mixes both.
    pub skip_other_lines: bool,
}

/// What takes the exchanges of an import.
pub type Sink<'s> = dyn FnMut(Exchange<'static>) -> Result<(), Diagnostic> + 's;

/// Imports everything in `input`.
///
/// # Errors
///
/// The first thing that is wrong, with its line or offset, or the error of `sink`.
/// Exchanges before it have reached the sink: write them to a
/// [`crate::RecordingFile`] and nothing is half-written.
pub fn import(
    input: impl BufRead,
    options: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<ImportReport, Diagnostic> {
    let mut report = ImportReport::default();
    let mut redactor = Redactor::new(&options.redaction);
    run(input, options, &mut report, &mut |mut exchange| {
        redactor.apply(&mut exchange);
        sink(exchange)
    })?;
    redactor.report_to(&mut report);
    report.require_exchanges()
}

/// Imports a tap and adds to each exchange what an access-log line knows of it.
///
/// The tap is read twice, first to see which log line belongs to exactly one
/// exchange: an `x-request-id` that a client used twice must not lend one
/// caller's identity to another. Memory follows the length of the access log.
///
/// # Errors
///
/// As [`import`], and those of `open_tap`.
pub fn import_joined<R: BufRead>(
    mut open_tap: impl FnMut() -> Result<R, Diagnostic>,
    access_log: impl BufRead,
    tap_options: &ImportOptions,
    log_options: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<ImportReport, Diagnostic> {
    let mut index = AccessLogIndex::default();
    let mut log_report = ImportReport::default();
    run(access_log, log_options, &mut log_report, &mut |line| {
        index.add(line);
        Ok(())
    })?;
    run(
        open_tap()?,
        tap_options,
        &mut ImportReport::default(),
        &mut |exchange| {
            index.observe(&exchange);
            Ok(())
        },
    )?;
    let (mut report, mut joins) = <(ImportReport, JoinReport)>::default();
    let mut redactor = Redactor::new(&tap_options.redaction);
    run(
        open_tap()?,
        tap_options,
        &mut report,
        &mut |mut exchange| {
            joins.count(index.attach(&mut exchange));
            redactor.apply(&mut exchange);
            sink(exchange)
        },
    )?;
    joins.log_lines = log_report.exchanges;
    joins.unused_log_lines = index.unused();
    redactor.report_to(&mut report);
    report.joins = Some(joins);
    report.absorb_log(log_report);
    report.require_exchanges()
}

/// Finds the format of an input from its first bytes, and gives the input back whole.
///
/// # Errors
///
/// When the input is empty, compressed, in no known format or in several.
pub fn detect<R: BufRead>(
    input: R,
    options: &ImportOptions,
) -> Result<(Format, impl BufRead + use<R>), Diagnostic> {
    let prefixed = Prefixed::read(input)?;
    let format = match options.format {
        Some(format) => format,
        None => detect::detect(prefixed.prefix(), options)?,
    };
    Ok((format, prefixed))
}

/// The format of an input that begins so, if it is certain.
pub(crate) fn format_of(beginning: &[u8]) -> Option<Format> {
    // Which of several it may be, and what is wrong with it, an import will say.
    let Ok(format) = detect::detect(beginning, &ImportOptions::default()) else {
        return None;
    };
    Some(format)
}

/// Whether `text` is an operator that [`ImportOptions::log_keys`] can hold.
///
/// # Errors
///
/// When it is none of Envoy's, or stands for nothing that a recording has.
pub fn check_log_operator(text: &str) -> Result<(), Diagnostic> {
    access_log::check_operator(text)
}

impl ImportOptions {
    /// The header of a recording that an import in `format` fills.
    pub fn header(&self, format: Format) -> RecordingHeader {
        let mut header = RecordingHeader::new(format.source());
        header.paths = Some(format.paths());
        header.redacted = self.redaction.names().to_vec();
        header
    }
}

fn run(
    input: impl BufRead,
    options: &ImportOptions,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    read(input, options, report, sink).map_err(|fault| match &options.input_name {
        Some(name) if fault.place.file.is_none() => fault.in_file(name),
        _ => fault,
    })
}

fn read(
    input: impl BufRead,
    options: &ImportOptions,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let (format, input) = detect(input, options)?;
    report.format = Some(format);
    report.unused_log_keys = options
        .log_keys
        .iter()
        .map(|(key, _)| key.clone())
        .collect();
    let mut exchanges = 0;
    let mut counted = |exchange| {
        // What a capture says is no reason to write what no reader takes.
        schema::check(&exchange)?;
        exchanges += 1;
        sink(exchange)
    };
    let imported = match format {
        Format::TapJson => tap::import_json(input, report, &mut counted),
        Format::TapProtobuf => tap::import_protobuf(input, report, &mut counted),
        Format::TapProtobufDelimited => tap::import_delimited(input, report, &mut counted),
        Format::Har => har::import(input, report, &mut counted),
        Format::AccessLogJson => access_log::import_json(input, options, report, &mut counted),
        Format::AccessLogText => access_log::import_text(input, options, report, &mut counted),
    };
    report.exchanges = exchanges;
    imported
}
