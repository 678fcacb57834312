//! JUnit XML: one test case an exchange, and one a scripted answer.
//!
//! An exchange without an expectation is a case that cannot fail, unless a
//! guest trapped in it. The counts stand in the first element of the document
//! and are known only at the end, so the cases wait in a temporary file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};

use quick_xml::escape::escape;

use super::exchange::ExchangeReport;
use super::summary::EntryUse;

/// Collects cases on disk, so that memory does not grow with the recording.
pub struct JUnit {
    cases: BufWriter<File>,
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl JUnit {
    /// Opens the temporary file.
    ///
    /// # Errors
    /// When there is no room for one.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            cases: BufWriter::new(tempfile::tempfile()?),
            tests: 0,
            failures: 0,
            errors: 0,
            skipped: 0,
        })
    }

    /// Adds the case of one exchange, rendered by [`case`].
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, case: &Case) -> io::Result<()> {
        self.tests += 1;
        self.failures += u64::from(case.failed);
        self.errors += u64::from(case.trapped);
        self.skipped += u64::from(case.skipped);
        self.cases.write_all(case.xml.as_bytes())
    }

    /// The opening of the document, then the cases; [`CLOSING`] follows them.
    ///
    /// # Errors
    /// When the temporary file cannot be read back.
    pub fn finish(self) -> io::Result<(String, File)> {
        let Self {
            cases,
            tests,
            failures,
            errors,
            skipped,
        } = self;
        let mut cases = cases.into_inner().map_err(io::IntoInnerError::into_error)?;
        cases.rewind()?;
        let counts = format!(
            "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\""
        );
        let opening = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n\
             <testsuite name=\"sluice replay\" {counts}>\n"
        );
        Ok((opening, cases))
    }
}

/// What closes the document.
pub const CLOSING: &str = "</testsuite>\n</testsuites>\n";

/// One rendered test case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    xml: String,
    failed: bool,
    trapped: bool,
    skipped: bool,
}

/// Renders the test case of one exchange.
pub fn case(report: &ExchangeReport) -> Case {
    let failures = report.expectation.as_deref().unwrap_or_default();
    let mut xml = format!(
        "<testcase classname=\"{}\" name=\"{}\"",
        text(&report.route),
        text(&report.id)
    );
    if failures.is_empty() && report.traps.is_empty() {
        xml.push_str("/>\n");
        return Case {
            xml,
            ..Case::default()
        };
    }
    xml.push_str(">\n");
    for failure in failures {
        let message = format!(
            "{}: found {}, expected {}",
            failure.field, failure.found, failure.expected
        );
        xml.push_str(&format!(
            "<failure type=\"{}\" message=\"{}\"/>\n",
            text(&failure.field),
            text(&message)
        ));
    }
    for trap in &report.traps {
        let message = format!(
            "{} trapped in {}: {}",
            trap.plugin, trap.callback, trap.reason
        );
        xml.push_str(&format!(
            "<error type=\"trap\" message=\"{}\"/>\n",
            text(&message)
        ));
    }
    xml.push_str("</testcase>\n");
    Case {
        xml,
        failed: !failures.is_empty(),
        trapped: !report.traps.is_empty(),
        ..Case::default()
    }
}

/// Renders the test case of a scripted answer: skipped if no call met it.
pub fn entry_case(entry: &EntryUse) -> Case {
    let skipped = entry.calls == 0;
    let content = if skipped {
        ">\n<skipped message=\"untested: no call met it\"/>\n</testcase>\n"
    } else {
        "/>\n"
    };
    let xml = format!(
        "<testcase classname=\"{} {}\" name=\"{}\"{content}",
        text(&entry.cluster),
        text(&entry.answer),
        text(&entry.entry)
    );
    Case {
        xml,
        skipped,
        ..Case::default()
    }
}

/// Escaped for an attribute, and without the characters that XML 1.0 (§2.2)
/// cannot hold at all. White space is written as references: a reader makes
/// plain spaces of all other (§3.3.3).
fn text(raw: &str) -> String {
    let legal = raw.replace(|c| !is_xml(c), "\u{fffd}");
    escape(legal.as_str())
        .replace('\t', "&#9;")
        .replace('\n', "&#10;")
        .replace('\r', "&#13;")
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_hold_what_xml_can_hold() {
        assert_eq!(
            text("a\u{1b}\u{0}\u{ffff}\t\r\n<\u{85}"),
            "a\u{fffd}\u{fffd}\u{fffd}&#9;&#13;&#10;&lt;\u{85}"
        );
    }
}
