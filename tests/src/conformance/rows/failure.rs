//! Guests that trap.

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "a trap is 503, for that request and all that follow",
            "one panic takes a fail-closed filter down until it is configured anew",
        )
        .own_vm()
        .steps("request_headers", &[("trap", "")])
        .statuses(&[503, 503, 503])
        .stays_here(),
        Row::new(
            "fail-open passes requests by after the one that trapped",
            "which itself gets 503",
        )
        .own_vm()
        .fail_open()
        .steps("request_headers", &[("trap", "")])
        .statuses(&[503, 200, 200]),
        Row::new(
            "a trap in the response is 503 too",
            "the upstream's answer is not shown",
        )
        .own_vm()
        .steps("response_headers", &[("trap", "")])
        .statuses(&[503, 503]),
    ]
}
