//! Expectations of a recording against what the replay gave.

use sluice_host::{Headers, Message};
use sluice_recording::{Expectation, HeaderExpectation, Outcome};

use crate::report::json::outcome_name;
use crate::report::{ExchangeReport, ExpectationFailure};

/// Everything that `report` does not give as `expected`.
pub fn compare(expected: &Expectation, report: &ExchangeReport) -> Vec<ExpectationFailure> {
    let mut failures = Failures(Vec::new());
    let outcome = outcome_name(report.kind);
    failures.check(
        "outcome",
        expected.outcome.map(expected_outcome),
        Some(outcome),
    );
    let status = report.status.map(|status| status.to_string());
    failures.check(
        "status",
        expected.status.map(|status| status.to_string()).as_deref(),
        status.as_deref(),
    );
    failures.check(
        "plugin",
        expected.plugin.as_deref(),
        report.plugin.as_deref(),
    );
    failures.check("rule", expected.rule.as_deref(), report.rule.as_deref());
    failures.check(
        "details",
        expected.details.as_deref(),
        report.details.as_deref(),
    );
    for (name, header) in &expected.request_headers {
        failures.check_header("request", name, header, Some(&report.request));
    }
    for (name, header) in &expected.response_headers {
        failures.check_header("response", name, header, report.response.as_ref());
    }
    failures.0
}

struct Failures(Vec<ExpectationFailure>);

impl Failures {
    fn check(&mut self, field: &str, expected: Option<&str>, found: Option<&str>) {
        let Some(expected) = expected else { return };
        if found != Some(expected) {
            self.push(
                field.to_owned(),
                quote(expected),
                found.map_or_else(|| "none".to_owned(), quote),
            );
        }
    }

    fn check_header(
        &mut self,
        side: &str,
        name: &str,
        expected: &HeaderExpectation,
        message: Option<&Message>,
    ) {
        let found = message
            .map(|message| lines(&message.headers, name))
            .unwrap_or_default();
        let wanted: &[String] = match expected {
            HeaderExpectation::Absent => &[],
            HeaderExpectation::Lines(lines) => lines,
        };
        if found != wanted {
            self.push(
                format!("{side} header {name}"),
                listed(wanted),
                listed(&found),
            );
        }
    }

    fn push(&mut self, field: String, expected: String, found: String) {
        self.0.push(ExpectationFailure {
            field,
            expected,
            found,
        });
    }
}

fn expected_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Forwarded => "forwarded",
        Outcome::Replied => "replied",
        Outcome::Reset => "reset",
        Outcome::Held => "held",
    }
}

fn lines(headers: &Headers, name: &str) -> Vec<String> {
    headers
        .get_all(name.as_bytes())
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

fn listed(lines: &[String]) -> String {
    if lines.is_empty() {
        return "none".to_owned();
    }
    lines
        .iter()
        .map(|line| quote(line))
        .collect::<Vec<_>>()
        .join(" + ")
}

fn quote(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use sluice_host::OutcomeKind;

    use super::*;

    fn report() -> ExchangeReport {
        ExchangeReport {
            kind: OutcomeKind::Replied,
            status: Some(403),
            plugin: Some("production.authz".into()),
            request: Message::of_headers([(":method", "GET"), ("a", "1"), ("a", "2")]),
            ..ExchangeReport::default()
        }
    }

    fn unmet(json: &str) -> Vec<String> {
        let expected: Expectation = serde_json::from_str(json).unwrap();
        compare(&expected, &report())
            .into_iter()
            .map(|f| format!("{}: {} {}", f.field, f.expected, f.found))
            .collect()
    }

    #[test]
    fn what_is_not_expected_is_not_compared() {
        assert_eq!(unmet("{}"), [""; 0]);
        assert_eq!(
            unmet(r#"{"outcome":"replied","status":403,"plugin":"production.authz"}"#),
            [""; 0]
        );
    }

    #[test]
    fn every_difference_is_named() {
        let found = unmet(r#"{"outcome":"forwarded","status":200,"rule":"r"}"#);
        assert_eq!(
            found,
            [
                "outcome: `forwarded` `replied`",
                "status: `200` `403`",
                "rule: `r` none"
            ]
        );
    }

    #[test]
    fn headers_are_compared_line_by_line() {
        assert_eq!(
            unmet(r#"{"request_headers":{"a":["1","2"],"b":null}}"#),
            [""; 0]
        );
        assert_eq!(
            unmet(r#"{"request_headers":{"a":"1,2"}}"#),
            ["request header a: `1,2` `1` + `2`"]
        );
        assert_eq!(
            unmet(r#"{"response_headers":{"x":"1"}}"#),
            ["response header x: `1` none"]
        );
    }
}
