//! Which kind of cases a file holds.

use serde_json::Value;

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Policies, a request and its verdict.
    AuthzIntegration,
    /// A policy value and the Envoy matcher that Istio makes of it.
    AuthzMatchers,
    /// RequestAuthentications, key sets by URL, a request and its verdict.
    JwtIntegration,
    /// A token, keys, and whether one verifies it.
    JwtTokens,
    /// A token or a key set, and the status that Envoy's library gives it.
    JwtLibrary,
    /// A path before and after normalisation.
    PathNormalization,
    /// A configuration of Envoy's router, a request and where it goes.
    RouterCheck,
    /// VirtualServices, a request and what becomes of it.
    VirtualService,
    /// A resource and whether Istio accepts it.
    Validation,
    /// Known, but nothing here can run it; says why.
    Waiting(&'static str),
    /// Nothing known.
    Unknown,
}

const NO_RATE_LIMIT_FILTER: &str = "no rate-limit filter exists yet";
const NO_VERDICT: &str = "a recorded exchange carries no verdict: `sluice import` reads it";

/// File-name prefixes. The first one that fits decides.
const BY_NAME: &[(&str, Kind)] = &[
    ("authz_integration", Kind::AuthzIntegration),
    ("authz_matchers", Kind::AuthzMatchers),
    ("path_normalization", Kind::PathNormalization),
    ("validation", Kind::Validation),
    ("jwt_integration", Kind::JwtIntegration),
    ("jwt_envoy_lib", Kind::JwtLibrary),
    ("jwt_", Kind::JwtTokens),
    ("jws_", Kind::JwtTokens),
    ("routing_envoy_router_check", Kind::RouterCheck),
    ("routing_", Kind::VirtualService),
    ("rate_limit", Kind::Waiting(NO_RATE_LIMIT_FILTER)),
    ("recorded_http", Kind::Waiting(NO_VERDICT)),
];

/// Keys that only lines of one kind have together, for files of another name.
const BY_KEYS: &[(&[&str], Kind)] = &[
    (
        &["policies", "request", "expect", "jwks"],
        Kind::JwtIntegration,
    ),
    (&["policies", "request", "expect"], Kind::AuthzIntegration),
    (&["mode", "in", "out"], Kind::PathNormalization),
    (&["kind", "layer", "valid"], Kind::Validation),
    (&["k", "v", "expect"], Kind::AuthzMatchers),
    (&["v", "want"], Kind::AuthzMatchers),
    (&["str", "want"], Kind::AuthzMatchers),
    (&["path", "want"], Kind::AuthzMatchers),
    (&["token", "status"], Kind::JwtLibrary),
    (&["jwks_text", "status"], Kind::JwtLibrary),
    (&["token", "jwks"], Kind::JwtTokens),
    (&["token", "jwk"], Kind::JwtTokens),
    (&["config", "request", "expect"], Kind::VirtualService),
    (&["route_config", "input"], Kind::RouterCheck),
    (&["max_tokens", "ops"], Kind::Waiting(NO_RATE_LIMIT_FILTER)),
];

impl Kind {
    /// Told by the name of the file, else by the keys of its first line.
    pub fn detect(stem: &str, first: Option<&Value>) -> Self {
        let by_name = BY_NAME.iter().find(|(prefix, _)| stem.starts_with(prefix));
        let by_keys = || {
            BY_KEYS
                .iter()
                .find(|(keys, _)| has_keys(first, keys))
                .map(|(_, k)| *k)
        };
        by_name
            .map(|(_, kind)| *kind)
            .or_else(by_keys)
            .unwrap_or(Self::Unknown)
    }
}

fn has_keys(line: Option<&Value>, keys: &[&str]) -> bool {
    line.is_some_and(|line| keys.iter().all(|key| line.get(key).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_name_decides_before_the_keys() {
        let line = json!({"mode": "NONE", "in": "/", "out": "/"});
        assert_eq!(Kind::detect("validation-2", Some(&line)), Kind::Validation);
        assert_eq!(Kind::detect("other", Some(&line)), Kind::PathNormalization);
        assert_eq!(Kind::detect("other", None), Kind::Unknown);
    }

    #[test]
    fn kinds_without_a_filter_say_so() {
        assert_eq!(
            Kind::detect("rate_limit", None),
            Kind::Waiting("no rate-limit filter exists yet")
        );
    }
}
