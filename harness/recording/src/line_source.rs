//! Lines of bounded length, with their numbers and offsets.

use std::io::{self, BufRead, ErrorKind};

use memchr::{memchr, memchr_iter};

use crate::diagnostic::{Code, Diagnostic};

/// The longest line read unless a caller says otherwise: 16 MiB, room for the
/// bodies that a tap or an archive keeps.
pub const DEFAULT_MAX_LINE_BYTES: usize = 16 << 20;

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinePlace {
    /// From 1.
    pub(crate) number: u64,
    /// Of the first byte.
    pub(crate) offset: u64,
    /// Whether a line feed ended it: the last line of a cut-off file has none.
    pub(crate) is_terminated: bool,
}

/// Splits an input into lines.
#[derive(Debug)]
pub(crate) struct LineSource<R> {
    input: R,
    max_line_bytes: usize,
    lines: u64,
    offset: u64,
}

impl<R: BufRead> LineSource<R> {
    pub(crate) fn new(input: R, max_line_bytes: usize) -> Self {
        Self {
            input,
            max_line_bytes,
            lines: 0,
            offset: 0,
        }
    }

    /// The place of the next line.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.lines + 1, self.offset)
    }

    /// Appends the next line to `buffer`, line feed included. `None` at the end.
    pub(crate) fn append_line(
        &mut self,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<LinePlace>, Diagnostic> {
        let (number, offset) = self.position();
        let start = buffer.len();
        self.read_line(buffer)
            .map_err(|error| Diagnostic::io(&error, "a readable input").at(number, offset))?;
        let length = buffer.len() - start;
        if length == 0 {
            return Ok(None);
        }
        if length > self.max_line_bytes {
            return Err(self.too_long());
        }
        self.lines += 1;
        self.offset += u64::try_from(length).unwrap_or(u64::MAX);
        let is_terminated = buffer.last() == Some(&b'\n');
        Ok(Some(LinePlace {
            number,
            offset,
            is_terminated,
        }))
    }

    /// The first bytes of what comes next, as far as one read gives them. Nothing where the
    /// input fails: whoever reads on is told.
    pub(crate) fn beginning(&mut self, max_bytes: usize) -> Vec<u8> {
        match self.input.fill_buf() {
            Ok(chunk) => chunk.get(..max_bytes).unwrap_or(chunk).to_vec(),
            Err(_) => Vec::new(),
        }
    }

    /// Passes over white space, line feeds included. `false` at the end.
    pub(crate) fn skip_white_space(&mut self) -> Result<bool, Diagnostic> {
        loop {
            let (number, offset) = self.position();
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Diagnostic::io(&error, "a readable input").at(number, offset));
                }
            };
            if chunk.is_empty() {
                return Ok(false);
            }
            let is_text = |byte: &u8| !byte.is_ascii_whitespace();
            let text = chunk.iter().position(is_text);
            let blank = text.unwrap_or(chunk.len());
            let feeds = memchr_iter(b'\n', chunk.get(..blank).unwrap_or(chunk)).count();
            self.input.consume(blank);
            self.lines += u64::try_from(feeds).unwrap_or(u64::MAX);
            self.offset += u64::try_from(blank).unwrap_or(u64::MAX);
            if text.is_some() {
                return Ok(true);
            }
        }
    }

    /// Appends up to the next line feed, or one byte more than a line may have. The
    /// standard library's way looks at every byte singly, and a replay has one reader.
    fn read_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut room = self.max_line_bytes.saturating_add(1);
        while room > 0 {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = chunk.get(..room).unwrap_or(chunk);
            let feed = memchr(b'\n', chunk);
            let piece = feed.and_then(|feed| chunk.get(..=feed)).unwrap_or(chunk);
            let taken = piece.len();
            buffer.extend_from_slice(piece);
            self.input.consume(taken);
            if feed.is_some() || taken == 0 {
                break;
            }
            room -= taken;
        }
        Ok(())
    }

    fn too_long(&self) -> Diagnostic {
        let (number, offset) = self.position();
        let found = format!("a line of more than {} bytes", self.max_line_bytes);
        Diagnostic::new(Code::TooLong, found, "a shorter line").at(number, offset)
    }
}

/// A line without its end: line feed, and the carriage return of a Windows editor.
pub(crate) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether there is nothing on a line but white space.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}
