//! How a request ended that was sent on: what breakers and guards judge subsets by.
//!
//! A client must not be able to make a good subset look bad. So only what an upstream did
//! is held against it: not what Envoy or another filter answered in its place, not the
//! gRPC status that Envoy makes up for whoever says that it speaks gRPC, and not that a
//! client ran out of patience.

use sluice_policy::{HeaderEdit, Request};

use crate::route_table::header;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answered with this status, or with what it is for gRPC.
    Answer(u16),
    /// It did not answer, or broke off; this is the status that Envoy makes of it.
    LocalOrigin(u16),
    /// The client had waited long enough before an answer began.
    Left,
    /// Nothing is known of the upstream.
    Unjudged,
}

/// What a request says that matters at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether it is gRPC, as Envoy sees it.
    pub is_grpc: bool,
    /// Whether it is the client that says how long it may take.
    pub has_own_timeout: bool,
}

/// How long a request may take, in milliseconds; Envoy's router goes by it.
const TIMEOUT: &str = "x-envoy-upstream-rq-timeout-ms";
/// How long each try of it may.
const TRY_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";

impl Asked {
    /// What a request says that goes on with these edits.
    pub fn of(request: &Request<'_>, edits: &[HeaderEdit]) -> Self {
        let first = |name| header(request, name).and_then(|mut lines| lines.next());
        let is_edited = |name: &str| edits.iter().any(|edit| replaces(edit, name.as_bytes()));
        let is_own = |name| first(name).is_some_and(is_time) && !is_edited(name);
        let is_grpc = first("content-type").is_some_and(is_grpc);
        // Envoy's own header goes before that of gRPC.
        let is_deadline = is_grpc && first("grpc-timeout").is_some() && !is_edited(TIMEOUT);
        Self {
            is_grpc,
            has_own_timeout: is_deadline || is_own(TIMEOUT) || is_own(TRY_TIMEOUT),
        }
    }
}

/// What Envoy takes for gRPC. It is not what gRPC-Web has, `application/grpc-web`.
fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'+'))
}

/// Whether the router waits no longer than this: it does not know what is no number, and
/// 0 is no limit.
fn is_time(value: &[u8]) -> bool {
    let value = std::str::from_utf8(value).map(|text| text.trim().parse::<u64>());
    matches!(value, Ok(Ok(1..)))
}

fn replaces(edit: &HeaderEdit, name: &[u8]) -> bool {
    match edit {
        HeaderEdit::Set(edited, _) | HeaderEdit::Remove(edited) => edited == name,
        HeaderEdit::Append(..) => false,
    }
}

/// How a request ended, as the proxy says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct End {
    /// `response.code`; 0 when the client has no answer.
    pub status: u16,
    /// `response.flags`; 0 when they cannot be had.
    pub flags: u64,
    /// `upstream.request_attempt_count`; 0 when it was never sent to an upstream, or
    /// nobody knows.
    pub attempts: u32,
    /// The status of gRPC that was really sent, if the request was gRPC.
    pub grpc_status: Option<u32>,
    /// [`Asked::has_own_timeout`].
    pub has_own_timeout: bool,
}

/// Bits of `response.flags`: StreamInfo's `CoreResponseFlag`.
mod flag {
    pub const NO_HEALTHY_UPSTREAM: u64 = 1 << 1;
    pub const UPSTREAM_REQUEST_TIMEOUT: u64 = 1 << 2;
    pub const LOCAL_RESET: u64 = 1 << 3;
    pub const UPSTREAM_REMOTE_RESET: u64 = 1 << 4;
    pub const UPSTREAM_CONNECTION_FAILURE: u64 = 1 << 5;
    pub const UPSTREAM_CONNECTION_TERMINATION: u64 = 1 << 6;
    pub const UPSTREAM_OVERFLOW: u64 = 1 << 7;
    pub const DOWNSTREAM_TERMINATION: u64 = 1 << 14;
    pub const STREAM_IDLE_TIMEOUT: u64 = 1 << 16;
    pub const DOWNSTREAM_PROTOCOL_ERROR: u64 = 1 << 18;
    pub const UPSTREAM_MAX_STREAM_DURATION: u64 = 1 << 19;
    pub const DURATION_TIMEOUT: u64 = 1 << 22;
    pub const UPSTREAM_PROTOCOL_ERROR: u64 = 1 << 23;
    pub const NO_CLUSTER_FOUND: u64 = 1 << 24;
    pub const DNS_RESOLUTION_FAILED: u64 = 1 << 26;
    pub const DOWNSTREAM_REMOTE_RESET: u64 = 1 << 28;
}

/// A limit of time was reached.
const TIMED_OUT: u64 = flag::UPSTREAM_REQUEST_TIMEOUT
    | flag::STREAM_IDLE_TIMEOUT
    | flag::UPSTREAM_MAX_STREAM_DURATION
    | flag::DURATION_TIMEOUT;

/// The upstream was not there, or went away. A subset without endpoints, or without a
/// cluster, is one that cannot answer: of endpoints alone Envoy has nothing to count there.
const NOT_THERE: u64 = flag::NO_HEALTHY_UPSTREAM
    | flag::LOCAL_RESET
    | flag::UPSTREAM_REMOTE_RESET
    | flag::UPSTREAM_CONNECTION_FAILURE
    | flag::UPSTREAM_CONNECTION_TERMINATION
    | flag::UPSTREAM_PROTOCOL_ERROR
    | flag::NO_CLUSTER_FOUND
    | flag::DNS_RESOLUTION_FAILED;

const CLIENT_LEFT: u64 = flag::DOWNSTREAM_TERMINATION | flag::DOWNSTREAM_REMOTE_RESET;

/// It was sent on, but never got there, or the client broke its protocol.
const NOBODYS: u64 = flag::UPSTREAM_OVERFLOW | flag::DOWNSTREAM_PROTOCOL_ERROR;

/// Statuses of gRPC of a request that took too long: its own, and what Envoy makes of 504.
const GRPC_TOO_LATE: [u32; 2] = [4, 14];

impl End {
    /// What became of it. `is_from_upstream` is asked before an answer counts as a failure:
    /// a filter that fails when the response comes leaves neither flag nor trace but
    /// `response.code_details`, which are `via_upstream` for what an upstream said.
    pub fn outcome(self, is_from_upstream: impl FnOnce() -> bool) -> Outcome {
        let has = |flags: u64| self.flags & flags != 0;
        if has(TIMED_OUT) {
            return self.too_late();
        }
        if has(NOT_THERE) {
            return Outcome::LocalOrigin(503);
        }
        if self.attempts == 0 || has(NOBODYS) {
            return Outcome::Unjudged;
        }
        match (self.status, self.http_status()) {
            (0, _) if has(CLIENT_LEFT) => Outcome::Left,
            (0, _) => Outcome::Unjudged,
            (_, 500..) if !is_from_upstream() => Outcome::Unjudged,
            (_, status) => Outcome::Answer(status),
        }
    }

    /// Envoy's limits hold for the whole of a stream. Only when the request was complete
    /// and no answer had begun, which Envoy says by 504, is it the upstream that was waited
    /// for; 408 tells of a client that does not send, and in the middle of an answer it may
    /// be one that does not read.
    fn too_late(self) -> Outcome {
        let is_grpcs = |status| GRPC_TOO_LATE.contains(&status);
        let is_upstreams = self.status == 504 || self.grpc_status.is_some_and(is_grpcs);
        match is_upstreams && self.attempts > 0 {
            false => Outcome::Unjudged,
            true if self.has_own_timeout => Outcome::Left,
            true => Outcome::LocalOrigin(504),
        }
    }

    /// The status of the answer, or what it is for gRPC.
    fn http_status(self) -> u16 {
        match self.grpc_status {
            // What a gateway before the upstream answers is no gRPC.
            Some(grpc) if self.status == 200 => http_status(grpc),
            _ => self.status,
        }
    }
}

/// Statuses of gRPC as Envoy's outlier detection sees them, from 0. Those of 500 and more
/// are the server's fault, as OpenTelemetry's conventions have it, too.
const HTTP_STATUSES: [u16; 17] = [
    200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/// The status for one of gRPC; one that does not exist is an internal error.
fn http_status(grpc: u32) -> u16 {
    let place = usize::try_from(grpc).unwrap_or(usize::MAX);
    HTTP_STATUSES.get(place).copied().unwrap_or(500)
}

#[cfg(test)]
mod tests;
