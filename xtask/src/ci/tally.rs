//! Counting tests from what the runners print.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Counts a line that closes a run; any other line changes nothing.
    ///
    /// Two shapes are known: cargo's `test result: ok. 3 passed; 0 failed; 1 ignored; …`
    /// and the case runner's `NAME: 3 passed, 0 failed, 1 skipped`.
    pub fn count(&mut self, line: &str) {
        if let Some(closing) = closing_line(line) {
            self.add(&closing);
        }
    }

    /// A step that failed without a failing test, such as clippy, is one failure.
    pub fn count_step_failure(&mut self) {
        if self.failed == 0 {
            self.failed = 1;
        }
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

fn closing_line(line: &str) -> Option<Tally> {
    let (front, counts) = line.trim().rsplit_once(": ")?;
    if front == "test result" {
        let (_, counts) = counts.split_once(". ")?;
        return counted(counts.split("; "), "ignored");
    }
    counted(counts.split(", "), "skipped")
}

/// Reads `3 passed`, `0 failed` and `1 <skipped>` from the first three parts.
fn counted<'a>(mut parts: impl Iterator<Item = &'a str>, skipped: &str) -> Option<Tally> {
    let mut number = |unit: &str| -> Option<u64> {
        let (number, found) = parts.next()?.split_once(' ')?;
        if found == unit {
            number.parse().ok()
        } else {
            None
        }
    };
    Some(Tally {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number(skipped)?,
    })
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn of(lines: &[&str]) -> String {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.count(line));
        tally.to_string()
    }

    #[test]
    fn cargo_lines_are_counted() {
        let lines = [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ];
        assert_eq!(of(&lines), "5 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn case_lines_are_counted() {
        assert_eq!(
            of(&["authz_integration: 200 passed, 1 failed, 50 skipped"]),
            "200 passed, 1 failed, 50 skipped"
        );
    }

    #[test]
    fn other_lines_are_not() {
        let lines = [
            "test a: 3 passed; ok",
            "note: 3 passed, 4 skipped",
            "3 passed, 0 failed, 0 skipped",
            "x: y",
        ];
        assert_eq!(of(&lines), "0 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn a_failed_step_counts_once() {
        let mut tally = Tally::default();
        tally.count_step_failure();
        tally.count_step_failure();
        assert_eq!(tally.to_string(), "0 passed, 1 failed, 0 skipped");
    }
}
