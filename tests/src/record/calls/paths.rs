//! Paths that are written in another way than they are meant.

use sluice_envoy::client::Protocol;

use super::{Planned, http, order, request};
use crate::record::caller::ORDER;

/// What any HTTP library sends.
const ORDINARY: &[&str] = &[
    "/v1/payments?dry_run=1",
    "/v1/payments?path=/v1/admin",
    "/v1/payments?",
    "/v1/payments/",
    "/v1/payments/.",
    "/v1/payments/..",
    "//v1/payments",
    "/v1//payments",
    "/v1/payments//pay_7",
    "/./v1/payments",
    "/v1/admin/../payments",
    "/v1/payments/../admin",
    "/v1/payments/%2e%2e/admin",
    "/v1/payments/%2E%2E/payments",
    "/v1/payments/..%2fadmin",
    "/v1%2Fpayments",
    "/v1/payments%2fpay_7",
    "/v1/payments%5cpay_7",
    "/%76%31/payments",
    "/v1/%70ayments",
    "/v1/payments%3Fx=1",
    "/V1/Payments",
    "/v1/payments;v=1",
    "/v1/payments.json",
    "/v1/paymentsx",
    "/v1/payment",
    "/v1/payments/a/b/c/d",
    "/v1/payments/%20",
    "/v1/payments/%E2%82%AC",
    "/v1/payments/%252e%252e/admin",
    "/v1/payments/*",
    "/v1/payments/{id}",
    "/",
    "/admin",
];

/// What only a hand-written client sends.
const EXTRAORDINARY: &[&[u8]] = &[
    b"/v1/payments#fragment",
    b"/v1/payments/pay_7#/../../admin",
    b"/v1/payments?a=1#b",
    b"/v1\\payments",
    b"/v1/payments\\..\\..\\admin",
    b"/v1/payments/\"<>^`|",
    b"http://payment-service.production.svc.cluster.local:8080/v1/payments",
];

/// Longer than most buffers, shorter than Envoy's 60 KiB for all headers.
const LONG_BYTES: usize = 6_000;

const METHODS: [&str; 5] = ["PUT", "PATCH", "OPTIONS", "HEAD", "DELETE"];

pub(super) fn calls() -> Vec<Planned> {
    let mut calls = Vec::new();
    for (index, path) in ORDINARY.iter().enumerate() {
        let protocol = if index % 2 == 0 {
            Protocol::Http1
        } else {
            Protocol::Http2
        };
        calls.push(http(ORDER, protocol, order(path)));
    }
    for path in EXTRAORDINARY {
        calls.push(http(ORDER, Protocol::Wire, order(path)));
    }
    for path in [long_path(), long_query()] {
        calls.push(http(ORDER, Protocol::Http2, order(path)));
    }
    for method in METHODS {
        calls.push(http(
            ORDER,
            Protocol::Http1,
            request(method, "/v1/payments"),
        ));
    }
    calls
}

fn long_path() -> String {
    format!("/v1/payments/{}", "a".repeat(LONG_BYTES))
}

fn long_query() -> String {
    format!("/v1/payments?note={}", "b".repeat(LONG_BYTES))
}
