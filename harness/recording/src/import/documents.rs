//! JSON documents that follow one another, with or without white space between.

use std::io::BufRead;

use crate::DEFAULT_MAX_LINE_BYTES;
use crate::diagnostic::{Code, Diagnostic, quote_bytes};

/// Cuts an input into JSON objects without parsing them.
///
/// Envoy writes one document a file, the admin endpoint many after each other, and
/// people concatenate files: counting braces outside strings serves all three.
pub(super) struct Documents<R> {
    input: R,
    document: Vec<u8>,
    line: u64,
    offset: u64,
}

/// Where a document starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct DocumentPlace {
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// How far into an object the scan is.
#[derive(Default)]
struct Scan {
    depth: u32,
    is_string: bool,
    is_escaped: bool,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            document: Vec::new(),
            line: 1,
            offset: 0,
        }
    }

    /// The next object and its place; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], DocumentPlace)>, Diagnostic> {
        self.document.clear();
        if !self.skip_to_object()? {
            return Ok(None);
        }
        let place = DocumentPlace {
            line: self.line,
            offset: self.offset,
        };
        let mut scan = Scan::default();
        loop {
            let chunk = fill(&mut self.input, place)?;
            if chunk.is_empty() {
                return Err(self.cut_off(place));
            }
            let end = chunk.iter().position(|byte| scan.ends_at(*byte));
            let taken = chunk
                .get(..end.map_or(chunk.len(), |last| last + 1))
                .unwrap_or(chunk);
            let length = taken.len();
            self.line += count_lines(taken);
            self.document.extend_from_slice(taken);
            self.input.consume(length);
            self.offset += u64::try_from(length).unwrap_or(u64::MAX);
            if self.document.len() > DEFAULT_MAX_LINE_BYTES {
                return Err(too_long(place));
            }
            if end.is_some() {
                return Ok(Some((&self.document, place)));
            }
        }
    }

    /// Passes white space. `false` at the end of the input.
    fn skip_to_object(&mut self) -> Result<bool, Diagnostic> {
        loop {
            let place = DocumentPlace {
                line: self.line,
                offset: self.offset,
            };
            let chunk = fill(&mut self.input, place)?;
            let blank = chunk
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let (space, rest) = chunk.split_at(blank);
            self.line += count_lines(space);
            self.offset += u64::try_from(blank).unwrap_or(u64::MAX);
            match rest.first() {
                Some(b'{') => {
                    self.input.consume(blank);
                    return Ok(true);
                }
                Some(_) => {
                    return Err(Diagnostic::new(
                        Code::NotJson,
                        quote_bytes(rest),
                        "a JSON object, which starts with `{`",
                    )
                    .at(self.line, self.offset));
                }
                None if blank == 0 => return Ok(false),
                None => self.input.consume(blank),
            }
        }
    }

    fn cut_off(&self, place: DocumentPlace) -> Diagnostic {
        let found = format!(
            "the end of the input inside the object that starts on line {}",
            place.line
        );
        Diagnostic::new(Code::Truncated, found, "the rest of it").at(self.line, self.offset)
    }
}

impl Scan {
    /// Takes one byte; whether the object ends with it.
    fn ends_at(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_string => self.is_escaped = true,
            b'"' => self.is_string = !self.is_string,
            _ if self.is_string => {}
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

fn fill<R: BufRead>(input: &mut R, place: DocumentPlace) -> Result<&[u8], Diagnostic> {
    input
        .fill_buf()
        .map_err(|error| Diagnostic::io(&error, "a readable input").at(place.line, place.offset))
}

fn count_lines(bytes: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX)
}

fn too_long(place: DocumentPlace) -> Diagnostic {
    let found = format!("an object of more than {DEFAULT_MAX_LINE_BYTES} bytes");
    Diagnostic::new(Code::TooLong, found, "a smaller object").at(place.line, place.offset)
}
