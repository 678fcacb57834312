//! Lines of a resource and whether Istio accepts it.

use serde_json::{Value, json};
use sluice_authz::Config;
use sluice_policy::matcher::PathTemplate;
use sluice_policy::{Diagnostic, DiagnosticCode, Diagnostics, Severity};

use super::validation_of_traffic;
use super::verdict::Verdict;

/// Warnings that are ours alone: Istio has the socket's peer, looks providers up
/// elsewhere, and has Envoy do what a filter cannot.
const OWN_WARNINGS: [DiagnosticCode; 4] = [
    DiagnosticCode::ApproximateAddress,
    DiagnosticCode::IgnoredKey,
    DiagnosticCode::LeftToEnvoy,
    DiagnosticCode::UnknownProvider,
];

/// Judges one line.
pub fn judge(case: &Value) -> Verdict {
    match (case["scope"].as_str(), case["kind"].as_str()) {
        (Some("go-only"), _) => Verdict::skipped(format!(
            "not a resource: {}",
            case["note"].as_str().unwrap_or_default()
        )),
        (Some("fragment"), Some("AuthorizationPolicy")) => fragment(case),
        (Some("full"), Some("AuthorizationPolicy" | "PeerAuthentication")) => {
            compare(case, &policy_findings(&case["config"]).into())
        }
        (Some("full"), Some("WasmPlugin" | "TrafficExtension")) => {
            compare(case, &sluice_cli::plugins::validate(&case["config"]).into())
        }
        (Some("full"), Some("RequestAuthentication")) => {
            compare(case, &rule_resource_findings(&case["config"]).into())
        }
        (Some("full"), Some("VirtualService" | "DestinationRule")) => {
            validation_of_traffic::resource(case)
        }
        (Some("fragment"), Some("VirtualService")) => validation_of_traffic::fragment(case),
        (_, Some(kind)) => Verdict::skipped(format!("no filter takes {kind} yet")),
        _ => Verdict::skipped("no `kind`"),
    }
}

/// What the authorization filter says about one resource.
fn policy_findings(resource: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let config = plugin_config(resource);
    drop(Config::parse(config.as_bytes(), &mut diagnostics));
    diagnostics
}

/// What the JWT filter says about one.
fn rule_resource_findings(resource: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let config = plugin_config(resource);
    drop(sluice_jwt::Config::parse(
        config.as_bytes(),
        &mut diagnostics,
    ));
    diagnostics
}

pub(super) fn plugin_config(resource: &Value) -> String {
    let mut resource = resource.clone();
    // The API server fills in the namespace of the request.
    if let Some(metadata) = resource["metadata"].as_object_mut() {
        metadata
            .entry("namespace")
            .or_insert_with(|| json!("default"));
    }
    json!({"resources": [resource]}).to_string()
}

/// A value that Istio's own test checks by itself, in a policy that holds it.
fn fragment(case: &Value) -> Verdict {
    let config = &case["config"];
    match case["fragment_type"].as_str() {
        Some("is path template") => {
            let found = PathTemplate::is_template(config.as_str().unwrap_or_default());
            Verdict::equal(&Some(found), &case["valid"].as_bool())
        }
        Some("path template literal") => {
            let path = format!("/{}/{{*}}", config.as_str().unwrap_or_default());
            compare(
                case,
                &rule_findings(json!({"to": [{"operation": {"paths": [path]}}]})).into(),
            )
        }
        Some("AuthorizationPolicy string values") => compare(
            case,
            &rule_findings(json!({"from": [{"source": {"trustDomains": config}}]})).into(),
        ),
        other => Verdict::skipped(format!("no known fragment: {}", other.unwrap_or("none"))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "built for this call")]
fn rule_findings(rule: Value) -> Diagnostics {
    policy_findings(&json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "case", "namespace": "default"},
        "spec": {"rules": [rule]},
    }))
}

/// What our side says.
pub(super) struct Findings {
    pub(super) valid: bool,
    warned: bool,
    text: String,
}

impl From<Diagnostics> for Findings {
    fn from(findings: Diagnostics) -> Self {
        Self {
            valid: !findings.has_errors(),
            warned: findings.iter().any(is_istios_warning),
            text: findings.to_string(),
        }
    }
}

pub(super) fn compare(case: &Value, found: &Findings) -> Verdict {
    let verdict_is_right = case["valid"].as_bool() == Some(found.valid);
    let warning = case["warning"].as_bool().filter(|_| found.valid);
    if verdict_is_right && warning.is_none_or(|warning| warning == found.warned) {
        return Verdict::Passed;
    }
    let expected = words(case["valid"] == true, case["warning"] == true);
    let text = case["error_contains"].as_str().unwrap_or("no text");
    Verdict::failed(
        format!("{}\n{}", words(found.valid, found.warned), found.text),
        format!("{expected}; Istio says: {text}"),
    )
}

fn is_istios_warning(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Warning && !OWN_WARNINGS.contains(&finding.code)
}

fn words(valid: bool, warned: bool) -> &'static str {
    match (valid, warned) {
        (true, false) => "valid",
        (true, true) => "valid with a warning",
        (false, _) => "invalid",
    }
}
