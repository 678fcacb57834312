//! Lines of a path before and after normalisation.

use serde_json::Value;
use sluice_policy::Workload;
use sluice_policy::path_normalization::{Normalization, Normalized};

use super::file::{each, staged};
use super::line::Line;
use super::scenario::{Driver, Front, Observation, Scenario, Traffic};
use super::verdict::Verdict;

/// Istio's table was made with an older Envoy than the one that runs here.
const NEWER_ENVOY: &str = "Envoy takes `..;` for a dot segment since 1.39, Istio's table does not";

/// What a proxy in `mode` makes of `path`.
///
/// # Errors
/// The status that it answers with; 0 for a mode that Istio does not have.
pub fn normalize(mode: &str, path: &str) -> Result<String, u16> {
    let mode = Normalization::from_name(mode).ok_or(0_u16)?;
    match mode.apply(path.as_bytes()) {
        Normalized::Path(path) => Ok(String::from_utf8_lossy(&path).into_owned()),
        Normalized::Rejected(status) => Err(status),
    }
}

/// Judges every line: by our own normalisation, or in front of a real Envoy by
/// what its upstream got.
pub fn judge_all(lines: &[Line], driver: &mut dyn Driver) -> Vec<Verdict> {
    if driver.name() == "envoy" {
        return staged(lines, driver, scenario, |case, found| {
            judge(case, &received(found))
        });
    }
    each(lines, |case| {
        judge(case, &normalize(text(&case["mode"]), text(&case["in"])))
    })
}

/// `.;` and `..;x=1`: a dot segment that carries a path parameter.
fn is_dot_with_parameter(segment: &str) -> bool {
    segment
        .split_once(';')
        .is_some_and(|(name, _)| name == "." || name == "..")
}

fn received(found: &Observation) -> Result<String, u16> {
    let path = found.upstream.iter().find(|(name, _)| name == ":path");
    let path = path.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    path.filter(|_| found.forwarded).ok_or(found.status)
}

fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    if case["mode"] != "NONE" && text(&case["in"]).split('/').any(is_dot_with_parameter) {
        return Err(Verdict::skipped(NEWER_ENVOY));
    }
    let workload = Workload {
        namespace: "case".to_owned(),
        ..Workload::default()
    };
    let traffic = Traffic::get(text(&case["in"]));
    Ok(Scenario {
        front: Front {
            path_normalization: Some(text(&case["mode"]).to_owned()),
            trusted_proxies: None,
        },
        ..Scenario::new(text(&case["name"]), workload, traffic)
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn judge(case: &Value, found: &Result<String, u16>) -> Verdict {
    let status = case["status"].as_u64().unwrap_or(200);
    let expected = match status {
        200 => Ok(text(&case["out"]).to_owned()),
        refused => Err(u16::try_from(refused).unwrap_or_default()),
    };
    Verdict::equal(found, &expected)
}
