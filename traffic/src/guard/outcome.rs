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

impl Outcome {
    /// Of an answer: `http_status` is 0 where there was none, and `grpc_status` is that
    /// of the trailers. 4xx is the client's doing.
    pub fn of(http_status: u16, grpc_status: Option<u32>) -> Self {
        let is_grpc_fault = grpc_status.is_some_and(|status| FAULTS_OF_SERVER.contains(&status));
        if is_grpc_fault || http_status == 0 || (500..600).contains(&http_status) {
            Self::Failed
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn errors_are_the_server_s() {
        for status in [0, 500, 501, 503, 504, 599] {
            assert_eq!(Outcome::of(status, None), Outcome::Failed, "{status}");
            assert_eq!(Outcome::of(status, Some(0)), Outcome::Failed, "{status}");
        }
        for status in [200, 204, 301, 404, 429, 499, 600] {
            assert_eq!(Outcome::of(status, None), Outcome::Good, "{status}");
        }
        let faults: Vec<u32> = (0..20)
            .filter(|status| Outcome::of(200, Some(*status)) == Outcome::Failed)
            .collect();
        assert_eq!(faults, [2, 4, 12, 13, 14, 15]);
    }
}
