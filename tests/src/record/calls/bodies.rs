//! Bodies and trailers.

use sluice_envoy::client::{Protocol, Request};

use super::{Planned, http, order, request};
use crate::record::caller::ORDER;

/// Several reads of a socket, yet small in the repository.
const LARGE_BYTES: usize = 20_000;

pub(super) fn calls() -> Vec<Planned> {
    let mut calls = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for request in requests() {
            calls.push(http(ORDER, protocol, request));
        }
    }
    calls
}

fn requests() -> [Request; 6] {
    let post = || request("POST", "/v1/payments");
    [
        post().header("content-length", "0"),
        post().body("not JSON"),
        post()
            .header("content-type", "application/octet-stream")
            .body(b"\x00\xff\xfe\x80"),
        post()
            .header("content-type", "text/plain")
            .body("x".repeat(LARGE_BYTES)),
        order("/v1/payments")
            .header("te", "trailers")
            .trailer("x-checksum", "a1b2"),
        request("GET", "/v1/payments/export").header("te", "trailers"),
    ]
}
