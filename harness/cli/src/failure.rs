//! Why a command stopped, and the exit code that says so.

use std::fmt;
use std::io;
use std::path::Path;

/// The exit codes, a public contract (docs/cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything as it should be.
    Ok,
    /// Findings: an expectation failed, a configuration is wrong.
    Findings,
    /// The command could not do its work: usage, configuration, input, output.
    Failed,
    /// A guest trapped or hit a limit.
    Guest,
    /// Nobody knows: a token was not verified for want of keys.
    NotKnown,
}

impl Exit {
    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Failed => 2,
            Self::Guest => 3,
            Self::NotKnown => 4,
        }
    }
}

/// Something that stops a command, one line for each thing that is wrong:
/// `<path>: found <what>, expected <what>[; <help>] [<code>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    code: &'static str,
    exit: Exit,
}

impl Failure {
    /// A failure of input, output, configuration or usage.
    pub fn new(
        path: impl fmt::Display,
        found: impl fmt::Display,
        expected: &str,
        code: &'static str,
    ) -> Self {
        Self::said(
            format!("{path}: found {found}, expected {expected} [{code}]"),
            code,
        )
    }

    /// The same with a way out.
    pub fn with_help(
        path: impl fmt::Display,
        found: impl fmt::Display,
        expected: &str,
        help: &str,
        code: &'static str,
    ) -> Self {
        Self::said(
            format!("{path}: found {found}, expected {expected}; {help} [{code}]"),
            code,
        )
    }

    /// One that another crate has put into words already.
    pub fn said(message: impl fmt::Display, code: &'static str) -> Self {
        Self {
            message: message.to_string(),
            code,
            exit: Exit::Failed,
        }
    }

    /// Everything that is wrong with one line of a recording, one line each.
    pub fn lines(file: &str, diagnostics: Vec<sluice_recording::Diagnostic>) -> Self {
        let code = diagnostics
            .first()
            .map_or("invalid-recording", |first| first.code.as_str());
        let said: Vec<String> = diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.in_file(file).to_string())
            .collect();
        Self::said(said.join("\n"), code)
    }

    /// The exit code it leads to.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The stable kebab-case name.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// A file that could not be read.
    pub fn reading(path: &Path, error: &io::Error) -> Self {
        Self::new(
            path.display(),
            io_words(error),
            "a file that can be read",
            "unreadable-file",
        )
    }

    /// Output that could not be written.
    pub fn writing(path: impl fmt::Display, error: &io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::BrokenPipe {
            BROKEN_PIPE
        } else {
            "unwritable-output"
        };
        Self::new(path, io_words(error), "output that can be written", code)
    }

    /// Whether the reader of our output went away, which is no error (`| head`).
    pub fn is_broken_pipe(&self) -> bool {
        self.code == BROKEN_PIPE
    }
}

const BROKEN_PIPE: &str = "broken-pipe";

/// An I/O error without the number that `io::Error` adds.
fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "a directory".to_owned(),
        io::ErrorKind::InvalidData => "text that is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<sluice_recording::Diagnostic> for Failure {
    fn from(diagnostic: sluice_recording::Diagnostic) -> Self {
        Self::said(&diagnostic, diagnostic.code.as_str())
    }
}

impl From<sluice_host::HostError> for Failure {
    fn from(error: sluice_host::HostError) -> Self {
        Self::said(&error, error.code)
    }
}

impl From<sluice_host::ModuleError> for Failure {
    fn from(error: sluice_host::ModuleError) -> Self {
        Self::said(&error, error.code)
    }
}
