//! When a guest is called.

use sluice_envoy::client::Protocol;

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "a stream ends with log, done, delete",
            "the specification puts done first",
        )
        .calls(&[
            "context_create",
            "request_headers",
            "response_headers",
            "response_body",
            "response_body",
            "log",
            "done",
            "delete",
        ]),
        Row::new(
            "a body has callbacks of its own",
            "between headers and response",
        )
        .path("/v1/payments")
        .protocol(Protocol::Http2)
        .post("abc")
        .statuses(&[400])
        .calls(&[
            "context_create",
            "request_headers",
            "request_body",
            "response_headers",
            "response_body",
            "log",
            "done",
            "delete",
        ]),
        Row::new(
            "what done returns does not matter to a stream",
            "no stream waits for it",
        )
        .returns("done", 0)
        .calls(&[
            "context_create",
            "request_headers",
            "response_headers",
            "response_body",
            "response_body",
            "log",
            "done",
            "delete",
        ]),
        Row::new(
            "done without having been asked is NotFound",
            "nothing waits",
        )
        .steps("request_headers", &[("done", "not-found")]),
        Row::new(
            "a stopped request goes on when told to",
            "from the answer of a callout",
        )
        .steps(
            "request_headers",
            &[(
                "http_call callout 1000 :method=GET :path=/healthz :authority=callee",
                "ok *",
            )],
        )
        .returns("request_headers", 1)
        .steps(
            "http_call_response",
            &[("effective_stream", "ok"), ("continue 0", "ok")],
        )
        .calls(&[
            "context_create",
            "request_headers",
            "response_headers",
            "response_body",
            "response_body",
            "log",
            "done",
            "delete",
        ]),
        Row::new(
            "a body takes a request on that StopIteration has stopped",
            "with allow_on_headers_stop_iteration: a pause has to be StopAllIterationAndWatermark (4)",
        )
        .own_vm()
        .stop_iteration()
        .path("/v1/payments")
        .protocol(Protocol::Http2)
        .post("abc")
        .returns("request_headers", 1)
        .statuses(&[400])
        .upstream_body("abc")
        .call_with("request_body 3 1"),
        Row::new(
            "StopAllIterationAndWatermark holds the body back, too",
            "until the request is told to go on",
        )
        .own_vm()
        .stop_iteration()
        .path("/v1/payments")
        .protocol(Protocol::Http2)
        .post("abc")
        .steps(
            "request_headers",
            &[(
                "http_call callout 1000 :method=GET :path=/healthz :authority=callee",
                "ok *",
            )],
        )
        .returns("request_headers", 4)
        .steps(
            "http_call_response",
            &[
                ("set_shared answered yes 0", "ok"),
                ("effective_stream", "ok"),
                ("continue 0", "ok"),
            ],
        )
        .steps("request_body", &[("shared answered", "ok yes *")])
        .statuses(&[400])
        .upstream_body("abc"),
        Row::new("ticks come on the root", "as often as asked for")
            .own_vm()
            .steps("configure", &[("tick 50", "ok")])
            .steps("tick", &[("property plugin_name", "ok probe")]),
        Row::new(
            "a new period of ticks counts from when it is set",
            "also by a stream, and however long the one before was",
        )
        .own_vm()
        .steps("configure", &[("tick 600000", "ok")])
        .steps("request_headers", &[("tick 20", "ok")])
        .steps("tick", &[("property plugin_name", "ok probe")]),
        Row::new(
            "an unknown context cannot be made effective",
            "ids come from the guest",
        )
        .steps(
            "request_headers",
            &[("effective 4000000000", "bad-argument")],
        ),
        Row::new(
            "an unknown stream type cannot be continued",
            "numbers come from the guest",
        )
        .steps(
            "request_headers",
            &[("continue 9", "bad-argument"), ("close 9", "bad-argument")],
        ),
        Row::new(
            "the log level is Envoy's",
            "so that no line is formatted for nobody",
        )
        .steps("request_headers", &[("log_level", "ok 2")]),
    ]
}
