//! Standard error: diagnostics, with the line and a caret where a file is behind them.

use std::io::Write;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::failure::Failure;
use crate::report::visible::visible;
use crate::yaml::Span;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The command, or the configuration, is refused.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Said for completeness.
    Note,
}

impl From<sluice_policy::Severity> for Severity {
    fn from(severity: sluice_policy::Severity) -> Self {
        match severity {
            sluice_policy::Severity::Error => Self::Error,
            sluice_policy::Severity::Warning => Self::Warning,
        }
    }
}

impl Severity {
    fn style(self) -> (Style, &'static str) {
        match self {
            Self::Error => (ERROR, "error"),
            Self::Warning => (WARNING, "warning"),
            Self::Note => (NOTE, "note"),
        }
    }

    fn level(self) -> Level<'static> {
        match self {
            Self::Error => Level::ERROR,
            Self::Warning => Level::WARNING,
            Self::Note => Level::NOTE,
        }
    }
}

/// A text that diagnostics point into.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Where diagnostics go.
pub struct Console {
    color: ColorChoice,
    stream: AutoStream<std::io::Stderr>,
}

impl Console {
    /// Standard error with this choice of colour.
    pub fn new(color: ColorChoice) -> Self {
        let resolved = match color {
            ColorChoice::Auto => AutoStream::choice(&std::io::stderr()),
            chosen => chosen,
        };
        Self {
            color,
            stream: AutoStream::new(std::io::stderr(), resolved),
        }
    }

    /// The choice of colour, for standard output.
    pub fn color(&self) -> ColorChoice {
        self.color
    }

    /// Says one line, whatever the message holds.
    pub fn say(&mut self, severity: Severity, message: impl std::fmt::Display) {
        let (style, word) = severity.style();
        let message = message.to_string();
        self.write(&format!("{style}{word}{style:#}: {}\n", visible(&message)));
    }

    /// Says why a command stopped.
    pub fn failure(&mut self, failure: &Failure) {
        for line in failure.to_string().lines() {
            self.say(Severity::Error, line);
        }
    }

    /// Says something about a place in a file: `file:line:column`, the line and a caret.
    pub fn point(&mut self, severity: Severity, message: &str, source: Source<'_>, span: Span) {
        let range = byte_range(source.text, span);
        let annotation = AnnotationKind::Primary.span(range);
        let snippet = Snippet::source(source.text)
            .path(source.name)
            .annotation(annotation);
        let message = visible(message);
        let report = &[severity
            .level()
            .primary_title(message.as_ref())
            .element(snippet)];
        self.write(&format!("{}\n", Renderer::styled().render(report)));
    }

    fn write(&mut self, text: &str) {
        // Nobody is left to be told when standard error is gone.
        let _ = self.stream.write_all(text.as_bytes());
    }
}

/// The bytes of `text` that a span of lines and columns covers.
fn byte_range(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = byte_offset(text, span.line, span.column);
    let end = byte_offset(text, span.end_line, span.end_column);
    start..end.max(start)
}

fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(before..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let within = line
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(line.len(), |(at, _)| at);
    before + within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_ranges_count_bytes() {
        let text = "a: 1\nä: xyz\n";
        let span = Span {
            line: 2,
            column: 4,
            end_line: 2,
            end_column: 7,
        };
        assert_eq!(text.get(byte_range(text, span)), Some("xyz"));
    }

    #[test]
    fn a_place_after_the_end_is_the_end() {
        let span = Span {
            line: 9,
            column: 9,
            end_line: 9,
            end_column: 9,
        };
        assert_eq!(byte_range("ab\n", span), 3..3);
    }
}
