//! A file of YAML on disk, with the text that findings point into.

use std::fs;
use std::path::Path;
use std::string::FromUtf8Error;

use sluice_policy::Diagnostic;

use super::{Node, YamlError};
use crate::console::{Console, Severity, Source};
use crate::failure::Failure;

/// What the API server takes at most, times ten: nobody writes more by hand.
const MAX_BYTES: u64 = 15 << 20;

/// One file.
#[derive(Debug, Clone)]
pub struct YamlFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl YamlFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is too large or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let size = fs::metadata(path)
            .map_err(|error| Failure::reading(path, &error))?
            .len();
        if size > MAX_BYTES {
            return Err(Failure::new(
                path.display(),
                format_args!("{size} bytes"),
                "at most 15 MiB",
                "too-large",
            ));
        }
        let bytes = fs::read(path).map_err(|error| Failure::reading(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
        Ok(Self {
            name: path.display().to_string(),
            text,
        })
    }

    /// Shows a finding at its place in one of the documents.
    pub fn show(&self, console: &mut Console, document: &Node, diagnostic: &Diagnostic) {
        let span = document.place_of(diagnostic, &diagnostic.path);
        console.point(
            diagnostic.severity.into(),
            &diagnostic.to_string(),
            self.source(),
            span,
        );
    }

    /// Shows why the text is not YAML.
    pub fn show_yaml_error(&self, console: &mut Console, error: &YamlError) {
        let message = format!(
            "found {}, expected {} [invalid-yaml]",
            error.found, error.expected
        );
        console.point(Severity::Error, &message, self.source(), error.span);
    }

    /// The text for messages that point into it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
        }
    }
}

/// Says where, since a single wrong byte is hard to find by eye.
fn not_utf8(path: &Path, error: &FromUtf8Error) -> Failure {
    let offset = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let found = match (bytes, bytes.get(offset)) {
        ([0xff, 0xfe, ..] | [0xfe, 0xff, ..], _) => "UTF-16 text".to_owned(),
        (_, Some(byte)) => format!("byte 0x{byte:02x}"),
        (_, None) => "other text".to_owned(),
    };
    let before = bytes.iter().take(offset);
    let line = before.filter(|byte| **byte == b'\n').count() + 1;
    Failure::with_help(
        format_args!("{}:{line} (byte {offset})", path.display()),
        found,
        "UTF-8 text",
        "save the file as UTF-8",
        "not-utf8",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, bytes).unwrap();
        let message = YamlFile::read(&path).unwrap_err().to_string();
        let (_, message) = message.split_once("a.yaml").unwrap();
        message.to_owned()
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_place() {
        assert_eq!(
            refused(b"a: 1\nb: Zahlung f\xfcr\n"),
            ":2 (byte 17): found byte 0xfc, expected UTF-8 text; save the file as UTF-8 [not-utf8]"
        );
        assert_eq!(
            refused(b"\xff\xfea\0:\0"),
            ":1 (byte 0): found UTF-16 text, expected UTF-8 text; save the file as UTF-8 [not-utf8]"
        );
    }
}
