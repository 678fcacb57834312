//! Reading the native format, in constant memory.

use std::io::BufRead;

use memchr::memchr;

use crate::diagnostic::{Code, Diagnostic, quote};
use crate::line_source::{LinePlace, LineSource, is_blank, trim_line_end};
use crate::schema::{self, LineKind};
use crate::{DEFAULT_MAX_LINE_BYTES, Exchange, RecordingHeader, Version, import};

/// How to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderOptions {
    /// The longest line taken, line feed included. It bounds the memory of a reader.
    pub max_line_bytes: usize,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            max_line_bytes: DEFAULT_MAX_LINE_BYTES,
        }
    }
}

/// Reads a recording: its header when opened, then exchange by exchange, or
/// batch by batch for [`crate::process_in_order`].
#[derive(Debug)]
pub struct Reader<R> {
    header: RecordingHeader,
    lines: LineSource<R>,
    line: Vec<u8>,
    sequence: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header line.
    ///
    /// # Errors
    ///
    /// When the input cannot be read, is empty, is not a recording, or is of a
    /// version that this release cannot read.
    pub fn new(input: R) -> Result<Self, Vec<Diagnostic>> {
        Self::with_options(input, ReaderOptions::default())
    }

    /// Like [`Reader::new`], with limits.
    ///
    /// # Errors
    ///
    /// As [`Reader::new`].
    pub fn with_options(input: R, options: ReaderOptions) -> Result<Self, Vec<Diagnostic>> {
        let mut lines = LineSource::new(input, options.max_line_bytes);
        let beginning = lines.beginning(BEGINNING_BYTES);
        let mut line = Vec::new();
        let place = next_line(&mut lines, &mut line).map_err(|error| vec![error])?;
        let place = place.ok_or_else(|| vec![empty_input()])?;
        let header = parse_header(trim_line_end(&line), place)
            .map_err(|faults| capture(&beginning, place).map_or(faults, |fault| vec![fault]))?;
        Ok(Self {
            header,
            lines,
            line,
            sequence: 0,
        })
    }

    /// The first line.
    pub fn header(&self) -> &RecordingHeader {
        &self.header
    }

    /// The next exchange, borrowed from the reader's one line buffer; `None` at the end.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the line. The reader may be asked for the
    /// next line after that, unless the input itself failed.
    pub fn read(&mut self) -> Result<Option<Exchange<'_>>, Vec<Diagnostic>> {
        let place = next_line(&mut self.lines, &mut self.line).map_err(|error| vec![error])?;
        match place {
            Some(place) => parse_exchange(trim_line_end(&self.line), place).map(Some),
            None => Ok(None),
        }
    }

    /// Whether no exchange is left. Blank lines before the next are passed over.
    ///
    /// # Errors
    ///
    /// When the input cannot be read.
    pub fn is_at_end(&mut self) -> Result<bool, Diagnostic> {
        self.lines.skip_white_space().map(|more| !more)
    }

    /// Fills `batch` with the next whole lines, reusing its memory. `false` at the end.
    ///
    /// Where batches begin and end depends on the input and `limits` alone.
    ///
    /// # Errors
    ///
    /// When the input fails or a line is too long. What is wrong with a line's
    /// content is found by [`Batch::exchanges`], on whichever thread parses it.
    pub fn fill(&mut self, batch: &mut Batch, limits: BatchLimits) -> Result<bool, Diagnostic> {
        batch.start(self.sequence, self.lines.position(), limits);
        while batch.lines < limits.lines && batch.bytes.len() < limits.bytes {
            match self.lines.append_line(&mut batch.bytes)? {
                Some(_) => batch.lines += 1,
                None => break,
            }
        }
        let is_filled = batch.lines > 0;
        self.sequence += u64::from(is_filled);
        Ok(is_filled)
    }
}

/// How much goes into a batch: it ends with the line that reaches either limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Lines.
    pub lines: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Default for BatchLimits {
    /// 512 lines or 1 MiB: far more work than handing it to a thread costs.
    fn default() -> Self {
        Self {
            lines: 512,
            bytes: 1 << 20,
        }
    }
}

/// Whole lines of a recording, owned, to be parsed on any thread.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    lines: usize,
    sequence: u64,
    first_line: u64,
    offset: u64,
}

impl Batch {
    /// The position among the batches of its recording, from 0.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The line number of its first line, from 1; the header is line 1.
    pub fn first_line(&self) -> u64 {
        self.first_line
    }

    /// The exchanges, in order. A line that is wrong gives its diagnostics.
    pub fn exchanges(&self) -> impl Iterator<Item = Result<Exchange<'_>, Vec<Diagnostic>>> {
        Lines {
            rest: &self.bytes,
            number: self.first_line,
            offset: self.offset,
        }
        .filter(|(line, _)| !is_blank(line))
        .map(|(line, place)| parse_exchange(line, place))
    }

    fn start(&mut self, sequence: u64, (first_line, offset): (u64, u64), limits: BatchLimits) {
        self.bytes.clear();
        // One very long line must not stay in memory for the rest of the recording.
        self.bytes.shrink_to(limits.bytes.saturating_mul(2));
        self.lines = 0;
        self.sequence = sequence;
        self.first_line = first_line;
        self.offset = offset;
    }
}

struct Lines<'b> {
    rest: &'b [u8],
    number: u64,
    offset: u64,
}

impl<'b> Iterator for Lines<'b> {
    type Item = (&'b [u8], LinePlace);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.rest).map_or(self.rest.len(), |feed| feed + 1);
        let (line, rest) = self.rest.split_at(end);
        let is_terminated = line.last() == Some(&b'\n');
        let place = LinePlace {
            number: self.number,
            offset: self.offset,
            is_terminated,
        };
        self.rest = rest;
        self.number += 1;
        self.offset += u64::try_from(end).unwrap_or(u64::MAX);
        Some((trim_line_end(line), place))
    }
}

/// The next line with something on it, in place of what `line` held.
fn next_line<R: BufRead>(
    lines: &mut LineSource<R>,
    line: &mut Vec<u8>,
) -> Result<Option<LinePlace>, Diagnostic> {
    loop {
        line.clear();
        match lines.append_line(line)? {
            Some(_) if is_blank(line) => {}
            place => return Ok(place),
        }
    }
}

fn parse_exchange(line: &[u8], place: LinePlace) -> Result<Exchange<'_>, Vec<Diagnostic>> {
    // Checking UTF-8 once for the line is cheaper than string by string.
    let parsed = match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    };
    parsed.map_err(|error| schema::explain(line, place, LineKind::Exchange, &error))
}

fn parse_header(line: &[u8], place: LinePlace) -> Result<RecordingHeader, Vec<Diagnostic>> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    // Compressed data has line feeds too: say what it is, not that it is no JSON.
    if line.starts_with(&[0x1f, 0x8b]) {
        return Err(vec![compressed()]);
    }
    // The version first: what another version's header may hold is not ours to judge.
    if let Some(version) = declared_version(line)
        && !version.is_readable()
    {
        return Err(vec![unsupported_version(version, place)]);
    }
    serde_json::from_slice(line)
        .map_err(|error| schema::explain(line, place, LineKind::Header, &error))
}

/// Enough to tell a capture of another tool.
const BEGINNING_BYTES: usize = 4096;

/// What is no recording may be what a recording is made from.
fn capture(beginning: &[u8], place: LinePlace) -> Option<Diagnostic> {
    let format = import::format_of(beginning)?;
    let diagnostic = Diagnostic::new(Code::NotARecording, format.in_words(), "a recording")
        .at(place.number, place.offset)
        .suggest("`sluice import` makes one of it");
    Some(diagnostic)
}

fn declared_version(line: &[u8]) -> Option<Version> {
    #[derive(serde::Deserialize)]
    struct Declared {
        recording: Version,
    }
    serde_json::from_slice::<Declared>(line)
        .ok()
        .map(|declared| declared.recording)
}

fn unsupported_version(version: Version, place: LinePlace) -> Diagnostic {
    let found = quote(&version.to_string());
    let expected = format!("`{}`", Version::CURRENT);
    let advice = if version > Version::CURRENT {
        "a newer release of sluice wrote this and can read it"
    } else {
        "no release of sluice wrote this version"
    };
    Diagnostic::new(Code::UnsupportedVersion, found, expected)
        .at(place.number, place.offset)
        .on("recording")
        .suggest(advice)
}

/// The input holds nothing.
pub(crate) fn empty_input() -> Diagnostic {
    Diagnostic::new(Code::EmptyInput, "an empty input", "a recording").at(1, 0)
}

/// The input starts as gzip does (RFC 1952 §2.3.1).
pub(crate) fn compressed() -> Diagnostic {
    Diagnostic::new(Code::CompressedInput, "gzip data", "plain text")
        .at(1, 0)
        .suggest("uncompress it first: gunzip -c FILE")
}
