//! Writing the native format.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::{Diagnostic, Exchange, RecordingHeader};

/// Writes a recording to any output, header first.
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
            line: Vec::new(),
        };
        writer.write_line(header)?;
        Ok(writer)
    }

    /// Writes one exchange.
    ///
    /// # Errors
    ///
    /// When the output refuses it.
    pub fn write(&mut self, exchange: &Exchange<'_>) -> io::Result<()> {
        self.write_line(exchange)
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

    /// One `write_all` a line, so that a line is never torn by a failing value.
    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.output.write_all(&self.line)
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
    /// When the disk refuses it.
    pub fn write(&mut self, exchange: &Exchange<'_>) -> Result<(), Diagnostic> {
        self.writer
            .write(exchange)
            .map_err(|error| refused(&self.path, &error))
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
