//! Every caller and every operation, over both protocols.

use sluice_envoy::client::{Protocol, Request};

use super::{Planned, http, order, request};
use crate::record::caller::CALLERS;

const OPERATIONS: [(&str, &str); 7] = [
    ("POST", "/v1/payments"),
    ("POST", "/v1/payments/pay_7/refunds"),
    ("GET", "/v1/payments"),
    ("GET", "/v1/payments/pay_7?expand=order"),
    ("GET", "/v1/payments/nothing"),
    ("DELETE", "/v1/payments/pay_7"),
    ("GET", "/healthz"),
];

pub(super) fn calls() -> Vec<Planned> {
    let mut calls = Vec::new();
    for caller in CALLERS {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for (method, path) in OPERATIONS {
                calls.push(http(caller, protocol, operation(method, path)));
            }
        }
    }
    calls
}

fn operation(method: &str, path: &str) -> Request {
    let operation = if method == "POST" {
        order(path)
    } else {
        request(method, path)
    };
    operation.header("user-agent", "sluice-record/1")
}
