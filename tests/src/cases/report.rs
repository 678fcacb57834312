//! The report of one case file.

use std::collections::BTreeMap;
use std::fmt;

use super::verdict::{Mismatch, Verdict};

/// One failing line.
#[derive(Debug)]
pub struct Failure {
    /// Line of the file, or place of the case in it.
    pub line: usize,
    /// What the case calls itself.
    pub name: String,
    /// What differed.
    pub mismatch: Mismatch,
}

/// What became of every line of one file.
#[derive(Debug, Default)]
pub struct Report {
    /// The file, without folder and extension.
    pub name: String,
    /// Lines that did as they say.
    pub passed: usize,
    /// Lines that did not.
    pub failures: Vec<Failure>,
    /// Reason for skipping, and how many lines it took.
    pub skipped: BTreeMap<String, usize>,
}

impl Report {
    /// An empty report on the file called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Counts one line.
    pub fn record(&mut self, line: usize, name: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(mismatch) => {
                self.failures.push(Failure {
                    line,
                    name: name.to_owned(),
                    mismatch,
                });
            }
            Verdict::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped: usize = self.skipped.values().sum();
        let failed = self.failures.len();
        writeln!(
            f,
            "{}: {} passed, {failed} failed, {skipped} skipped",
            self.name, self.passed
        )?;
        for Failure {
            line,
            name,
            mismatch,
        } in &self.failures
        {
            writeln!(f, "  line {line}: {name}")?;
            writeln!(f, "    found:    {}", indented(&mismatch.found))?;
            writeln!(f, "    expected: {}", indented(&mismatch.expected))?;
        }
        for (reason, count) in &self.skipped {
            writeln!(f, "  skipped {count}: {reason}")?;
        }
        Ok(())
    }
}

/// Keeps the lines of a multi-line value under its first one.
fn indented(text: &str) -> String {
    text.replace('\n', "\n              ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_totals_then_failures_then_reasons() {
        let mut report = Report::new("authz");
        report.record(1, "a", Verdict::Passed);
        report.record(2, "b", Verdict::failed("403", "200"));
        report.record(3, "c", Verdict::skipped("a TCP connection"));
        report.record(4, "d", Verdict::skipped("a TCP connection"));
        assert_eq!(
            report.to_string(),
            "authz: 1 passed, 1 failed, 2 skipped\n  line 2: b\n    found:    403\n    \
             expected: 200\n  skipped 2: a TCP connection\n"
        );
    }
}
