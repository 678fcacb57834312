//! How the request at hand went, and what the filter at hand holds back.

use std::cell::Cell;

use super::Host;

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

    /// The gRPC status (`response.grpc_status`). Envoy makes one up from the HTTP status
    /// for what is no gRPC.
    pub fn grpc_status(self) -> Option<u32> {
        u32::try_from(self.number("response\0grpc_status")?).ok()
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
