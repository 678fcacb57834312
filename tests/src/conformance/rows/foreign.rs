//! Foreign functions.

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "an unknown foreign function is NotFound",
            "hosts differ in what they offer",
        )
        .steps(
            "request_headers",
            &[
                ("foreign no_such_function \\e", "not-found"),
                ("foreign resolve_dns \\e", "not-found"),
            ],
        ),
        Row::new(
            "the route cache can be cleared",
            "after a header that routes depend on",
        )
        .steps(
            "request_headers",
            &[("foreign clear_route_cache \\e", "ok")],
        ),
        Row::new(
            "malformed arguments are BadArgument",
            "they come from the guest",
        )
        .steps(
            "request_headers",
            &[
                ("foreign verify_signature \\xff\\xff", "bad-argument"),
                ("foreign set_envoy_filter_state \\xff\\xff", "bad-argument"),
                ("foreign declare_property \\xff\\xff", "bad-argument"),
            ],
        ),
        Row::new(
            "filter state that Envoy has a type for can be set",
            "other filters read it too",
        )
        // path = "envoy.tcp_proxy.cluster", value = "v1"
        .steps(
            "request_headers",
            &[
                (
                    "foreign set_envoy_filter_state \\x0a\\x17envoy.tcp_proxy.cluster\\x12\\x02v1",
                    "ok",
                ),
                ("property filter_state envoy.tcp_proxy.cluster", "ok v1"),
            ],
        ),
        Row::new(
            "filter state without a type is NotFound",
            "Envoy makes objects by their registered name",
        )
        // path = "shared.key", value = "v1"
        .steps(
            "request_headers",
            &[(
                "foreign set_envoy_filter_state \\x0a\\x0ashared.key\\x12\\x02v1",
                "not-found",
            )],
        ),
        Row::new(
            "what is not compressed cannot be uncompressed",
            "an error, not garbage",
        )
        .steps(
            "request_headers",
            &[("foreign uncompress garbage", "serialization-failure")],
        ),
    ]
}
