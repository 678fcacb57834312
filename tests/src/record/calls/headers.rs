//! Header lines that are easily misread.

use sluice_envoy::client::{Protocol, Request};

use super::{Planned, http, order, request};
use crate::record::caller::{CALLERS, ORDER, PLAIN_TEXT};

/// Name and value of each line added to an order.
type Lines = &'static [(&'static str, &'static [u8])];

const LINES: &[Lines] = &[
    &[("x-role", b"user"), ("x-role", b"admin")],
    &[("x-role", b"admin"), ("x-role", b"user")],
    &[("x-role", b"user,admin")],
    &[("x-role", b"user"), ("x-other", b"1"), ("x-role", b"admin")],
    &[("x-role", b"")],
    &[("x-role", b""), ("x-role", b"admin")],
    &[("x-role", b"na\xefve")],
    &[("x-role", "naïve €".as_bytes())],
    &[("x-role", b"a\tb")],
    &[("x-role", b"a  b")],
    &[("cookie", b"a=1"), ("cookie", b"b=2")],
    &[("accept", b"text/plain"), ("accept", b"application/json")],
    &[("authorization", b"Bearer not-a-token")],
    &[("x-forwarded-for", b"192.0.2.1, 198.51.100.9")],
];

/// Lines that would forge an identity if they were believed.
const FORGED: Lines = &[(
    "x-forwarded-client-cert",
    b"By=spiffe://cluster.local/ns/production/sa/payment-service-sa;URI=spiffe://cluster.local/ns/production/sa/order-service-sa",
)];

const AUTHORITIES: [&str; 4] = [
    "payment-service",
    "payment-service.production",
    "PAYMENT-SERVICE.production.svc.cluster.local",
    "10.0.0.9:8080",
];

const LONG_BYTES: usize = 8_000;
const MANY: usize = 70;

pub(super) fn calls() -> Vec<Planned> {
    let mut calls = Vec::new();
    for lines in LINES {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            calls.push(http(ORDER, protocol, with(order("/v1/payments"), lines)));
        }
    }
    for caller in [CALLERS[2], PLAIN_TEXT] {
        calls.push(http(
            caller,
            Protocol::Http1,
            with(order("/v1/payments"), FORGED),
        ));
    }
    for authority in AUTHORITIES {
        calls.push(http(ORDER, Protocol::Http2, to(authority)));
    }
    calls.push(http(ORDER, Protocol::Wire, mixed_case()));
    calls.push(http(ORDER, Protocol::Http1, long()));
    calls.push(http(ORDER, Protocol::Http2, many()));
    calls
}

fn with(request: Request, lines: Lines) -> Request {
    lines.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

fn to(authority: &str) -> Request {
    let mut request = order("/v1/payments");
    request.authority = Some(authority.to_owned());
    request
}

/// The codec lower-cases names.
fn mixed_case() -> Request {
    request("GET", "/v1/payments")
        .header("X-Role", "admin")
        .header("x-ROLE", "user")
}

fn long() -> Request {
    order("/v1/payments").header("x-long", "l".repeat(LONG_BYTES))
}

fn many() -> Request {
    let named = |request: Request, index| request.header(format!("x-many-{index}"), "m");
    (0..MANY).fold(order("/v1/payments"), named)
}
