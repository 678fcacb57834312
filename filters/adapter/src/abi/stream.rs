//! How the request at hand went, and what the filter at hand holds back.

use std::cell::Cell;

use super::{HeaderMap, Host};

thread_local! {
    /// Requests that the filter at hand has delayed.
    static DELAYED: Cell<usize> = const { Cell::new(0) };
}

/// How a request went. Whole only in [`HttpFilter::on_done`](crate::HttpFilter::on_done);
/// `None` where there is no such value (yet), or the host does not tell.
impl Host<'_> {
    /// The HTTP status of the response (`response.code`).
    pub fn response_code(self) -> Option<u16> {
        let code = self.number("response\0code")?;
        u16::try_from(code).ok().filter(|&code| code != 0)
    }

    /// Envoy's response flags as bits, as far as they have one (`response.flags`).
    pub fn response_flags(self) -> Option<u64> {
        self.number("response\0flags")
    }

    /// The gRPC status that was sent, in trailers or in headers; `u32::MAX` for what is no
    /// number. Not `response.grpc_status`: Envoy makes one up where there is none.
    pub fn grpc_status(self) -> Option<u32> {
        let trailer = self.property("response\0trailers\0grpc-status");
        let header = |_| self.property("response\0headers\0grpc-status");
        let sent = trailer.or_else(header).ok()?;
        match str::from_utf8(sent).map(str::parse) {
            _ if sent.is_empty() => None,
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => Some(u32::MAX),
        }
    }

    /// Whether the response is an upstream's and not the proxy's or a filter's
    /// (`response.code_details`). What nobody tells is believed to be the upstream's.
    pub fn is_from_upstream(self) -> bool {
        let details = self.property("response\0code_details");
        details.map_or(true, |details| details == b"via_upstream")
    }

    /// How often the request was sent to an upstream (`upstream.request_attempt_count`):
    /// 0 when it was answered before.
    pub fn upstream_attempts(self) -> Option<u64> {
        self.number("upstream\0request_attempt_count")
    }

    /// Time from the first byte of the request to the last of the response, in
    /// nanoseconds (`request.duration`).
    pub fn request_duration_ns(self) -> Option<u64> {
        self.number("request\0duration")
    }

    /// Time from the first byte to the upstream to the last one from it, of the last
    /// attempt, in nanoseconds (`response.backend_latency`).
    pub fn backend_latency_ns(self) -> Option<u64> {
        self.number("response\0backend_latency")
    }

    /// Time from the end of the request to the beginning of the response, in whole
    /// milliseconds (the header `x-envoy-upstream-service-time`): of all attempts together.
    /// Envoy sends none when the response came first.
    pub fn service_time_ms(self) -> Option<u64> {
        let header = self.first_header(HeaderMap::Response, "x-envoy-upstream-service-time");
        str::from_utf8(header.ok()?).ok()?.parse().ok()
    }

    /// A property that is a number: 64 bits, the lowest byte first.
    fn number(self, path: &str) -> Option<u64> {
        let bytes = self.property(path).ok()?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// How many requests the filter has delayed now ([`Step::Delay`](crate::Step::Delay)).
    /// A client that left while its request was delayed counts for a second at most.
    pub fn delayed(self) -> usize {
        DELAYED.get()
    }

    pub(crate) fn set_delayed(delayed: usize) {
        DELAYED.set(delayed);
    }
}
