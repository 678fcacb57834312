//! AuthorizationPolicy.

use sluice_policy::diagnostic::quote;
use sluice_policy::json::{Object, parse_bool};
use sluice_policy::{Attachment, DiagnosticCode, Diagnostics, Resource};

use super::{Action, AuthorizationPolicy, rule};

/// Makes a policy report what it would do instead of doing it.
const DRY_RUN: &str = "istio.io/dry-run";

/// Actions by name; CUSTOM needs its provider besides.
const ACTIONS: [(&str, Plain); 4] = [
    ("ALLOW", Plain::Allow),
    ("DENY", Plain::Deny),
    ("AUDIT", Plain::Audit),
    ("CUSTOM", Plain::Custom),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    Allow,
    Deny,
    Audit,
    Custom,
}

/// Reads a policy; what is wrong with it is in `diagnostics`.
pub(super) fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> AuthorizationPolicy {
    let mut policy = AuthorizationPolicy::named(
        resource.metadata.name,
        resource.metadata.namespace.unwrap_or_default(),
        Action::Allow,
    );
    policy.dry_run = dry_run(resource, diagnostics);
    let Some(mut spec) = resource
        .spec
        .as_ref()
        .and_then(|spec| spec.object(diagnostics))
    else {
        return policy;
    };
    policy.attachment = Attachment::read(&mut spec, diagnostics);
    policy.action = action(&mut spec, diagnostics);
    if policy.dry_run && policy.action == Action::Audit {
        warn_of_idle_audit(resource, diagnostics);
    }
    let rules = spec.take("rules");
    // An empty list is none: both are the same in the message that Istio checks.
    if rules.as_ref().is_none_or(|rules| !rule::is_filled(rules)) {
        check_absent_rules(&policy.action, spec.path(), diagnostics);
    }
    if let Some(rules) = rules {
        policy.rules = rule::read_all(&rules, &policy.action, diagnostics);
    }
    spec.finish(diagnostics);
    policy
}

/// As Go reads a boolean. What it cannot read, Istio logs and enforces the
/// policy; here that is a warning.
fn dry_run(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> bool {
    let Some(text) = resource.metadata.annotation(DRY_RUN) else {
        return false;
    };
    let dry_run = parse_bool(text);
    if dry_run.is_none() {
        let expected = "\"true\" or \"false\"; the policy is enforced";
        warn_of_annotation(resource, &quote(text), expected, diagnostics);
    }
    dry_run.unwrap_or(false)
}

/// Istio knows dry runs of ALLOW and DENY only; it has no place to report one
/// of AUDIT, and neither records nor enforces anything.
fn warn_of_idle_audit(resource: &Resource<'_>, diagnostics: &mut Diagnostics) {
    let found = "a dry run of an AUDIT policy, which then records nothing";
    let expected = "no dry run: AUDIT never refuses a request";
    warn_of_annotation(resource, found, expected, diagnostics);
}

fn warn_of_annotation(
    resource: &Resource<'_>,
    found: &str,
    expected: &str,
    diagnostics: &mut Diagnostics,
) {
    let path = format!("{}.metadata.annotations[\"{DRY_RUN}\"]", resource.path);
    diagnostics.warning(DiagnosticCode::InvalidDryRun, &path, found, expected);
}

fn action(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Action {
    let action = spec
        .take("action")
        .and_then(|node| node.one_of(&ACTIONS, diagnostics))
        .unwrap_or(Plain::Allow);
    let provider = spec.take("provider");
    if action != Plain::Custom {
        if let Some(provider) = provider {
            let expected = "a provider with the action CUSTOM only";
            provider.error(DiagnosticCode::UnexpectedProvider, expected, diagnostics);
        }
        return match action {
            Plain::Allow | Plain::Custom => Action::Allow,
            Plain::Deny => Action::Deny,
            Plain::Audit => Action::Audit,
        };
    }
    let name = provider.and_then(|node| {
        let mut object = node.object(diagnostics)?;
        let name = object.take("name");
        object.finish(diagnostics);
        name?.text(diagnostics)
    });
    if name.is_none() {
        let path = format!("{}.provider.name", spec.path());
        let expected = "the name of one of mesh.extensionProviders";
        diagnostics.error(
            DiagnosticCode::MissingProvider,
            &path,
            "no provider",
            expected,
        );
    }
    Action::Custom(name.unwrap_or_default().into())
}

/// A policy without rules never matches: that makes an ALLOW refuse everything
/// and an AUDIT harmless, but a DENY or CUSTOM pointless.
fn check_absent_rules(action: &Action, path: &str, diagnostics: &mut Diagnostics) {
    if matches!(action, Action::Deny | Action::Custom(_)) {
        let expected = "rules; the rule {} matches every request";
        diagnostics.error(DiagnosticCode::NoRules, path, "no rules", expected);
    }
}
