//! What a guest gets of WASI.

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "standard output is logged as info",
            "println! of a Rust guest is not lost",
        )
        .steps("request_headers", &[("print printed", "done")]),
        Row::new(
            "the environment is the configured one",
            "and nothing of the host's",
        )
        .steps(
            "request_headers",
            &[
                ("environment MESH", "east"),
                ("environment PATH", "environment variable not found"),
            ],
        ),
    ]
}
