//! Runs files of the project's own cases.

use std::path::Path;

use super::{Case, Document, judge, read};
use crate::cases::file::Filter;
use crate::cases::front;
use crate::cases::report::Report;
use crate::cases::scenario::{Driver, Observation, Obstacle, Scenario};
use crate::cases::verdict::Verdict;

/// Runs one file; every document counts as one case.
///
/// # Errors
/// The file cannot be read.
pub fn run(
    path: &Path,
    stem: String,
    driver: &mut dyn Driver,
    filter: &Filter,
) -> Result<Report, String> {
    let wanted = |document: &Document| {
        document
            .case
            .as_ref()
            .map_or(true, |case| filter.takes(&case.name))
    };
    let documents: Vec<Document> = read(path)?.into_iter().filter(wanted).collect();
    let verdicts = judge_documents(&documents, driver);
    let mut report = Report::new(stem);
    for (document, verdict) in documents.iter().zip(verdicts) {
        report.record(document.line, document.name(), verdict);
    }
    Ok(report)
}

/// Runs all documents at once, so that a driver can share what is costly.
pub fn judge_documents(documents: &[Document], driver: &mut dyn Driver) -> Vec<Verdict> {
    let staged: Vec<_> = documents.iter().map(stage).collect();
    let scenarios: Vec<Scenario> = staged
        .iter()
        .flatten()
        .flat_map(|(_, scenarios)| scenarios.iter().cloned())
        .collect();
    let mut answers = driver.run(&scenarios).into_iter();
    let verdicts = staged.into_iter().map(|staged| {
        let (case, scenarios) = staged?;
        let answers: Vec<_> = answers.by_ref().take(scenarios.len()).collect();
        Ok(judge_all(case, driver.name(), &scenarios, &answers))
    });
    verdicts
        .map(|verdict| verdict.unwrap_or_else(|verdict| verdict))
        .collect()
}

fn stage(document: &Document) -> Result<(&Case, Vec<Scenario>), Verdict> {
    let case = document
        .case
        .as_ref()
        .map_err(|error| Verdict::failed(error, "a case"))?;
    let scenarios = case.scenarios();
    Ok((
        case,
        scenarios.map_err(|error| Verdict::failed(error, "a case that can be staged"))?,
    ))
}

/// Judges the answers to all requests of a case. The first that differs is the
/// verdict.
fn judge_all(
    case: &Case,
    driver: &str,
    scenarios: &[Scenario],
    answers: &[Result<Observation, Obstacle>],
) -> Verdict {
    let rows = case.requests.iter().zip(scenarios.iter().zip(answers));
    let mut verdicts = rows.enumerate().map(|(index, (row, (scenario, answer)))| {
        let verdict = match answer {
            Ok(found) => judge(row, scenario, front::enter(scenario).ok().as_ref(), found),
            Err(obstacle) => obstacle.clone().into(),
        };
        at_request(index + 1, verdict)
    });
    let verdict = verdicts
        .find(|verdict| *verdict != Verdict::Passed)
        .unwrap_or(Verdict::Passed);
    excluded(case.excluded.get(driver), verdict)
}

fn at_request(number: usize, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Failed(mut mismatch) => {
            mismatch.found = format!("request {number}: {}", mismatch.found);
            Verdict::Failed(mismatch)
        }
        other => other,
    }
}

/// A case that is excluded must not pass: the exclusion would be out of date.
fn excluded(reason: Option<&String>, verdict: Verdict) -> Verdict {
    match (reason, verdict) {
        (None, verdict) => verdict,
        (Some(reason), Verdict::Passed) => {
            Verdict::failed("it passes", format!("a failure, because: {reason}"))
        }
        (Some(reason), _) => Verdict::skipped(reason.as_str()),
    }
}
