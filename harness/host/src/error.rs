//! Why a module or a chain could not be made.

use std::fmt;

/// A module that Envoy would not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleError {
    /// The module's name.
    pub module: String,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: found {}, expected {} [{}]",
            self.module, self.found, self.expected, self.code
        )
    }
}

impl std::error::Error for ModuleError {}

/// A chain or an engine that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    /// Which part: `engine`, or the plugin's name.
    pub path: String,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.path, self.message, self.code)
    }
}

impl std::error::Error for HostError {}
