//! Findings about a configuration, in words that people can act on.

mod code;
mod found;

use std::borrow::Cow;
use std::fmt;

pub use code::DiagnosticCode;
pub(crate) use found::quote_all;
pub use found::{describe, quote, secret, suggest};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; the configuration is used.
    Warning,
    /// The configuration is refused.
    Error,
}

/// One finding.
///
/// Prints as `<path>: found <what>, expected <what>[; <help>] [<code>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of finding.
    pub code: DiagnosticCode,
    /// From the root of the document: `resources[0].spec.rules[2]`. Empty for
    /// the document as a whole.
    pub path: String,
    /// What is there, quoted with [`quote`] or named with [`describe`].
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// A way out: `did you mean "paths"?`.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "document"
        } else {
            &self.path
        };
        write!(
            out,
            "{path}: found {}, expected {}",
            self.found, self.expected
        )?;
        if let Some(help) = &self.help {
            write!(out, "; {help}")?;
        }
        write!(out, " [{}]", self.code)
    }
}

/// All findings about one document, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No findings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error and returns it, for help to be added.
    pub fn error<'a>(
        &mut self,
        code: DiagnosticCode,
        path: &str,
        found: impl Into<Cow<'a, str>>,
        expected: impl Into<Cow<'a, str>>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, path, found.into(), expected.into())
    }

    /// Adds a warning and returns it, for help to be added.
    pub fn warning<'a>(
        &mut self,
        code: DiagnosticCode,
        path: &str,
        found: impl Into<Cow<'a, str>>,
        expected: impl Into<Cow<'a, str>>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, path, found.into(), expected.into())
    }

    #[cold]
    #[inline(never)]
    fn push(
        &mut self,
        severity: Severity,
        code: DiagnosticCode,
        path: &str,
        found: Cow<'_, str>,
        expected: Cow<'_, str>,
    ) -> &mut Diagnostic {
        self.0.push_mut(Diagnostic {
            severity,
            code,
            path: path.to_owned(),
            found: found.into_owned(),
            expected: expected.into_owned(),
            help: None,
        })
    }

    /// Each finding.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether the document is refused.
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// How many of the findings are errors.
    pub fn count_errors(&self) -> usize {
        self.iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count()
    }

    /// How many errors there are, in words: `1 error`, `2 errors`.
    pub fn errors_in_words(&self) -> String {
        match self.count_errors() {
            1 => "1 error".to_owned(),
            count => format!("{count} errors"),
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many findings there are, errors and warnings.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = std::slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, findings: T) {
        self.0.extend(findings);
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, finding) in self.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(out, "{separator}{finding}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_finding_says_where_what_and_what_instead() {
        let mut diagnostics = Diagnostics::new();
        let path = "resources[0].spec.pahts";
        diagnostics
            .error(
                DiagnosticCode::UnknownKey,
                path,
                "a key that does not exist",
                "one of \"paths\"",
            )
            .help = Some("did you mean \"paths\"?".to_owned());
        assert_eq!(
            diagnostics.to_string(),
            "resources[0].spec.pahts: found a key that does not exist, expected one of \"paths\"; \
             did you mean \"paths\"? [unknown-key]"
        );
    }

    #[test]
    fn warnings_do_not_refuse() {
        let mut diagnostics = Diagnostics::new();
        diagnostics.warning(DiagnosticCode::MatchesEverything, "", "no label", "a label");
        assert!(!diagnostics.has_errors());
        diagnostics.error(DiagnosticCode::WrongType, "", "a list", "an object");
        assert!(diagnostics.has_errors());
        assert_eq!((diagnostics.len(), diagnostics.count_errors()), (2, 1));
        assert_eq!(diagnostics.errors_in_words(), "1 error");
        diagnostics.extend(diagnostics.clone());
        assert_eq!(diagnostics.errors_in_words(), "2 errors");
        assert!(
            diagnostics
                .to_string()
                .starts_with("document: found no label")
        );
    }
}
