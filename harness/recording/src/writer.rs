//! Writing the native format.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::diagnostic::{Code, Diagnostic, quote};
use crate::{DEFAULT_MAX_LINE_BYTES, Exchange, RecordingHeader, schema};

/// Writes a recording to any output, header first, a whole line at a time.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the header line.
    ///
    /// # Errors
    ///
    /// When the output refuses it.
    pub fn new(output: W, header: &RecordingHeader) -> io::Result<Self> {
        let mut writer = Self {
            output,
            line: serde_json::to_vec(header)?,
        };
        writer.line.push(b'\n');
        writer.output.write_all(&writer.line)?;
        Ok(writer)
    }

    /// Writes one exchange.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with a [`Diagnostic`] inside, and nothing written, when a reader
    /// would refuse the exchange or read another; else when the output refuses it.
    pub fn write(&mut self, exchange: &Exchange<'_>) -> io::Result<()> {
        self.encode(exchange)
            .map_err(|fault| io::Error::new(ErrorKind::InvalidInput, fault))?;
        self.output.write_all(&self.line)
    }

    /// Encodes an exchange as the next line, and reads it back.
    fn encode(&mut self, exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
        schema::check(exchange)?;
        let unreadable = || {
            let expected = "an exchange that reads back the same";
            Diagnostic::new(Code::InvalidValue, quote(&exchange.id), expected)
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, exchange).map_err(|_| unreadable())?;
        self.line.push(b'\n');
        if self.line.len() > DEFAULT_MAX_LINE_BYTES {
            let found = format!("{} in {} bytes", quote(&exchange.id), self.line.len());
            let expected = format!("a line of at most {DEFAULT_MAX_LINE_BYTES}");
            return Err(Diagnostic::new(Code::TooLong, found, expected));
        }
        match serde_json::from_slice::<Exchange<'_>>(&self.line) {
            Ok(read) if read == *exchange => Ok(()),
            Ok(_) | Err(_) => Err(unreadable()),
        }
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    ///
    /// When the output refuses what was buffered.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// A recording file that appears under its name only when it is whole.
///
/// Until [`RecordingFile::commit`] the lines go to a temporary file beside it;
/// dropping it without a commit removes that and leaves an older recording alone.
#[derive(Debug)]
pub struct RecordingFile {
    writer: Writer<BufWriter<NamedTempFile>>,
    path: PathBuf,
}

impl RecordingFile {
    /// Opens the temporary file in the folder of `path` and writes the header.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub fn create(path: &Path, header: &RecordingHeader) -> Result<Self, Diagnostic> {
        let explain = |error: io::Error| refused(path, &error);
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let file = new_file(folder.unwrap_or(Path::new("."))).map_err(explain)?;
        let writer = Writer::new(BufWriter::new(file), header).map_err(explain)?;
        Ok(Self {
            writer,
            path: path.to_owned(),
        })
    }

    /// Writes one exchange.
    ///
    /// # Errors
    ///
    /// When a reader would refuse the exchange or read another, or the disk refuses it.
    pub fn write(&mut self, exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
        let Self { writer, path } = self;
        writer.encode(exchange)?;
        let written = writer.output.write_all(&writer.line);
        written.map_err(|error| refused(path, &error))
    }

    /// Makes the file appear, replacing one of that name.
    ///
    /// # Errors
    ///
    /// When the disk refuses it; the name is then as it was before.
    pub fn commit(self) -> Result<File, Diagnostic> {
        let Self { writer, path } = self;
        let finish = || -> io::Result<File> {
            let file = writer
                .finish()?
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            Ok(file.persist(&path)?)
        };
        finish().map_err(|error| refused(&path, &error))
    }
}

/// A temporary file that, once renamed, has the permissions of an ordinary new file.
fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sluice-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn refused(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::io(error, "a file that can be written").in_file(path.display().to_string())
}
