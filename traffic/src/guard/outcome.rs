//! What became of a request, as far as it tells a good subset from a bad one.

use crate::outcome::Outcome as Ended;

/// What became of a request that a subset was to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered. Its latency counts.
    Good,
    /// The subset failed it, by its answer or by having none. It counts as an error, and
    /// its latency does not: failing fast is not being fast.
    Failed,
    /// The client left before the answer. Nobody knows what would have become of it, but it
    /// took so long at least, and that counts as its latency: a client's patience ends
    /// more often with a slow subset.
    Left,
}

impl Outcome {
    /// What a request is to a guard that ended so; nothing, where it tells nothing of the
    /// subset. 4xx is the client's doing.
    pub fn of(ended: Ended) -> Option<Self> {
        match ended {
            Ended::Answer(500..) | Ended::LocalOrigin(_) => Some(Self::Failed),
            Ended::Answer(_) => Some(Self::Good),
            Ended::Left => Some(Self::Left),
            Ended::Unjudged => None,
        }
    }
}

/// From here on whole milliseconds are exact enough.
const EXACT_MS: u64 = 64;

/// How long a subset took to answer, in microseconds: from the end of the request to the
/// beginning of the response, so that neither a client that sends slowly nor one that
/// reads slowly makes it longer.
///
/// Envoy tells that in whole milliseconds, rounded down (`x-envoy-upstream-service-time`),
/// unless the response came first or Envoy was told to send no headers of its own. More
/// exact, but with all of the client's time in it, is the time from the first byte to the
/// upstream to the last one from it (`response.backend_latency`): it counts as far as the
/// former allows, and is not asked for where a millisecond is less than a bucket of the
/// sketch. `None` where both are unknown.
pub fn latency_us(
    service_ms: Option<u64>,
    backend_ns: impl FnOnce() -> Option<u64>,
) -> Option<u64> {
    let backend_us = || backend_ns().map(|nanos| nanos / 1_000);
    let Some(service_ms) = service_ms else {
        return backend_us();
    };
    let least_us = service_ms.saturating_mul(1_000);
    if service_ms >= EXACT_MS {
        return Some(least_us);
    }
    let most_us = least_us.saturating_add(999);
    Some(backend_us().map_or(least_us, |micros| micros.clamp(least_us, most_us)))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn errors_are_the_subsets() {
        let table = [
            (Ended::Answer(200), Some(Outcome::Good)),
            (Ended::Answer(404), Some(Outcome::Good)),
            (Ended::Answer(499), Some(Outcome::Good)),
            (Ended::Answer(500), Some(Outcome::Failed)),
            (Ended::Answer(599), Some(Outcome::Failed)),
            (Ended::LocalOrigin(504), Some(Outcome::Failed)),
            (Ended::Left, Some(Outcome::Left)),
            (Ended::Unjudged, None),
        ];
        for (ended, expected) in table {
            assert_eq!(Outcome::of(ended), expected, "{ended:?}");
        }
    }

    #[test]
    fn latency_is_what_the_subset_takes() {
        let table = [
            ("an ordinary one", Some(12), Some(12_345_678), Some(12_345)),
            ("slow upload", Some(12), Some(30_000_000_000), Some(12_999)),
            ("a second try", Some(260), Some(10_000_000), Some(260_000)),
            ("just long enough", Some(63), Some(63_400_000), Some(63_400)),
            ("long enough", Some(64), Some(64_400_000), Some(64_000)),
            ("not ended", Some(12), None, Some(12_000)),
            ("no headers of Envoy", None, Some(12_345_678), Some(12_345)),
            ("a host that tells nothing", None, None, None),
            ("nonsense", Some(u64::MAX), Some(1), Some(u64::MAX)),
        ];
        for (name, service_ms, backend_ns, expected) in table {
            assert_eq!(latency_us(service_ms, || backend_ns), expected, "{name}");
        }
    }
}
