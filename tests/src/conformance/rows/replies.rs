//! Local replies.

use sluice_envoy::client::Protocol;

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("a reply ends the request", "whatever the callback returns")
            .steps(
                "request_headers",
                &[("reply 403 denied no\\sentry -1 x-why=policy", "ok")],
            )
            .statuses(&[403])
            .response_body("no entry")
            .response_header("x-why", Some("policy"))
            .response_header("content-type", Some("text/plain"))
            .stays_here(),
        Row::new(
            "the filter that replied still sees its response",
            "who counts there counts twice; Google's tester does otherwise",
        )
        .steps("request_headers", &[("reply 403 denied no -1", "ok")])
        .statuses(&[403])
        .calls(&[
            "context_create",
            "request_headers",
            "response_headers",
            "response_body",
            "log",
            "done",
            "delete",
        ]),
        Row::new(
            "spaces in details become underscores",
            "access logs are split at spaces",
        )
        .steps("request_headers", &[("reply 403 a\\sb\\sc no -1", "ok")])
        .steps(
            "log",
            &[
                ("property response code_details", "ok a_b_c"),
                (
                    "property response code",
                    "ok \\x93\\x01\\x00\\x00\\x00\\x00\\x00\\x00",
                ),
            ],
        )
        .statuses(&[403]),
        Row::new(
            "a gRPC client gets a gRPC status",
            "and HTTP 200, without a body",
        )
        .protocol(Protocol::Http2)
        .header("content-type", "application/grpc")
        .steps(
            "request_headers",
            &[("reply 403 denied no\\sentry 7", "ok")],
        )
        .response_header("grpc-status", Some("7"))
        .response_header("grpc-message", Some("no entry"))
        .response_body("")
        .stays_here(),
        Row::new(
            "the content type of a gRPC reply is gRPC's, whatever the guest says",
            "it is set last",
        )
        .protocol(Protocol::Http2)
        .header("content-type", "application/grpc")
        .steps(
            "request_headers",
            &[("reply 403 denied no 7 content-type=text/plain x-a=1", "ok")],
        )
        .response_header("content-type", Some("application/grpc"))
        .response_header("x-a", Some("1")),
        Row::new(
            "a gRPC status follows from the HTTP status where none is given",
            "403 is PERMISSION_DENIED",
        )
        .protocol(Protocol::Http2)
        .header("content-type", "application/grpc")
        .steps("request_headers", &[("reply 403 denied no -1", "ok")])
        .response_header("grpc-status", Some("7")),
        Row::new(
            "a gRPC status that does not exist is ignored",
            "it comes from the guest",
        )
        .protocol(Protocol::Http2)
        .header("content-type", "application/grpc")
        .steps("request_headers", &[("reply 403 denied no 99", "ok")])
        .response_header("grpc-status", Some("7")),
        Row::new(
            "a reply can be given when the response comes",
            "it takes the response's place",
        )
        .steps("response_headers", &[("reply 502 replaced gone -1", "ok")])
        .statuses(&[502])
        .response_body("gone"),
        Row::new("a reply without a body", "the status says all")
            .steps("request_headers", &[("reply 204 none \\e -1", "ok")])
            .statuses(&[204])
            .response_body("")
            .response_header("content-type", None),
        Row::new("a header of the reply may repeat", "challenges do")
            .steps(
                "request_headers",
                &[("reply 401 denied no -1 x-a=1 x-a=2", "ok")],
            )
            .statuses(&[401])
            .response_header("x-a", Some("1|2")),
        Row::new(
            "a reply leaves the request headers readable",
            "the log still names the caller",
        )
        .header("x-a", "1")
        .steps("request_headers", &[("reply 403 denied no -1", "ok")])
        .steps("log", &[("header request_headers x-a", "ok 1")])
        .statuses(&[403]),
    ]
}
