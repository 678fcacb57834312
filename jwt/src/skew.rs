//! Clocks that do not agree.

/// By how much clocks may differ, in seconds: Envoy's default, for which Istio has no
/// field.
pub(crate) const CLOCK_SKEW_S: u64 = 60;
