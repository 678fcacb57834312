//! Configurations that must be refused, or accepted with a warning:
//! `tests/cases/reject/*.yaml`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sluice_policy::{Diagnostic, Diagnostics, Severity, Workload};

use super::report::Report;
use super::verdict::Verdict;
use super::yaml;

/// Seconds since 1970 at which it is judged what has expired: 2025-10-09.
const NOW_S: u64 = 1_760_000_000;

/// One document.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reject {
    /// What is wrong.
    pub name: String,
    /// Why it matters.
    pub why: String,
    /// Whose configuration it is.
    #[serde(default)]
    filter: Filter,
    /// The pluginConfig.
    #[serde(default)]
    config: Option<Value>,
    /// The manifest of a plugin, in place of a pluginConfig.
    #[serde(default)]
    manifest: Option<Value>,
    /// The same as text, where it is not JSON.
    #[serde(default)]
    text: Option<String>,
    /// The same as a text too long to write.
    #[serde(default)]
    repeat: Option<Repeat>,
    /// No node says whose proxy it is.
    #[serde(default)]
    no_workload: bool,
    /// The configuration is accepted, with warnings.
    #[serde(default)]
    warning: bool,
    /// What must be found, in any order. Other findings fail the case.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    open: String,
    #[serde(default)]
    around: String,
    close: String,
    times: usize,
}

/// Filters by the names of their modules.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Filter {
    #[default]
    Authz,
    Jwt,
    Routing,
    Fault,
}

/// One finding.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Name of the code.
    pub code: String,
    /// Where; anywhere if not given.
    #[serde(default)]
    pub path: Option<String>,
}

impl Reject {
    fn text(&self) -> String {
        let repeated = self.repeat.as_ref().map(|repeat| {
            let (open, close) = (
                repeat.open.repeat(repeat.times),
                repeat.close.repeat(repeat.times),
            );
            format!("{open}{}{close}", repeat.around)
        });
        let config = self.config.as_ref().map(ToString::to_string);
        config
            .or_else(|| self.text.clone())
            .or(repeated)
            .unwrap_or_default()
    }

    fn found(&self) -> Diagnostics {
        if let Some(manifest) = &self.manifest {
            return sluice_cli::plugins::validate(manifest);
        }
        let workload = Workload {
            namespace: "shop".to_owned(),
            ..Workload::default()
        };
        let workload = Some(&workload).filter(|_| !self.no_workload);
        let text = self.text();
        match self.filter {
            Filter::Authz => sluice_authz::configure(text.as_bytes(), workload).1,
            Filter::Jwt => sluice_jwt::configure(text.as_bytes(), workload).1,
            Filter::Routing => sluice_traffic::routing::configure(text.as_bytes(), workload).1,
            Filter::Fault => {
                sluice_traffic::fault::configure(text.as_bytes(), workload, Some(NOW_S)).1
            }
        }
    }

    /// Configures the filter, or reads the manifest, and compares the findings.
    pub fn judge(&self) -> Verdict {
        let found = self.found();
        let missing = self
            .findings
            .iter()
            .any(|finding| !found.iter().any(|d| finding.is(d)));
        let surplus = found
            .iter()
            .any(|d| !self.findings.iter().any(|finding| finding.is(d)));
        let severity = if self.warning {
            Severity::Warning
        } else {
            Severity::Error
        };
        let severe = self.findings.iter().all(|finding| {
            found
                .iter()
                .any(|diagnostic| finding.is(diagnostic) && diagnostic.severity == severity)
        });
        if !missing && !surplus && severe && found.has_errors() != self.warning {
            return Verdict::Passed;
        }
        Verdict::failed(shown(&found), format!("{severity:?}: {:?}", self.findings))
    }
}

fn shown(found: &Diagnostics) -> String {
    if found.is_empty() {
        "nothing".to_owned()
    } else {
        found.to_string()
    }
}

impl Finding {
    fn is(&self, diagnostic: &Diagnostic) -> bool {
        let path = self
            .path
            .as_ref()
            .is_none_or(|path| *path == diagnostic.path);
        diagnostic.code.name() == self.code && path
    }
}

/// A document, or why it is none, with its first line.
pub type Document = (usize, Result<Reject, String>);

/// Every document of a file.
///
/// # Errors
/// The file cannot be read or is not YAML.
pub fn read(path: &Path) -> Result<Vec<Document>, String> {
    let documents = yaml::read(path)?.into_iter();
    let parse = |value| serde_json::from_value(value).map_err(|error| error.to_string());
    Ok(documents
        .map(|(line, value)| (line, parse(value)))
        .collect())
}

/// Judges one file. No driver is needed: the same reader runs in the module.
///
/// # Errors
/// The file cannot be read.
pub fn run(path: &Path, stem: String) -> Result<Report, String> {
    let mut report = Report::new(stem);
    for (line, reject) in read(path)? {
        match reject {
            Ok(reject) => report.record(line, &reject.name, reject.judge()),
            Err(error) => report.record(line, "", Verdict::failed(error, "a case")),
        }
    }
    Ok(report)
}
