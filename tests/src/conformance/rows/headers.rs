//! Header maps.

use sluice_envoy::client::Protocol;

use crate::conformance::{Row, traffic::EXPORT_PATH};

pub(super) fn rows() -> Vec<Row> {
    [
        reading(),
        writing(),
        unsendable(),
        absent(),
        connection_manager(),
        trailers(),
    ]
    .concat()
}

fn reading() -> Vec<Row> {
    vec![
        Row::new(
            "the getter reads the first line of a repeated header",
            "a filter that decides by it can be deceived by a second line",
        )
        .header("x-multi", "one")
        .header("x-multi", "two")
        .steps(
            "request_headers",
            &[("header request_headers x-multi", "ok one")],
        ),
        Row::new(
            "pairs show every line of a repeated header, in order",
            "the only way to see them all",
        )
        .header("x-multi", "one")
        .header("x-multi", "two")
        .steps(
            "request_headers",
            &[(
                "pairs request_headers x-multi",
                "ok x-multi=one|x-multi=two",
            )],
        ),
        Row::new(
            "the property of a repeated header joins its lines with a comma",
            "the third view of the same header, and again another value",
        )
        .header("x-multi", "one")
        .header("x-multi", "two")
        .steps(
            "request_headers",
            &[("property request headers x-multi", "ok one,two")],
        ),
        Row::new(
            "header names are matched without regard to case",
            "maps hold lower-case names, guests ask as they like",
        )
        .header("x-case", "1")
        .steps(
            "request_headers",
            &[("header request_headers X-CASE", "ok 1")],
        ),
        Row::new(
            "header values are bytes",
            "a client may send any, and none may make a guest or a host fail",
        )
        .header("x-bytes", b"na\xefve\xff")
        .steps(
            "request_headers",
            &[("header request_headers x-bytes", "ok na\\xefve\\xff")],
        ),
        Row::new(
            "an empty header is there",
            "absent and empty are different facts to a policy",
        )
        .header("x-empty", "")
        .steps(
            "request_headers",
            &[("header request_headers x-empty", "ok")],
        ),
    ]
}

fn writing() -> Vec<Row> {
    vec![
        Row::new(
            "names are lower-cased when written",
            "HTTP/2 knows no other",
        )
        .steps(
            "request_headers",
            &[
                ("add request_headers X-New 1", "ok"),
                ("pairs request_headers x-new", "ok x-new=1"),
            ],
        )
        .upstream_header("x-new", Some("1")),
        Row::new("add keeps the lines that are there", "add is not replace")
            .header("x-a", "1")
            .steps(
                "request_headers",
                &[
                    ("add request_headers x-a 2", "ok"),
                    ("pairs request_headers x-a", "ok x-a=1|x-a=2"),
                ],
            )
            .upstream_header("x-a", Some("1|2")),
        Row::new(
            "replace leaves one line",
            "or a forged second line would survive",
        )
        .header("x-a", "1")
        .header("x-a", "2")
        .steps(
            "request_headers",
            &[
                ("replace request_headers x-a 3", "ok"),
                ("pairs request_headers x-a", "ok x-a=3"),
            ],
        )
        .upstream_header("x-a", Some("3")),
        Row::new(
            "replace adds what is not there",
            "so that no guest needs to ask first",
        )
        .steps(
            "request_headers",
            &[("replace request_headers x-a 3", "ok")],
        )
        .upstream_header("x-a", Some("3")),
        Row::new(
            "remove takes every line",
            "or a forged second line would survive",
        )
        .header("x-a", "1")
        .header("x-a", "2")
        .steps(
            "request_headers",
            &[
                ("remove request_headers x-a", "ok"),
                ("header request_headers x-a", "not-found"),
            ],
        )
        .upstream_header("x-a", None),
        Row::new(
            "to remove what is not there is no error",
            "guests clean up without asking",
        )
        .steps(
            "request_headers",
            &[("remove request_headers x-none", "ok")],
        ),
        Row::new(
            "pairs can be set as a whole",
            "the SDKs' set_http_response_headers",
        )
        .steps(
            "response_headers",
            &[
                ("set_pairs response_headers :status=203 x-only=1", "ok"),
                ("pairs response_headers x-", "ok x-only=1"),
                ("header response_headers content-type", "not-found"),
            ],
        )
        .statuses(&[203])
        .response_header("x-only", Some("1"))
        .response_header("content-type", None),
        Row::new(
            "the size of a map is in bytes",
            "the specification's wording allows a count of lines",
        )
        .steps(
            "response_headers",
            &[
                ("set_pairs response_headers :status=200 x-only=1", "ok"),
                ("map_size response_headers", "ok 17"),
            ],
        ),
        Row::new(
            "malformed pairs empty the map, and no error is told",
            "the response has no status then: 502",
        )
        .steps(
            "response_headers",
            &[
                ("raw_pairs response_headers \\xff\\xff\\xff\\xff", "ok"),
                ("pairs response_headers", "ok malformed"),
            ],
        )
        .statuses(&[502]),
        Row::new(
            "a changed path goes upstream",
            "rewriting filters rely on it",
        )
        .steps(
            "request_headers",
            &[("replace request_headers :path /healthz?x=1", "ok")],
        )
        .upstream_header(":path", Some("/healthz?x=1")),
        Row::new(
            "response headers can be added",
            "the plainest use of a filter",
        )
        .steps(
            "response_headers",
            &[("add response_headers x-added 1", "ok")],
        )
        .response_header("x-added", Some("1")),
        Row::new(
            "the status is a header of the response",
            "filters map one to another",
        )
        .steps(
            "response_headers",
            &[
                ("header response_headers :status", "ok 200"),
                ("replace response_headers :status 418", "ok"),
            ],
        )
        .statuses(&[418]),
    ]
}

fn unsendable() -> Vec<Row> {
    let detail = "ok filter_removed_required_request_headers{invalid_header_value_for:_x-a}";
    let refused = |name, why| Row::new(name, why).statuses(&[503]).stays_here();
    vec![
        refused(
            "a request with a line break in a header is not sent",
            "the map takes it, and the router answers in place of the upstream",
        )
        .steps(
            "request_headers",
            &[("add request_headers x-a 1\\x0d\\x0ax-b:2", "ok")],
        )
        .steps(
            "response_headers",
            &[
                ("property response code_details", detail),
                ("header response_headers content-type", "ok text/plain"),
            ],
        )
        .response_body("invalid header value for: x-a"),
        refused(
            "neither is one with NUL or another control character in it",
            "all but tabs, the last one too",
        )
        .steps(
            "request_headers",
            &[("add request_headers x-a 1\\x00", "ok")],
        )
        .response_body("invalid header value for: x-a"),
        refused(
            "nor one with the control character of the highest number",
            "it is no letter either",
        )
        .steps(
            "request_headers",
            &[("add request_headers x-a \\x7f", "ok")],
        )
        .response_body("invalid header value for: x-a"),
        refused(
            "a line break in the authority is one in a header",
            "filters rewrite it from what others wrote",
        )
        .steps(
            "request_headers",
            &[("replace request_headers :authority a\\x0ab", "ok")],
        )
        .response_body("invalid header value for: :authority"),
        refused("so is one in the path", "likewise")
            .steps(
                "request_headers",
                &[("replace request_headers :path /a\\x0d\\x0ab", "ok")],
            )
            .response_body("invalid header value for: :path"),
        Row::new(
            "tabs and bytes beyond ASCII are sent",
            "a header may have them",
        )
        .steps(
            "request_headers",
            &[("add request_headers x-a 1\\x092\\x803", "ok")],
        )
        .upstream_header("x-a", Some("1\\t2\\x803")),
        Row::new(
            "a line break in a header of a response begins another one",
            "HTTP/1.1 is written as the map has it: a filter must not put one there",
        )
        .steps(
            "response_headers",
            &[("add response_headers x-a 1\\x0d\\x0ax-b:2", "ok")],
        )
        .response_header("x-a", Some("1"))
        .response_header("x-b", Some("2"))
        .otherwise_on("harness", "has no codec that writes lines"),
    ]
}

fn absent() -> Vec<Row> {
    vec![
        Row::new(
            "a header that is not there is NotFound",
            "SDKs turn this status into None",
        )
        .steps(
            "request_headers",
            &[("header request_headers x-none", "not-found")],
        ),
        Row::new(
            "the getter on a map that is not there yet is BadArgument",
            "another status than for a header that is not there, and SDKs panic on it",
        )
        .steps(
            "request_headers",
            &[
                ("header response_headers :status", "bad-argument"),
                ("header request_trailers x", "bad-argument"),
            ],
        ),
        Row::new(
            "pairs of a map that is not there yet are empty, and no error",
            "the specification says otherwise",
        )
        .steps(
            "request_headers",
            &[("pairs response_headers", "ok malformed")],
        ),
        Row::new(
            "a map number that nobody defined is BadArgument",
            "numbers come from the guest",
        )
        .steps("request_headers", &[("header 99 x", "bad-argument")]),
        Row::new(
            "writing to a map that is not there is refused",
            "and must not be kept for later",
        )
        .steps(
            "request_headers",
            &[("add response_headers x-early 1", "bad-argument")],
        )
        .response_header("x-early", None),
        Row::new(
            "request headers cannot be read on the way back",
            "nor as properties; a filter that needs them there must keep them",
        )
        .header("x-a", "1")
        .steps(
            "response_headers",
            &[
                ("header request_headers x-a", "bad-argument"),
                ("property request headers x-a", "not-found"),
            ],
        ),
        Row::new(
            "both header maps can be read in the log",
            "access loggers live there",
        )
        .header("x-a", "1")
        .steps(
            "log",
            &[
                ("header request_headers x-a", "ok 1"),
                ("header response_headers :status", "ok 200"),
            ],
        ),
        Row::new(
            "a header name outside of memory is refused",
            "hostile guests exist",
        )
        .steps(
            "request_headers",
            &[("wild_header", "invalid-memory-access")],
        ),
    ]
}

fn connection_manager() -> Vec<Row> {
    vec![
        Row::new(
            "scheme, forwarded protocol and request id are there before any filter",
            "recordings made elsewhere lack them",
        )
        .steps(
            "request_headers",
            &[
                ("header request_headers :scheme", "ok https"),
                ("header request_headers x-forwarded-proto", "ok https"),
                ("header request_headers x-request-id", "ok *"),
            ],
        ),
        Row::new(
            "a fragment is cut off",
            "it would hide the end of a path from a policy",
        )
        .path("/healthz#top")
        .protocol(Protocol::Wire)
        .steps(
            "request_headers",
            &[("header request_headers :path", "ok /healthz")],
        )
        .upstream_header(":path", Some("/healthz")),
        Row::new("the authority is the host header", "HTTP/1.1 has no other").steps(
            "request_headers",
            &[
                (
                    "header request_headers :authority",
                    "ok payment-service.production.svc.cluster.local:8080",
                ),
                (
                    "header request_headers host",
                    "ok payment-service.production.svc.cluster.local:8080",
                ),
            ],
        ),
        Row::new(
            "pseudo-headers come with the pairs",
            "guests find method and path among them",
        )
        .protocol(Protocol::Http2)
        .steps(
            "request_headers",
            &[
                ("pairs request_headers :method", "ok :method=GET"),
                ("pairs request_headers :path", "ok :path=/healthz"),
            ],
        ),
    ]
}

fn trailers() -> Vec<Row> {
    vec![
        Row::new(
            "request trailers can be read and written",
            "gRPC metadata ends there",
        )
        .post("abc")
        .path("/v1/payments")
        .protocol(Protocol::Http2)
        .trailer("x-sum", "3")
        .statuses(&[400])
        .steps(
            "request_trailers",
            &[
                ("header request_trailers x-sum", "ok 3"),
                ("add request_trailers x-more 4", "ok"),
                ("pairs request_trailers x-", "ok x-sum=3|x-more=4"),
            ],
        ),
        Row::new(
            "response trailers can be read",
            "gRPC carries its status there",
        )
        .path(EXPORT_PATH)
        .protocol(Protocol::Http2)
        .steps(
            "response_trailers",
            &[("header response_trailers x-export-lines", "ok 3")],
        ),
        Row::new(
            "two response lines of one name stay two",
            "set-cookie may not be joined",
        )
        .path(EXPORT_PATH)
        .steps(
            "response_headers",
            &[(
                "pairs response_headers set-cookie",
                "ok set-cookie=export=1; Path=/|set-cookie=region=eu; Path=/",
            )],
        )
        .response_header("set-cookie", Some("export=1; Path=/|region=eu; Path=/")),
    ]
}
