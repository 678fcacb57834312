//! Calls to other services.

use crate::conformance::Row;

const TO_HEALTH: &str = "http_call callout 1000 :method=GET :path=/healthz :authority=callee";
const TO_NOBODY: &str = "http_call dead 1000 :method=GET :path=/healthz :authority=callee";
const RESUME: (&str, &str) = ("continue 0", "ok");
const EFFECTIVE: (&str, &str) = ("effective_stream", "ok");

pub(super) fn rows() -> Vec<Row> {
    [refused(), http(), grpc()].concat()
}

fn refused() -> Vec<Row> {
    vec![
        Row::new(
            "a call to an unknown cluster is BadArgument",
            "at once, without a callback",
        )
        .steps(
            "request_headers",
            &[(
                "http_call no-such-cluster 1000 :method=GET :path=/ :authority=a",
                "bad-argument",
            )],
        ),
        Row::new(
            "a call without method, path or authority is BadArgument",
            "one row for each",
        )
        .steps(
            "request_headers",
            &[
                (
                    "http_call callout 1000 :path=/ :authority=a",
                    "bad-argument",
                ),
                (
                    "http_call callout 1000 :method=GET :authority=a",
                    "bad-argument",
                ),
                ("http_call callout 1000 :method=GET :path=/", "bad-argument"),
            ],
        ),
        Row::new(
            "a negative timeout is BadArgument",
            "numbers come from the guest",
        )
        .steps(
            "request_headers",
            &[(
                "http_call callout -1 :method=GET :path=/ :authority=a",
                "bad-argument",
            )],
        ),
        Row::new(
            "a gRPC call to an unknown cluster is ParseFailure",
            "the name is parsed as a message first",
        )
        .steps(
            "request_headers",
            &[(
                "grpc_call no-such-cluster grpc.health.v1.Health Check \\e 1000",
                "parse-failure",
            )],
        ),
        Row::new(
            "call data cannot be read outside of an answer",
            "there is none",
        )
        .steps(
            "request_headers",
            &[
                ("header call_headers :status", "bad-argument"),
                ("buffer call_body 0 10", "not-found"),
            ],
        ),
    ]
}

fn http() -> Vec<Row> {
    vec![
        Row::new(
            "the answer of a call can be read in its callback",
            "headers and body",
        )
        .own_vm()
        .returns("request_headers", 1)
        .steps("request_headers", &[(TO_HEALTH, "ok *")])
        .steps(
            "http_call_response",
            &[
                ("header call_headers :status", "ok 200"),
                ("header call_headers content-type", "ok text/plain"),
                ("buffer call_body 0 100", "ok ok\\x0a"),
                EFFECTIVE,
                RESUME,
            ],
        ),
        Row::new(
            "tokens count by four from zero in HTTP calls",
            "the low bits tell the kind of a call",
        )
        .own_vm()
        .returns("request_headers", 1)
        .steps("request_headers", &[(TO_HEALTH, "ok 4")])
        .steps("http_call_response", &[EFFECTIVE, RESUME]),
        Row::new(
            "a call that cannot connect gets a synthetic 503",
            "or nothing at all",
        )
        .own_vm()
        .returns("request_headers", 1)
        .steps("request_headers", &[(TO_NOBODY, "ok *")])
        .steps(
            "http_call_response",
            &[("header call_headers :status", "ok 503"), EFFECTIVE, RESUME],
        ),
    ]
}

fn grpc() -> Vec<Row> {
    vec![
        Row::new(
            "a gRPC call is answered by a message and an end",
            "in this order",
        )
        .own_vm()
        .returns("request_headers", 1)
        .steps(
            "request_headers",
            &[(
                "grpc_call callout-grpc grpc.health.v1.Health Check \\e 1000",
                "ok *",
            )],
        )
        .steps(
            "grpc_message",
            &[
                ("buffer grpc_message 0 100", "ok \\x08\\x01"),
                EFFECTIVE,
                RESUME,
            ],
        ),
        Row::new(
            "a gRPC call that fails ends with its status",
            "and without a message",
        )
        .own_vm()
        .returns("request_headers", 1)
        .steps(
            "request_headers",
            &[(
                "grpc_call callout-grpc payments.v1.PaymentService Refund \\e 1000",
                "ok *",
            )],
        )
        .steps(
            "grpc_close",
            &[("get_status", "ok 12 *"), EFFECTIVE, RESUME],
        ),
        Row::new(
            "nothing can be sent on a call",
            "only streams take more messages",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                (
                    "grpc_call callout-grpc grpc.health.v1.Health Check \\e 1000",
                    "ok *",
                ),
                ("grpc_send 1 \\e", "bad-argument"),
            ],
        ),
        Row::new(
            "an unknown call cannot be cancelled",
            "ids come from the guest",
        )
        .steps("request_headers", &[("grpc_cancel 4000001", "not-found")]),
    ]
}
