//! Faults that a client asks for itself, by the headers of Envoy's fault filter.

use sluice_policy::json::Node;
use sluice_policy::{Diagnostics, Request, duration};

use super::{Abort, AbortStatus, Delay, Fault};
use crate::config::{MILLION, read_percentage};
use crate::route_table::first_line;

const ABORT: &str = "x-envoy-fault-abort-request";
const GRPC_ABORT: &str = "x-envoy-fault-abort-grpc-request";
const ABORT_PERCENTAGE: &str = "x-envoy-fault-abort-request-percentage";
const DELAY: &str = "x-envoy-fault-delay-request";
const DELAY_PERCENTAGE: &str = "x-envoy-fault-delay-request-percentage";

/// What clients may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFaults {
    /// `percentage`: most of those who ask that get what they ask for, in millionths.
    pub share: u32,
    /// `maxDelay`: longest delay.
    pub longest_ms: u32,
}

/// `maxDelay` where it is left out.
const LONGEST_MS: u32 = 30_000;

pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<HeaderFaults> {
    let mut object = node.object(diagnostics)?;
    let percentage = object.require("percentage", diagnostics);
    let longest = object.take("maxDelay");
    object.finish(diagnostics);
    let longest_ms = longest.map_or(Some(LONGEST_MS), |longest| {
        duration::milliseconds(&longest, diagnostics)
    });
    Some(HeaderFaults {
        share: read_percentage(&percentage?, diagnostics)?,
        longest_ms: longest_ms?,
    })
}

impl HeaderFaults {
    /// What a request asks for; no delay or no abort where it asks for none. What cannot
    /// be read is not asked for, as with Envoy.
    pub(super) fn asked(&self, request: &Request<'_>) -> Fault {
        let http = number(request, ABORT).and_then(|status| u16::try_from(status).ok());
        let http = http.filter(|status| (200..=599).contains(status));
        let grpc = number(request, GRPC_ABORT).and_then(|status| u8::try_from(status).ok());
        let grpc = grpc.filter(|status| *status <= 16);
        let status = http.map(AbortStatus::Http).or(grpc.map(AbortStatus::Grpc));
        let delay_ms = number(request, DELAY).filter(|delay_ms| *delay_ms > 0);
        Fault {
            abort: status.map(|status| Abort {
                status,
                share: self.share(request, ABORT_PERCENTAGE),
            }),
            delay: delay_ms.map(|delay_ms| Delay {
                for_ms: u32::try_from(delay_ms)
                    .map_or(self.longest_ms, |delay_ms| delay_ms.min(self.longest_ms)),
                share: self.share(request, DELAY_PERCENTAGE),
            }),
        }
    }

    /// A client may ask for less than it may have, in whole percent.
    fn share(&self, request: &Request<'_>, name: &str) -> u32 {
        let percent = number(request, name).map(|percent| percent.min(100));
        let share = percent.and_then(|percent| u32::try_from(percent).ok());
        share.map_or(self.share, |percent| {
            self.share.min(percent * (MILLION / 100))
        })
    }
}

/// The number that the first line of a header has. Envoy looks at no other line.
fn number(request: &Request<'_>, name: &str) -> Option<u64> {
    let text = std::str::from_utf8(first_line(request, name)?).ok()?;
    let text = text.trim_matches([' ', '\t']);
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // What has no room is still more than anything else.
    is_digits.then(|| text.parse().unwrap_or(u64::MAX))
}
