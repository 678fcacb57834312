//! What became of one case.

/// The outcome of running one case on one driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that the case pins was as it says.
    Passed,
    /// Something differed.
    Failed(Mismatch),
    /// The case was not run; the reason is printed and counted.
    Skipped(String),
}

/// What differed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the driver answered.
    pub found: String,
    /// What the case says.
    pub expected: String,
}

impl Verdict {
    /// A failed case.
    pub fn failed(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Failed(Mismatch {
            found: found.into(),
            expected: expected.into(),
        })
    }

    /// A case that was not run.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    /// Passed if the two are equal, shown as debug text otherwise.
    pub fn equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Self {
        if found == expected {
            return Self::Passed;
        }
        Self::failed(format!("{found:?}"), format!("{expected:?}"))
    }
}

/// Gathers every difference.
#[derive(Debug, Default)]
pub struct Checks {
    found: Vec<String>,
    expected: Vec<String>,
}

impl Checks {
    /// Compares one thing.
    pub fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.found.push(format!("{what} {found:?}"));
            self.expected.push(format!("{what} {expected:?}"));
        }
    }

    /// Passed if nothing differed.
    pub fn verdict(self) -> Verdict {
        if self.found.is_empty() {
            return Verdict::Passed;
        }
        Verdict::failed(self.found.join(", "), self.expected.join(", "))
    }
}
