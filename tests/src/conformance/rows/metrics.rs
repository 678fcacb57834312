//! Metrics.

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "metric ids carry their kind in the low bits",
            "counters 0, gauges 1, histograms 2",
        )
        .own_vm()
        .steps(
            "configure",
            &[
                ("define counter ids.a", "ok 4"),
                ("define counter ids.b", "ok 8"),
                ("define gauge ids.c", "ok 5"),
                ("define histogram ids.d", "ok 6"),
            ],
        ),
        Row::new(
            "the same name gets a new id for the same metric",
            "both ids count together",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("define counter twice", "ok 4"),
                ("define counter twice", "ok 8"),
                ("increment 4 2", "ok"),
                ("increment 8 3", "ok"),
                ("metric 4", "ok 5"),
                ("metric 8", "ok 5"),
            ],
        ),
        Row::new(
            "a counter does not go down, nor by nothing",
            "BadArgument, and SDKs panic on it",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("define counter up", "ok 4"),
                ("increment 4 0", "bad-argument"),
                ("increment 4 -1", "bad-argument"),
                ("metric 4", "ok 0"),
            ],
        ),
        Row::new("to record on a counter adds", "it does not set")
            .own_vm()
            .steps(
                "request_headers",
                &[
                    ("define counter recorded", "ok 4"),
                    ("record 4 5", "ok"),
                    ("record 4 6", "ok"),
                    ("metric 4", "ok 11"),
                ],
            ),
        Row::new("a gauge is set and moved", "down as well as up")
            .own_vm()
            .steps(
                "request_headers",
                &[
                    ("define gauge level", "ok 5"),
                    ("record 5 10", "ok"),
                    ("increment 5 -3", "ok"),
                    ("metric 5", "ok 7"),
                ],
            ),
        Row::new("a histogram cannot be read", "it has no one value")
            .own_vm()
            .steps(
                "request_headers",
                &[
                    ("define histogram spread", "ok 6"),
                    ("record 6 10", "ok"),
                    ("metric 6", "bad-argument"),
                ],
            ),
        Row::new("an unknown metric is NotFound", "ids come from the guest")
            .own_vm()
            .steps(
                "request_headers",
                &[
                    ("increment 4000 1", "not-found"),
                    ("record 4000 1", "not-found"),
                    ("metric 4000", "not-found"),
                ],
            ),
        Row::new(
            "a kind of metric that nobody defined is BadArgument",
            "numbers come from the guest",
        )
        .steps("request_headers", &[("define 9 odd", "bad-argument")]),
    ]
}
