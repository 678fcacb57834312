//! Properties and their encodings.

use sluice_envoy::client::Protocol;

use crate::conformance::Row;
use crate::conformance::traffic::EXPORT_PATH;

const NUMBER_8080: &str = "ok \\x90\\x1f\\x00\\x00\\x00\\x00\\x00\\x00";
const NUMBER_200: &str = "ok \\xc8\\x00\\x00\\x00\\x00\\x00\\x00\\x00";

pub(super) fn rows() -> Vec<Row> {
    [
        connection(),
        request(),
        response(),
        proxy(),
        state(),
        absent(),
    ]
    .concat()
}

fn connection() -> Vec<Row> {
    vec![
        Row::new(
            "an address is text with its port",
            "matchers on addresses must split it",
        )
        .steps(
            "request_headers",
            &[
                ("property source address", "ok 10.0.0.7:40412"),
                ("property destination address", "ok 10.0.0.9:8080"),
            ],
        ),
        Row::new(
            "a port is eight bytes, least first",
            "numbers have one encoding",
        )
        .steps(
            "request_headers",
            &[("property destination port", NUMBER_8080)],
        ),
        Row::new(
            "a truth value is one byte",
            "numbers and truth values differ in size",
        )
        .steps(
            "request_headers",
            &[("property connection mtls", "ok \\x01")],
        ),
        Row::new(
            "the peer's identity is its first URI SAN",
            "authorization rests on it",
        )
        .steps(
            "request_headers",
            &[
                (
                    "property connection uri_san_peer_certificate",
                    "ok spiffe://cluster.local/ns/production/sa/order-service-sa",
                ),
                (
                    "property connection uri_san_local_certificate",
                    "ok spiffe://cluster.local/ns/production/sa/payment-service-sa",
                ),
            ],
        ),
        Row::new(
            "server name and TLS version are text",
            "policies match on the server name",
        )
        .steps(
            "request_headers",
            &[
                (
                    "property connection requested_server_name",
                    "ok payment-service.production.svc.cluster.local",
                ),
                ("property connection tls_version", "ok TLSv1.3"),
            ],
        ),
    ]
}

fn request() -> Vec<Row> {
    vec![
        Row::new("the parts of a request line", "each has its own property")
            .path("/healthz?a=1&b=2")
            .steps(
                "request_headers",
                &[
                    ("property request method", "ok GET"),
                    ("property request path", "ok /healthz?a=1&b=2"),
                    ("property request url_path", "ok /healthz"),
                    ("property request query", "ok a=1&b=2"),
                    (
                        "property request host",
                        "ok payment-service.production.svc.cluster.local:8080",
                    ),
                    ("property request scheme", "ok https"),
                    ("property request protocol", "ok HTTP/1.1"),
                ],
            ),
        Row::new(
            "headers with properties of their own",
            "absent ones are NotFound",
        )
        .header("user-agent", "probe/1")
        .steps(
            "request_headers",
            &[
                ("property request useragent", "ok probe/1"),
                ("property request referer", "not-found"),
                ("property request id", "ok *"),
            ],
        ),
        Row::new(
            "the headers property is a map of joined values",
            "its order is of no meaning",
        )
        .header("x-multi", "one")
        .header("x-multi", "two")
        .steps(
            "request_headers",
            &[(
                "property_pairs x-multi request headers",
                "ok x-multi=one,two",
            )],
        ),
        Row::new(
            "properties follow header writes",
            "they are computed, not copied",
        )
        .steps(
            "request_headers",
            &[
                ("replace request_headers :path /healthz?new=1", "ok"),
                ("property request path", "ok /healthz?new=1"),
                ("property request query", "ok new=1"),
            ],
        ),
        Row::new(
            "the time of the request is eight bytes",
            "nanoseconds since the epoch",
        )
        .steps("request_headers", &[("property_size request time", "ok 8")]),
        Row::new(
            "durations are known at the end only",
            "and missing before, not zero",
        )
        .steps(
            "request_headers",
            &[("property_size request duration", "not-found 0")],
        )
        .steps("log", &[("property_size request duration", "ok 8")]),
    ]
}

fn response() -> Vec<Row> {
    vec![
        Row::new(
            "the response code is there with the response",
            "and missing before",
        )
        .steps(
            "request_headers",
            &[("property response code", "not-found")],
        )
        .steps(
            "response_headers",
            &[("property response code", NUMBER_200)],
        ),
        Row::new(
            "a plain 200 has the gRPC status 2 in the log",
            "who counts gRPC errors must look at the content type first",
        )
        .steps(
            "log",
            &[(
                "property response grpc_status",
                "ok \\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
            )],
        ),
        Row::new(
            "response trailers can be read in the log",
            "whether a gRPC status was really sent is known there alone",
        )
        .path(EXPORT_PATH)
        .protocol(Protocol::Http2)
        .steps(
            "log",
            &[
                ("property response trailers x-export-lines", "ok 3"),
                ("property response trailers grpc-status", "not-found"),
                ("property response headers grpc-status", "not-found"),
            ],
        ),
        Row::new(
            "how often a request was sent is known in the log",
            "what was never sent tells nothing of the upstream",
        )
        .steps(
            "log",
            &[(
                "property upstream request_attempt_count",
                "ok \\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
            )],
        ),
        Row::new(
            "a request that is answered here was never sent",
            "that count is 0 then, and not missing",
        )
        .steps("request_headers", &[("reply 503 late too\\slate -1", "ok")])
        .statuses(&[503])
        .steps(
            "log",
            &[(
                "property upstream request_attempt_count",
                "ok \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
            )],
        ),
        Row::new(
            "response code details of a forwarded request",
            "the log tells who answered",
        )
        .steps(
            "log",
            &[("property response code_details", "ok via_upstream")],
        ),
    ]
}

fn proxy() -> Vec<Row> {
    vec![
        Row::new(
            "the node's metadata can be walked",
            "a plugin learns its workload there",
        )
        .steps(
            "request_headers",
            &[
                ("property xds node metadata NAMESPACE", "ok production"),
                (
                    "property xds node metadata LABELS app",
                    "ok payment-service",
                ),
            ],
        ),
        Row::new("the node can be read on configure", "before any request").steps(
            "configure",
            &[
                ("property xds node metadata NAMESPACE", "ok production"),
                ("property request path", "not-found"),
                ("property plugin_name", "ok probe"),
            ],
        ),
        Row::new(
            "the plugin's names",
            "root and VM id come from the configuration",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("property plugin_name", "ok probe"),
                ("property plugin_root_id", "ok *"),
                ("property plugin_vm_id", "ok *"),
            ],
        ),
        Row::new(
            "cluster and route by name",
            "xds replaced the old top-level names",
        )
        .steps(
            "request_headers",
            &[
                ("property xds cluster_name", "ok service"),
                ("property xds route_name", "ok default"),
                (
                    "property xds listener_direction",
                    "ok \\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
                ),
            ],
        ),
        Row::new(
            "the old top-level names are gone",
            "filters written for them read nothing, silently",
        )
        .steps(
            "request_headers",
            &[
                ("property node id", "not-found"),
                ("property cluster_name", "not-found"),
                ("property route_name", "not-found"),
                ("property listener_direction", "not-found"),
            ],
        ),
    ]
}

fn state() -> Vec<Row> {
    vec![
        Row::new(
            "what a guest sets it can read",
            "under its name and in the filter state",
        )
        .steps(
            "request_headers",
            &[
                ("set_property verdict allow", "ok"),
                ("property verdict", "ok allow"),
                ("property filter_state wasm.verdict", "ok allow"),
            ],
        )
        .steps("response_headers", &[("property verdict", "ok allow")]),
        Row::new(
            "a dot in the name of a property is part of it",
            "names with dots keep plugins apart, and NUL separates the segments of a path",
        )
        .steps(
            "request_headers",
            &[
                ("set_property sluice.jwt {}", "ok"),
                ("property sluice.jwt", "ok {}"),
                ("property filter_state wasm.sluice.jwt", "ok {}"),
                ("property sluice jwt", "not-found"),
                ("property wasm.sluice.jwt", "not-found"),
            ],
        ),
        Row::new("a property can be set anew", "the last value counts").steps(
            "request_headers",
            &[
                ("set_property verdict allow", "ok"),
                ("set_property verdict deny", "ok"),
                ("property verdict", "ok deny"),
            ],
        ),
        Row::new("a property ends with its stream", "requests share nothing")
            .statuses(&[200, 200])
            .steps(
                "request_headers",
                &[
                    ("property once", "not-found"),
                    ("set_property once 1", "ok"),
                ],
            ),
        Row::new(
            "empty metadata is an empty message",
            "SDKs show None, as for nothing at all",
        )
        .steps(
            "request_headers",
            &[
                ("property metadata", "ok"),
                (
                    "property metadata filter_metadata envoy.filters.http.jwt_authn payload sub",
                    "not-found",
                ),
            ],
        ),
    ]
}

fn absent() -> Vec<Row> {
    vec![
        Row::new(
            "an unknown property is NotFound",
            "SDKs turn this status into None",
        )
        .steps(
            "request_headers",
            &[
                ("property no such thing", "not-found"),
                ("property request nothing", "not-found"),
                ("property source nothing", "not-found"),
            ],
        ),
        Row::new(
            "a whole wrapper cannot be serialized",
            "and once crashed Envoy",
        )
        .steps(
            "request_headers",
            &[
                ("property request", "serialization-failure"),
                ("property filter_state", "serialization-failure"),
            ],
        ),
        Row::new(
            "zero is an address like any other",
            "the memory of a guest begins there",
        )
        .steps(
            "request_headers",
            &[("property_into_nowhere request method", "ok")],
        ),
    ]
}
