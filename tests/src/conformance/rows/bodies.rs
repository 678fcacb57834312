//! Buffers.

use sluice_envoy::client::Protocol;

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    [reading(), writing()].concat()
}

fn post(name: &'static str, why: &'static str) -> Row {
    // Not JSON: the service answers 400, which is as good as any answer.
    Row::new(name, why)
        .path("/v1/payments")
        .protocol(Protocol::Http2)
        .post("0123456789")
        .statuses(&[400])
}

fn reading() -> Vec<Row> {
    vec![
        post(
            "a body is read in slices",
            "start and length are the guest's",
        )
        .steps(
            "request_body",
            &[
                ("buffer request_body 0 100", "ok 0123456789"),
                ("buffer request_body 3 2", "ok 34"),
                ("buffer_status request_body", "ok 10 0"),
            ],
        )
        .call_with("request_body 10 1"),
        post("a slice past the end is empty", "and no error")
            .steps("request_body", &[("buffer request_body 100 5", "ok")]),
        post(
            "a slice whose end overflows is empty too",
            "sizes come from the guest; hosts count in 64 bits",
        )
        .steps(
            "request_body",
            &[("buffer request_body 4294967295 4294967295", "ok")],
        ),
        post(
            "a body that is not there is empty, and no error",
            "before it comes, and in the other direction",
        )
        .steps("request_headers", &[("buffer request_body 0 10", "ok")])
        .steps("request_body", &[("buffer response_body 0 10", "ok")]),
        Row::new(
            "the configuration is readable on configure only",
            "keep what you need",
        )
        .steps(
            "configure",
            &[("buffer plugin_configuration 0 4", "ok @row")],
        )
        .steps(
            "request_headers",
            &[("buffer plugin_configuration 0 4", "not-found")],
        ),
        Row::new(
            "a buffer number that nobody defined is BadArgument",
            "numbers come from the guest",
        )
        .steps("request_headers", &[("buffer 99 0 10", "bad-argument")]),
        Row::new(
            "the end of an HTTP/1.1 body comes by itself",
            "an empty callback follows the last byte",
        )
        .steps(
            "request_headers",
            &[("buffer_status request_body", "ok 0 0")],
        )
        .call_with("response_body 3 0")
        .call_with("response_body 0 1"),
    ]
}

fn writing() -> Vec<Row> {
    vec![
        post(
            "a changed body under an old length breaks the request",
            "content-length must go with it",
        )
        .steps("request_body", &[("set_buffer request_body 0 10 ab", "ok")])
        .statuses(&[502])
        .otherwise_on("envoy 1.36", "answers 503")
        .otherwise_on("harness", "has no codec that counts bytes"),
        post("a body can be replaced", "start 0 and all of its length")
            .steps(
                "request_headers",
                &[("remove request_headers content-length", "ok")],
            )
            .steps("request_body", &[("set_buffer request_body 0 10 ab", "ok")])
            .upstream_body("ab"),
        post("a body can be put before", "start 0 and no length")
            .steps(
                "request_headers",
                &[("remove request_headers content-length", "ok")],
            )
            .steps("request_body", &[("set_buffer request_body 0 0 ab", "ok")])
            .upstream_body("ab0123456789"),
        post("a body can be put after", "start at its end")
            .steps(
                "request_headers",
                &[("remove request_headers content-length", "ok")],
            )
            .steps("request_body", &[("set_buffer request_body 10 0 ab", "ok")])
            .upstream_body("0123456789ab"),
        Row::new(
            "a response body can be replaced",
            "the plainest use of a body filter",
        )
        .protocol(Protocol::Http2)
        .steps(
            "response_headers",
            &[("remove response_headers content-length", "ok")],
        )
        .steps(
            "response_body",
            &[
                ("buffer response_body 0 10", "ok ok\\x0a"),
                ("set_buffer response_body 0 3 changed", "ok"),
            ],
        )
        .response_body("changed"),
    ]
}
