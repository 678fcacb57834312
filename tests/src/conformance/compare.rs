//! Holds what was observed against a row.

use sluice_envoy::client::HeaderLines;

use super::{
    row::{ANYTHING, Row},
    traffic::Observed,
};

/// Everything in which `observed` is not what `row` says, one line each.
#[must_use]
pub fn differences(row: &Row, observed: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    compare_steps(row, observed, &mut found);
    compare_calls(row, observed, &mut found);
    compare_responses(row, observed, &mut found);
    compare_upstream(row, observed, &mut found);
    found
}

/// Callbacks that a host makes once for each of its virtual machines, or again and again.
const REPEATED: [&str; 2] = ["configure", "tick"];

fn compare_steps(row: &Row, observed: &Observed, found: &mut Vec<String>) {
    let mut callbacks: Vec<_> = row.steps.iter().map(|step| step.callback).collect();
    callbacks.dedup();
    for callback in callbacks {
        let wanted = wanted_lines(row, callback);
        let mut said = said_lines(observed, callback);
        if REPEATED.contains(&callback) {
            said.truncate(wanted.len());
        }
        let fits = said.len() == wanted.len()
            && wanted
                .iter()
                .zip(&said)
                .all(|(wanted, said)| line_fits(wanted, said));
        if !fits {
            found.push(format!("found {said:#?}, expected {wanted:#?}"));
        }
    }
}

fn wanted_lines(row: &Row, callback: &str) -> Vec<String> {
    let once = REPEATED.contains(&callback) || row.traps();
    let repeats = if once { 1 } else { row.wanted.statuses.len() };
    let steps = row
        .steps
        .iter()
        .filter(|step| step.callback == callback && step.operation != "trap");
    let lines: Vec<_> = steps
        .map(|step| format!("{callback} {} -> {}", step.operation, step.says))
        .collect();
    vec![lines; repeats].concat()
}

fn said_lines(observed: &Observed, callback: &str) -> Vec<String> {
    let of_callback = |line: &&String| {
        line.split_once(' ')
            .is_some_and(|(name, _)| name == callback)
    };
    observed.lines.iter().filter(of_callback).cloned().collect()
}

fn line_fits(wanted: &str, said: &str) -> bool {
    match wanted.strip_suffix(ANYTHING) {
        Some(beginning) => said.starts_with(beginning),
        None => wanted.trim_end() == said,
    }
}

fn compare_calls(row: &Row, observed: &Observed, found: &mut Vec<String>) {
    let calls: Vec<_> = stream_calls(observed).collect();
    if let Some(wanted) = row.wanted.calls {
        let names: Vec<_> = calls
            .iter()
            .map(|call| call.split(' ').next().unwrap_or_default())
            .collect();
        if names != wanted {
            found.push(format!("found callbacks {calls:?}, expected {wanted:?}"));
        }
    }
    for wanted in &row.wanted.arguments {
        if !calls.iter().any(|call| call == wanted) {
            found.push(format!(
                "found callbacks {calls:?}, expected {wanted:?} among them"
            ));
        }
    }
}

/// `NAME ARGUMENTS` of every callback for a stream.
fn stream_calls(observed: &Observed) -> impl Iterator<Item = String> + '_ {
    observed.lines.iter().filter_map(|line| {
        let (name, rest) = line.strip_prefix("call ")?.split_once(' ')?;
        let arguments = rest.strip_prefix("stream")?;
        Some(format!("{name}{arguments}"))
    })
}

fn compare_responses(row: &Row, observed: &Observed, found: &mut Vec<String>) {
    let statuses: Vec<_> = observed
        .responses
        .iter()
        .map(|response| response.status)
        .collect();
    if statuses != row.wanted.statuses {
        found.push(format!(
            "found statuses {statuses:?}, expected {:?}",
            row.wanted.statuses
        ));
    }
    let Some(first) = observed.responses.first() else {
        return;
    };
    for (name, wanted) in &row.wanted.response_headers {
        compare_header("response", &first.headers, name, *wanted, found);
    }
    if let Some(wanted) = row.wanted.body {
        compare_body("response", &first.body, wanted, found);
    }
}

fn compare_upstream(row: &Row, observed: &Observed, found: &mut Vec<String>) {
    let went = !observed.upstream.is_empty();
    if row.wanted.upstream.is_some_and(|wanted| wanted != went) {
        found.push(format!("found that the request went upstream: {went}"));
    }
    let wants = !row.wanted.upstream_headers.is_empty() || row.wanted.upstream_body.is_some();
    let Some(first) = observed.upstream.first() else {
        if wants {
            found.push("found no request upstream".to_owned());
        }
        return;
    };
    for (name, wanted) in &row.wanted.upstream_headers {
        match *name {
            ":path" => compare_body("path", first.path.as_bytes(), wanted.unwrap_or(""), found),
            name => compare_header("upstream", &first.headers, name, *wanted, found),
        }
    }
    if let Some(wanted) = row.wanted.upstream_body {
        compare_body("upstream", &first.body, wanted, found);
    }
}

fn compare_header(
    side: &str,
    lines: &HeaderLines,
    name: &str,
    wanted: Option<&str>,
    found: &mut Vec<String>,
) {
    let values = lines.iter().filter(|(line, _)| line == name.as_bytes());
    let values: Vec<_> = values
        .map(|(_, value)| value.escape_ascii().to_string())
        .collect();
    let joined = (!values.is_empty()).then(|| values.join("|"));
    if joined.as_deref() != wanted {
        found.push(format!(
            "found {side} header {name} {joined:?}, expected {wanted:?}"
        ));
    }
}

fn compare_body(side: &str, body: &[u8], wanted: &str, found: &mut Vec<String>) {
    if body != wanted.as_bytes() {
        let body = body.escape_ascii();
        found.push(format!("found {side} body \"{body}\", expected {wanted:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::conformance::{Observed, Row, SeenResponse};

    fn row() -> Row {
        Row::new("a row", "to be compared")
            .steps("request_headers", &[("header request_headers x", "ok 1")])
            .calls(&["request_headers", "log"])
    }

    fn observed(lines: &[&str], status: u16) -> Observed {
        Observed {
            lines: lines.iter().map(ToString::to_string).collect(),
            responses: vec![SeenResponse {
                status,
                ..SeenResponse::default()
            }],
            ..Observed::default()
        }
    }

    const SAID: &str = "request_headers header request_headers x -> ok 1";
    const CALLS: [&str; 2] = ["call request_headers stream 5 1", "call log stream"];

    #[test]
    fn what_was_wanted_is_no_difference() {
        let found = differences(&row(), &observed(&[CALLS[0], SAID, CALLS[1]], 200));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        let cases: [(&[&str], u16); 4] = [
            (&[CALLS[0], CALLS[1]], 200),
            (
                &[
                    CALLS[0],
                    "request_headers header request_headers x -> ok 2",
                    CALLS[1],
                ],
                200,
            ),
            (&[CALLS[1], SAID, CALLS[0]], 200),
            (&[CALLS[0], SAID, CALLS[1]], 503),
        ];
        for (lines, status) in cases {
            let found = differences(&row(), &observed(lines, status));
            assert_eq!(found.len(), 1, "{lines:?} {status}");
        }
    }

    #[test]
    fn a_value_of_no_interest_still_needs_its_status() {
        let row = Row::new("a row", "to be compared")
            .steps("request_headers", &[("header request_headers x", "ok *")]);
        let line = |says: &str| format!("request_headers header request_headers x -> {says}");
        let fits = |says: &str| differences(&row, &observed(&[&line(says)], 200)).is_empty();
        assert!(fits("ok anything"));
        assert!(!fits("not-found"));
    }
}
