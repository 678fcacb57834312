//! `retries`: how often Envoy tries again, and when.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

/// How often and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// `attempts` after the first one.
    pub attempts: u16,
    /// `perTryTimeout`.
    pub per_try_timeout_ms: Option<u32>,
    /// Conditions of HTTP, as `x-envoy-retry-on` has them.
    pub on: Box<str>,
    /// Conditions of gRPC, as `x-envoy-retry-grpc-on` has them.
    pub grpc_on: Box<str>,
    /// Statuses, as `x-envoy-retriable-status-codes` has them.
    pub statuses: Box<str>,
}

/// When, if `retryOn` does not say: Istio's default.
const DEFAULT_ON: &str =
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// Conditions that Envoy's router takes from `x-envoy-retry-on`.
const HTTP_CONDITIONS: [&str; 11] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "http3-post-connect-failure",
];

/// Conditions that it takes from `x-envoy-retry-grpc-on`.
const GRPC_CONDITIONS: [&str; 5] = [
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

/// Reads `retries`.
pub(super) fn read(route: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<Retries> {
    let mut object = route.take("retries")?.object(diagnostics)?;
    let attempts = object.take("attempts");
    let per_try = object.take("perTryTimeout");
    let on = object.take("retryOn");
    // Which endpoint is tried next is for the route of Envoy to say.
    for key in [
        "retryRemoteLocalities",
        "retryIgnorePreviousHosts",
        "backoff",
    ] {
        if let Some(node) = object.take(key) {
            left_to_envoy(&node, diagnostics);
        }
    }
    object.finish(diagnostics);
    let attempts = attempts.map_or(Some(0), |attempts| {
        attempts.integer(0..=u16::MAX, diagnostics)
    });
    let per_try_timeout_ms = per_try.and_then(|node| duration::milliseconds(&node, diagnostics));
    let mut retries = Retries {
        attempts: attempts?,
        per_try_timeout_ms,
        on: "".into(),
        grpc_on: "".into(),
        statuses: "".into(),
    };
    let text = on.as_ref().and_then(|on| on.string(diagnostics));
    let text = text.filter(|text| !text.is_empty());
    sort_conditions(
        text.unwrap_or(DEFAULT_ON),
        on.as_ref(),
        &mut retries,
        diagnostics,
    );
    Some(retries)
}

/// Names what Envoy's own route has to say.
pub(super) fn left_to_envoy(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    diagnostics.warning(
        DiagnosticCode::LeftToEnvoy,
        node.path(),
        "a setting of Envoy's router",
        "it in the VirtualService that takes the hint",
    );
}

fn sort_conditions(
    text: &str,
    node: Option<&Node<'_>>,
    retries: &mut Retries,
    diagnostics: &mut Diagnostics,
) {
    let (mut on, mut grpc_on, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
    for condition in text.split(',').map(str::trim) {
        if HTTP_CONDITIONS.contains(&condition) {
            on.push(condition);
        } else if GRPC_CONDITIONS.contains(&condition) {
            grpc_on.push(condition);
        } else if matches!(condition.parse(), Ok(100..=599_u16)) {
            statuses.push(condition);
        } else if let Some(node) = node {
            let all = HTTP_CONDITIONS.iter().chain(&GRPC_CONDITIONS).copied();
            let expected =
                "conditions of Envoy's x-envoy-retry-on and x-envoy-retry-grpc-on, or statuses";
            let help = sluice_policy::diagnostic::suggest(condition, all);
            node.error(DiagnosticCode::UnknownValue, expected, diagnostics)
                .help = help;
        }
    }
    if !statuses.is_empty() && !on.contains(&"retriable-status-codes") {
        on.push("retriable-status-codes");
    }
    retries.on = on.join(",").into();
    retries.grpc_on = grpc_on.join(",").into();
    retries.statuses = statuses.join(",").into();
}
