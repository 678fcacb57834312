//! Runs a file of the project's own cases.

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
    let mut report = Report::new(stem);
    for Document { line, case } in read(path)? {
        match case {
            Ok(case) if !filter.takes(&case.name) => {}
            Ok(case) => report.record(line, &case.name, run_case(&case, driver)),
            Err(error) => report.record(line, "", Verdict::failed(error, "a case")),
        }
    }
    Ok(report)
}

/// Runs every request of one case. The first that differs is the verdict.
pub fn run_case(case: &Case, driver: &mut dyn Driver) -> Verdict {
    let scenarios = match case.scenarios() {
        Ok(scenarios) => scenarios,
        Err(error) => return Verdict::failed(error, "a case that can be staged"),
    };
    let answers = driver.run(&scenarios);
    judge_all(case, driver.name(), &scenarios, &answers)
}

/// Judges the answers to all requests of a case.
pub fn judge_all(
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
    let verdict = verdicts.find(|verdict| *verdict != Verdict::Passed).unwrap_or(Verdict::Passed);
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
