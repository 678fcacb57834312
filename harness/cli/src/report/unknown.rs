//! Why a fact counts as unknown, where its name does not say so.

/// The path, where what Envoy makes of it depends on its release.
pub const PATH_IN_DOUBT: &str = "request.path";

const REASONS: [(&str, &str); 1] = [(
    PATH_IN_DOUBT,
    "a dot segment with parameters (`..;`), which Envoy since 1.39 resolves and Istio's tables keep",
)];

/// The reason in words.
pub fn reason(attribute: &str) -> Option<&'static str> {
    let known = REASONS.iter().find(|(name, _)| *name == attribute);
    known.map(|(_, reason)| *reason)
}
