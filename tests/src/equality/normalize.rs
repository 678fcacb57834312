//! What may differ between a proxy and a simulation of it, and why.

use sluice_envoy::client::HeaderLines;

use super::Seen;

/// Names that are not compared, each with its reason.
pub const IGNORED: &[(&str, &str)] = &[
    (
        "content-length",
        "framing: a client may leave it out of an HTTP/2 request",
    ),
    ("transfer-encoding", "framing: HTTP/1.1 only"),
    ("te", "hop by hop: Envoy's codecs decide on it"),
    ("trailer", "hop by hop: who sends trailers announces them"),
    ("connection", "hop by hop"),
    ("host", "compared as :authority by the services' own log"),
    ("date", "the time of the replay"),
    (
        "server",
        "written by the connection manager after the filters",
    ),
    (
        "x-envoy-upstream-service-time",
        "a duration, and no upstream answers a reply",
    ),
    (
        "x-envoy-expected-rq-timeout-ms",
        "written by the router after the filters",
    ),
    ("x-envoy-upstream-rq-timeout-ms", TAKEN_BY_ROUTER),
    ("x-envoy-upstream-rq-per-try-timeout-ms", TAKEN_BY_ROUTER),
    ("x-envoy-max-retries", TAKEN_BY_ROUTER),
    ("x-envoy-retry-on", TAKEN_BY_ROUTER),
    ("x-envoy-retry-grpc-on", TAKEN_BY_ROUTER),
    ("x-envoy-retriable-status-codes", TAKEN_BY_ROUTER),
];

const TAKEN_BY_ROUTER: &str = "how long and how often: the router takes it for itself";

/// Leaves out what is not compared; lines of one name keep their order.
#[must_use]
pub fn seen(seen: &Seen) -> Seen {
    Seen {
        status: seen.status,
        upstream: seen.upstream.as_ref().map(lines),
        reply: seen.reply.as_ref().map(lines),
        reply_body: seen.reply_body.clone(),
    }
}

fn lines(lines: &HeaderLines) -> HeaderLines {
    let compared = |name: &[u8]| {
        !name.starts_with(b":")
            && !IGNORED
                .iter()
                .any(|(ignored, _)| ignored.as_bytes() == name)
    };
    let mut kept: HeaderLines = lines
        .iter()
        .filter(|(name, _)| compared(name))
        .cloned()
        .collect();
    kept.sort_by(|(left, _), (right, _)| left.cmp(right));
    kept
}
