//! Envoy's tap filter: `envoy.data.tap.v3.TraceWrapper`.

mod exchange;
mod segments;
mod trace;

use std::io::{BufRead, Read};

use prost::Message as _;

use super::documents::{DocumentPlace, Documents};
use super::{ImportReport, Sink, message, refusal};
use crate::diagnostic::{Code, Diagnostic, quote_bytes};
use crate::{DEFAULT_MAX_LINE_BYTES, Exchange};
use segments::Segments;
use trace::TraceWrapper;

/// Reads JSON documents, one or many.
pub(super) fn import_json(
    input: impl BufRead,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let mut documents = Documents::new(input);
    let mut importer = Importer::new(report, sink);
    while let Some((document, place)) = documents.next()? {
        let wrapper = parse_json(document, place)?;
        importer
            .take(wrapper)
            .map_err(|fault| relocate(fault, place))?;
    }
    importer.finish()
}

/// Reads one message without framing.
pub(super) fn import_protobuf(
    input: impl BufRead,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let limit = u64::try_from(DEFAULT_MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    input
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Diagnostic::io(&error, "a readable input"))?;
    check_length(bytes.len(), 0)?;
    let mut importer = Importer::new(report, sink);
    importer
        .take(parse_protobuf(&bytes, 0)?)
        .map_err(|fault| at_offset(fault, 0))?;
    importer.finish()
}

/// Reads messages that each follow their length, a base-128 varint.
pub(super) fn import_delimited(
    mut input: impl BufRead,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let mut importer = Importer::new(report, sink);
    let mut bytes = Vec::new();
    let mut offset = 0;
    while let Some((length, prefix_bytes)) = read_varint(&mut input, offset)? {
        let start = offset + prefix_bytes;
        check_length(usize::try_from(length).unwrap_or(usize::MAX), start)?;
        bytes.clear();
        let read = (&mut input)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|error| Diagnostic::io(&error, "a readable input"))?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        if read < length {
            return Err(cut_off(start, length, read));
        }
        importer
            .take(parse_protobuf(&bytes, start)?)
            .map_err(|fault| at_offset(fault, start))?;
        offset = start + length;
    }
    importer.finish()
}

/// Turns wrappers into exchanges, whichever encoding they came in.
struct Importer<'i, 's> {
    report: &'i mut ImportReport,
    sink: &'i mut Sink<'s>,
    segments: Segments,
    emitted: u64,
}

impl<'i, 's> Importer<'i, 's> {
    fn new(report: &'i mut ImportReport, sink: &'i mut Sink<'s>) -> Self {
        Self {
            report,
            sink,
            segments: Segments::default(),
            emitted: 0,
        }
    }

    fn take(&mut self, wrapper: TraceWrapper) -> Result<(), Diagnostic> {
        if let Some(trace) = wrapper.http_buffered_trace {
            return self.emit(exchange::from_buffered(trace)?);
        }
        if let Some(segment) = wrapper.http_streamed_trace_segment {
            return match self.segments.add(segment)? {
                Some(finished) => self.emit(finished),
                None => Ok(()),
            };
        }
        if wrapper.socket_buffered_trace.is_some()
            || wrapper.socket_streamed_trace_segment.is_some()
        {
            self.report.skip("socket traces");
            return Ok(());
        }
        let expected = "`http_buffered_trace` or `http_streamed_trace_segment`";
        Err(Diagnostic::new(
            Code::MissingField,
            "a trace wrapper without a trace",
            expected,
        ))
    }

    fn emit(&mut self, mut exchange: Exchange<'static>) -> Result<(), Diagnostic> {
        self.emitted += 1;
        message::name_exchange(&mut exchange, "tap", self.emitted);
        self.report.truncated_bodies += exchange::truncated_bodies(&exchange);
        (self.sink)(exchange)
    }

    /// Emits the streamed traces that are still open, oldest first.
    fn finish(mut self) -> Result<(), Diagnostic> {
        while let Some(exchange) = self.segments.take_oldest()? {
            self.emit(exchange)?;
        }
        Ok(())
    }
}

fn parse_json(document: &[u8], place: DocumentPlace) -> Result<TraceWrapper, Diagnostic> {
    let mut json = serde_json::Deserializer::from_slice(document);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, reason) = (error.path().to_string(), error.into_inner());
        let line = u64::try_from(reason.line())
            .unwrap_or(u64::MAX)
            .saturating_sub(1);
        refusal::of_error(&reason, &path, "a TraceWrapper of envoy.data.tap.v3")
            .at(place.line + line, place.offset)
    })
}

fn parse_protobuf(bytes: &[u8], offset: u64) -> Result<TraceWrapper, Diagnostic> {
    TraceWrapper::decode(bytes).map_err(|error| {
        let found = format!("{} ({error})", quote_bytes(bytes));
        let expected = "a TraceWrapper of envoy.data.tap.v3";
        at_offset(
            Diagnostic::new(Code::InvalidProtobuf, found, expected),
            offset,
        )
    })
}

/// The next varint and its length in bytes; `None` at the end of the input.
fn read_varint(input: &mut impl BufRead, offset: u64) -> Result<Option<(u64, u64)>, Diagnostic> {
    let (mut value, mut length) = (0_u64, 0_u64);
    for byte in input.bytes().take(10) {
        let byte = byte.map_err(|error| Diagnostic::io(&error, "a readable input"))?;
        let bits =
            u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(length).unwrap_or(u32::MAX));
        value |= bits.unwrap_or_default();
        length += 1;
        if byte < 0x80 {
            return Ok(Some((value, length)));
        }
    }
    match length {
        0 => Ok(None),
        _ => {
            let expected = "the length of a message, as a varint of at most 10 bytes";
            let found = format!("{length} bytes that are none");
            Err(at_offset(
                Diagnostic::new(Code::InvalidProtobuf, found, expected),
                offset,
            ))
        }
    }
}

fn check_length(length: usize, offset: u64) -> Result<(), Diagnostic> {
    if length <= DEFAULT_MAX_LINE_BYTES {
        return Ok(());
    }
    let expected = format!("at most {DEFAULT_MAX_LINE_BYTES} bytes");
    let found = format!("a message of {length} bytes or more");
    Err(
        at_offset(Diagnostic::new(Code::TooLong, found, expected), offset)
            .suggest("is this really a tap? name the format if it is another"),
    )
}

fn cut_off(offset: u64, length: u64, read: u64) -> Diagnostic {
    let found = format!("the end of the input after {read} bytes of a message");
    let expected = format!("its {length} bytes");
    at_offset(Diagnostic::new(Code::Truncated, found, expected), offset)
}

fn at_offset(mut fault: Diagnostic, offset: u64) -> Diagnostic {
    if message::is_of_input(&fault) {
        fault.place.offset.get_or_insert(offset);
    }
    fault
}

fn relocate(mut fault: Diagnostic, place: DocumentPlace) -> Diagnostic {
    if message::is_of_input(&fault) {
        fault.place.line.get_or_insert(place.line);
    }
    at_offset(fault, place.offset)
}
