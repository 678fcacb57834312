//! What became of a request, as far as it tells a good subset from a bad one.

/// What became of a request that a subset was to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered. Its latency counts.
    Good,
    /// The subset failed it, by its answer or by having none. It counts as an error, and
    /// its latency does not: failing fast is not being fast.
    Failed,
    /// The client left before the end. Nobody knows what would have become of it, but it
    /// took so long at least, and that counts as its latency: a client's patience ends
    /// more often with a slow subset.
    Left,
}

/// Statuses of gRPC that are the server's fault (`UNKNOWN`, `DEADLINE_EXCEEDED`,
/// `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`), as OpenTelemetry's
/// conventions have it for servers. They are those that Envoy makes 5xx of.
const FAULTS_OF_SERVER: [u32; 6] = [2, 4, 12, 13, 14, 15];

/// Envoy's response flags of an upstream that broke off, whatever the status was that it
/// began with: `UT`, `UR`, `UC`, `UMSDR`, `UPE`.
const BROKEN_OFF: u64 = 1 << 2 | 1 << 4 | 1 << 6 | 1 << 19 | 1 << 23;

/// Envoy's response flag of a client that left, `DC`.
const CLIENT_LEFT: u64 = 1 << 14;

impl Outcome {
    /// What became of a request, by how it ended.
    ///
    /// `http_status` is `None` where there was no answer, and `grpc_status` where the
    /// request was not gRPC: Envoy makes one up for those, so its attribute alone will not
    /// do. `flags` are the bits of `response.flags`. 4xx is the client's doing.
    pub fn of(http_status: Option<u16>, grpc_status: Option<u32>, flags: u64) -> Self {
        let is_fault = |status: u32| FAULTS_OF_SERVER.contains(&status);
        let is_failed = http_status.is_some_and(|status| (500..600).contains(&status))
            || grpc_status.is_some_and(is_fault)
            || flags & BROKEN_OFF != 0;
        match http_status {
            _ if is_failed => Self::Failed,
            _ if flags & CLIENT_LEFT != 0 => Self::Left,
            Some(_) => Self::Good,
            // It was reset.
            None => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const DC: u64 = 0x4000;

    #[test]
    fn errors_are_the_server_s() {
        for status in [500, 501, 503, 504, 599] {
            for flags in [0, DC] {
                assert_eq!(Outcome::of(Some(status), None, flags), Outcome::Failed);
                assert_eq!(Outcome::of(Some(status), Some(0), flags), Outcome::Failed);
            }
        }
        for status in [200, 204, 301, 404, 429, 499, 600] {
            assert_eq!(Outcome::of(Some(status), None, 0), Outcome::Good);
        }
        let faults: Vec<u32> = (0..20)
            .filter(|status| Outcome::of(Some(200), Some(*status), 0) == Outcome::Failed)
            .collect();
        assert_eq!(faults, [2, 4, 12, 13, 14, 15]);
    }

    #[test]
    fn no_answer_is_a_failure_unless_the_client_left() {
        assert_eq!(Outcome::of(None, None, 0), Outcome::Failed);
        assert_eq!(Outcome::of(None, None, DC), Outcome::Left);
        assert_eq!(Outcome::of(Some(200), None, DC), Outcome::Left);
    }

    #[test]
    fn an_answer_that_breaks_off_is_a_failure() {
        // In Envoy's order: LH, UH, UT, LR, UR, UF, UC, ….
        let failed: Vec<u32> = (0..30)
            .filter(|bit| Outcome::of(Some(200), None, 1 << bit) == Outcome::Failed)
            .collect();
        assert_eq!(failed, [2, 4, 6, 19, 23]);
        assert_eq!(Outcome::of(Some(200), None, DC | 1 << 6), Outcome::Failed);
    }
}
