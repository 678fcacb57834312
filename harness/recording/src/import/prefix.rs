//! The first bytes of an input, looked at before it is read.

use std::io::{self, BufRead, Chain, Cursor, Read};

use crate::diagnostic::{Code, Diagnostic};
use crate::reader::{compressed, empty_input};

/// Enough to hold the keys of a document and some log lines.
const PREFIX_BYTES: u64 = 64 << 10;

/// An input whose first bytes have been read and are still to come.
pub(super) struct Prefixed<R> {
    whole: Chain<Cursor<Vec<u8>>, R>,
}

impl<R: BufRead> Prefixed<R> {
    /// Refuses what no importer can read: nothing, gzip, UTF-16.
    pub(super) fn read(mut input: R) -> Result<Self, Diagnostic> {
        let mut prefix = Vec::new();
        (&mut input)
            .take(PREFIX_BYTES)
            .read_to_end(&mut prefix)
            .map_err(|error| Diagnostic::io(&error, "a readable input"))?;
        match prefix.as_slice() {
            text if text.iter().all(u8::is_ascii_whitespace) => return Err(empty_input()),
            [0x1f, 0x8b, ..] => return Err(compressed()),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(utf16()),
            _ => {}
        }
        // The byte order mark that some tools put before UTF-8 says nothing.
        if prefix.starts_with(b"\xef\xbb\xbf") {
            prefix.drain(..3);
        }
        Ok(Self {
            whole: Cursor::new(prefix).chain(input),
        })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        self.whole.get_ref().0.get_ref()
    }
}

fn utf16() -> Diagnostic {
    Diagnostic::new(Code::NotUtf8, "UTF-16 text", "UTF-8 text")
        .at(1, 0)
        .suggest("save the file as UTF-8")
}

impl<R: BufRead> Read for Prefixed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.whole.read(buffer)
    }
}

impl<R: BufRead> BufRead for Prefixed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.whole.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.whole.consume(amount);
    }
}
