//! Runs every line of one case file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::authz_integration;
use super::kind::Kind;
use super::line::{self, Line};
use super::report::Report;
use super::scenario::{Driver, Observation, Scenario};
use super::verdict::Verdict;
use super::{
    authz_matchers, jwt_integration, jwt_library, jwt_tokens, own, path_normalization, reject,
    router_check, validation, virtual_service,
};

/// Which cases to run.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only names that contain this.
    pub name: Option<String>,
}

impl Filter {
    /// Whether a case called `name` is wanted.
    pub fn takes(&self, name: &str) -> bool {
        self.name
            .as_ref()
            .is_none_or(|wanted| name.contains(wanted.as_str()))
    }
}

/// Every case file at or below `paths`, sorted within a folder.
///
/// # Errors
/// A path that cannot be read, by name.
pub fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = path
            .metadata()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if metadata.is_dir() {
            files.extend(below(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    let is_case = |path: &PathBuf| path.is_dir() || has_case_extension(path);
    collect(&entries.into_iter().filter(is_case).collect::<Vec<_>>())
}

fn has_case_extension(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl" || is_own(path))
}

/// The project's own format is YAML; everything else is JSON Lines.
fn is_own(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Configurations to be refused are in a folder of that name.
fn is_reject(path: &Path) -> bool {
    path.parent()
        .and_then(Path::file_name)
        .is_some_and(|folder| folder == "reject")
}

/// Runs one file.
///
/// # Errors
/// The file cannot be read.
pub fn run(path: &Path, driver: &mut dyn Driver, filter: &Filter) -> Result<Report, String> {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    if is_own(path) && is_reject(path) {
        return reject::run(path, stem);
    }
    if is_own(path) {
        return own::run(path, stem, driver, filter);
    }
    let mut lines = line::read(path)?;
    lines.retain(|line| filter.takes(line.name()));
    let first = lines.iter().find_map(|line| line.case.as_ref().ok());
    let kind = Kind::detect(&stem, first);
    let verdicts = judge_all(kind, &lines, driver);
    let mut report = Report::new(stem);
    for (line, verdict) in lines.iter().zip(verdicts) {
        report.record(line.number, line.name(), verdict);
    }
    Ok(report)
}

fn judge_all(kind: Kind, lines: &[Line], driver: &mut dyn Driver) -> Vec<Verdict> {
    match kind {
        Kind::AuthzIntegration => staged(
            lines,
            driver,
            authz_integration::scenario,
            authz_integration::judge,
        ),
        Kind::AuthzMatchers => each(lines, authz_matchers::judge),
        Kind::JwtIntegration => staged(
            lines,
            driver,
            jwt_integration::scenario,
            jwt_integration::judge,
        ),
        Kind::JwtTokens => jwt_tokens::judge_all(lines, driver),
        Kind::JwtLibrary => jwt_library::judge_all(lines, driver),
        Kind::PathNormalization => path_normalization::judge_all(lines, driver),
        Kind::RouterCheck => staged(lines, driver, router_check::scenario, router_check::judge),
        Kind::VirtualService => staged(
            lines,
            driver,
            virtual_service::scenario,
            virtual_service::judge,
        ),
        Kind::Validation => each(lines, validation::judge),
        Kind::Waiting(reason) => each(lines, |_| Verdict::skipped(reason)),
        Kind::Unknown => each(lines, unknown),
    }
}

fn unknown(case: &Value) -> Verdict {
    let keys: Vec<&str> = case
        .as_object()
        .map(|case| case.keys().map(String::as_str).collect())
        .unwrap_or_default();
    Verdict::skipped(format!(
        "no known kind of case has the keys {}",
        keys.join(", ")
    ))
}

/// Judges lines one by one; a line that could not be read fails.
pub fn each(lines: &[Line], judge: impl Fn(&Value) -> Verdict) -> Vec<Verdict> {
    lines
        .iter()
        .map(|line| case_of(line).map_or_else(|verdict| verdict, &judge))
        .collect()
}

pub(super) fn case_of(line: &Line) -> Result<&Value, Verdict> {
    line.case
        .as_ref()
        .map_err(|error| Verdict::failed(error.clone(), "one JSON object"))
}

/// Judges lines that a driver has to run.
pub fn staged(
    lines: &[Line],
    driver: &mut dyn Driver,
    stage: impl Fn(&Value) -> Result<Scenario, Verdict>,
    judge: impl Fn(&Value, &Observation) -> Verdict,
) -> Vec<Verdict> {
    let staged: Vec<_> = lines
        .iter()
        .map(|line| case_of(line).and_then(&stage))
        .collect();
    let scenarios: Vec<_> = staged.iter().flatten().cloned().collect();
    let mut answers = driver.run(&scenarios).into_iter();
    let mut verdict = |(line, staged): (&Line, Result<Scenario, Verdict>)| {
        let case = case_of(line)?;
        staged?;
        Ok(match answers.next() {
            Some(Ok(found)) => judge(case, &found),
            Some(Err(obstacle)) => obstacle.into(),
            None => Verdict::failed("no answer", "an answer"),
        })
    };
    let verdicts = lines.iter().zip(staged).map(&mut verdict);
    verdicts
        .map(|verdict| verdict.unwrap_or_else(|verdict| verdict))
        .collect()
}
