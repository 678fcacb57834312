//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// An open output. Nothing is in a named file until [`Output::finish`].
pub struct Output {
    name: String,
    /// Whether whoever reads this sees colours.
    styled: bool,
    writer: Writer,
}

enum Writer {
    Stdout(BufWriter<io::Stdout>),
    File {
        buffer: BufWriter<NamedTempFile>,
        target: PathBuf,
    },
}

impl Output {
    /// Opens `--output FILE`, or standard output.
    ///
    /// # Errors
    /// When no temporary file can be made beside `target`.
    pub fn open(target: Option<&Path>, color: ColorChoice) -> Result<Self, Failure> {
        let Some(target) = target else {
            return Ok(Self::stdout(color));
        };
        let name = target.display().to_string();
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        // In the same folder, since a rename does not cross file systems.
        let temporary = temporary_in(folder).map_err(|error| Failure::writing(&name, &error))?;
        let writer = Writer::File {
            buffer: BufWriter::new(temporary),
            target: target.to_owned(),
        };
        Ok(Self {
            name,
            styled: color == ColorChoice::Always,
            writer,
        })
    }

    fn stdout(color: ColorChoice) -> Self {
        let choice = match color {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            chosen => chosen,
        };
        let writer = Writer::Stdout(BufWriter::with_capacity(1 << 16, io::stdout()));
        Self {
            name: "standard output".to_owned(),
            styled: choice != ColorChoice::Never,
            writer,
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When they cannot be written; a closed pipe is told apart.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.with(|writer| writer.write_all(bytes))
    }

    /// Writes text with ANSI styles, or without where nobody would see them.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn print(&mut self, styled: &str) -> Result<(), Failure> {
        if self.styled {
            return self.write(styled.as_bytes());
        }
        let plain = anstream::adapter::strip_str(styled).to_string();
        self.write(plain.as_bytes())
    }

    /// Copies a finished temporary file.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn copy(&mut self, mut file: File) -> Result<(), Failure> {
        self.with(|writer| io::copy(&mut file, writer).map(drop))
    }

    fn with(
        &mut self,
        action: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let result = match &mut self.writer {
            Writer::Stdout(stdout) => action(stdout),
            Writer::File { buffer, .. } => action(buffer),
        };
        result.map_err(|error| Failure::writing(&self.name, &error))
    }

    /// Makes everything written visible.
    ///
    /// # Errors
    /// When the last bytes cannot be written or the file cannot take its name.
    pub fn finish(self) -> Result<(), Failure> {
        let finished = match self.writer {
            Writer::Stdout(mut stdout) => stdout.flush(),
            Writer::File { buffer, target } => rename(buffer, &target),
        };
        finished.map_err(|error| Failure::writing(&self.name, &error))
    }
}

/// As readable as any new file; temporary files are private by default.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn rename(buffer: BufWriter<NamedTempFile>, target: &Path) -> io::Result<()> {
    let temporary = buffer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    temporary
        .persist(target)
        .map(drop)
        .map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_finished() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("report.json");
        let mut output = Output::open(Some(&target), ColorChoice::Never).unwrap();
        output.write(b"half").unwrap();
        assert!(!target.exists());
        drop(output);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);

        let mut output = Output::open(Some(&target), ColorChoice::Auto).unwrap();
        output.print("\u{1b}[1mwhole\u{1b}[0m").unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = Output::open(Some(Path::new("/no/such/folder/x")), ColorChoice::Never)
            .err()
            .unwrap();
        assert_eq!(error.code(), "unwritable-output");
    }
}
