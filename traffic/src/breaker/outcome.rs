//! How a request came out, as Envoy's outlier detection would see it.

/// How a request came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answered with this status, or with what it is for gRPC.
    Answer(u16),
    /// It did not answer; the client got this status.
    LocalOrigin(u16),
    /// Nothing is known of the upstream: the request never got there, or its client left.
    Unjudged,
}

/// Bits of `response.flags`: StreamInfo's `CoreResponseFlag`.
mod flag {
    pub const NO_HEALTHY_UPSTREAM: u64 = 1 << 1;
    pub const UPSTREAM_REQUEST_TIMEOUT: u64 = 1 << 2;
    pub const UPSTREAM_REMOTE_RESET: u64 = 1 << 4;
    pub const UPSTREAM_CONNECTION_FAILURE: u64 = 1 << 5;
    pub const UPSTREAM_CONNECTION_TERMINATION: u64 = 1 << 6;
    pub const UPSTREAM_OVERFLOW: u64 = 1 << 7;
    pub const NO_ROUTE_FOUND: u64 = 1 << 8;
    pub const FAULT_INJECTED: u64 = 1 << 10;
    pub const RATE_LIMITED: u64 = 1 << 11;
    pub const UNAUTHORIZED: u64 = 1 << 12;
    pub const DOWNSTREAM_TERMINATION: u64 = 1 << 14;
    pub const DOWNSTREAM_PROTOCOL_ERROR: u64 = 1 << 18;
    pub const UPSTREAM_PROTOCOL_ERROR: u64 = 1 << 23;
    pub const NO_CLUSTER_FOUND: u64 = 1 << 24;
    pub const OVERLOAD_MANAGER: u64 = 1 << 25;
    pub const DNS_RESOLUTION_FAILED: u64 = 1 << 26;
    pub const DROP_OVERLOAD: u64 = 1 << 27;
}

/// The proxy waited, in vain.
const TIMED_OUT: u64 = flag::UPSTREAM_REQUEST_TIMEOUT;

/// The upstream was not there, or went away. A subset without endpoints, or without a
/// cluster, is one that cannot answer: of endpoints alone Envoy has nothing to count there.
const NOT_THERE: u64 = flag::NO_HEALTHY_UPSTREAM
    | flag::UPSTREAM_REMOTE_RESET
    | flag::UPSTREAM_CONNECTION_FAILURE
    | flag::UPSTREAM_CONNECTION_TERMINATION
    | flag::UPSTREAM_PROTOCOL_ERROR
    | flag::NO_CLUSTER_FOUND
    | flag::DNS_RESOLUTION_FAILED;

/// The proxy or the client ended it.
const NEVER_THERE: u64 = flag::UPSTREAM_OVERFLOW
    | flag::NO_ROUTE_FOUND
    | flag::FAULT_INJECTED
    | flag::RATE_LIMITED
    | flag::UNAUTHORIZED
    | flag::DOWNSTREAM_TERMINATION
    | flag::DOWNSTREAM_PROTOCOL_ERROR
    | flag::OVERLOAD_MANAGER
    | flag::DROP_OVERLOAD;

impl Outcome {
    /// From what the proxy says at the end: `response.code` (0 when the client has no
    /// answer), `response.grpc_status` if the request was one of gRPC, and `response.flags`
    /// (0 when they cannot be had).
    pub fn of(status: u16, grpc_status: Option<u32>, flags: u64) -> Self {
        if flags & TIMED_OUT != 0 {
            return Self::LocalOrigin(504);
        }
        if flags & NOT_THERE != 0 {
            return Self::LocalOrigin(503);
        }
        if flags & NEVER_THERE != 0 || status == 0 {
            return Self::Unjudged;
        }
        match grpc_status {
            // What a gateway before the upstream answers is no gRPC.
            Some(grpc) if status == 200 => Self::Answer(http_status(grpc)),
            _ => Self::Answer(status),
        }
    }
}

/// Statuses of gRPC as Envoy's outlier detection sees them, from 0.
const HTTP_STATUSES: [u16; 17] = [
    200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/// The status for one of gRPC; one that does not exist is an internal error.
fn http_status(grpc: u32) -> u16 {
    let place = usize::try_from(grpc).unwrap_or(usize::MAX);
    HTTP_STATUSES.get(place).copied().unwrap_or(500)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Outcome::*};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_outcome_is_the_upstreams_or_the_proxys_or_nobodys() {
        let table = [
            ("an answer", 200, None, 0, Answer(200)),
            ("an error", 500, None, 0, Answer(500)),
            // DI: it was delayed, and then answered.
            ("a delay", 503, None, 1 << 9, Answer(503)),
            // URX: the last of its retries failed, too.
            ("no retry left", 503, None, 1 << 15, Answer(503)),
            ("UF,URX", 503, None, (1 << 5) | (1 << 15), LocalOrigin(503)),
            ("UH", 503, None, 1 << 1, LocalOrigin(503)),
            ("UT", 504, None, 1 << 2, LocalOrigin(504)),
            ("UR", 503, None, 1 << 4, LocalOrigin(503)),
            ("UC", 503, None, 1 << 6, LocalOrigin(503)),
            ("UPE", 502, None, 1 << 23, LocalOrigin(503)),
            ("NC", 503, None, 1 << 24, LocalOrigin(503)),
            ("DF", 503, None, 1 << 26, LocalOrigin(503)),
            ("UO", 503, None, 1 << 7, Unjudged),
            ("NR", 404, None, 1 << 8, Unjudged),
            ("FI", 503, None, 1 << 10, Unjudged),
            ("RL", 429, None, 1 << 11, Unjudged),
            ("UAEX", 403, None, 1 << 12, Unjudged),
            ("DC", 0, None, 1 << 14, Unjudged),
            (
                "DC in the middle of an answer",
                200,
                None,
                1 << 14,
                Unjudged,
            ),
            ("DPE", 400, None, 1 << 18, Unjudged),
            ("OM", 503, None, 1 << 25, Unjudged),
            ("DO", 503, None, 1 << 27, Unjudged),
            ("no answer", 0, None, 0, Unjudged),
            ("gRPC, well", 200, Some(0), 0, Answer(200)),
            ("gRPC, not found", 200, Some(5), 0, Answer(404)),
            ("gRPC, exhausted", 200, Some(8), 0, Answer(429)),
            ("gRPC, deadline", 200, Some(4), 0, Answer(504)),
            ("gRPC, unavailable", 200, Some(14), 0, Answer(503)),
            ("gRPC, unauthenticated", 200, Some(16), 0, Answer(401)),
            ("gRPC, unknown", 200, Some(17), 0, Answer(500)),
            ("a gateway's error for gRPC", 502, Some(14), 0, Answer(502)),
        ];
        for (name, status, grpc, flags, expected) in table {
            assert_eq!(Outcome::of(status, grpc, flags), expected, "{name}");
        }
    }
}
