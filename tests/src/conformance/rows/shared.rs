//! Shared data and queues.

use crate::conformance::Row;

pub(super) fn rows() -> Vec<Row> {
    [data(), queues()].concat()
}

fn data() -> Vec<Row> {
    vec![
        Row::new(
            "shared data is found under its key",
            "with a number for compare-and-swap",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("shared data-a", "not-found  0"),
                ("set_shared data-a one 0", "ok"),
                ("shared data-a", "ok one *"),
                ("set_shared data-a two 0", "ok"),
                ("shared data-a", "ok two *"),
            ],
        ),
        Row::new(
            "a write with a stale number is refused",
            "two workers may not overwrite each other",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("set_shared data-b one 0", "ok"),
                ("shared data-b", "ok one *"),
                ("set_shared data-b two last", "ok"),
                ("set_shared data-b three last", "cas-mismatch"),
                ("shared data-b", "ok two *"),
            ],
        ),
        Row::new(
            "a write with a number succeeds where nothing was",
            "the first writer needs no other call",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("set_shared data-c one 77", "ok"),
                ("shared data-c", "ok one *"),
            ],
        ),
        Row::new("shared data outlives its stream", "that is what it is for")
            .own_vm()
            .statuses(&[200, 200])
            .steps("request_headers", &[("set_shared data-d one 0", "ok")])
            .steps("log", &[("shared data-d", "ok one *")]),
    ]
}

fn queues() -> Vec<Row> {
    vec![
        Row::new(
            "a queue gives back what was put in, in order",
            "and then it is empty",
        )
        .own_vm()
        .steps(
            "request_headers",
            &[
                ("property plugin_vm_id", "ok *"),
                ("register_queue queue-a", "ok"),
            ],
        ),
        Row::new("an unknown queue is NotFound", "by number and by name").steps(
            "request_headers",
            &[
                ("resolve_queue shared no-such-queue", "not-found"),
                ("dequeue 4000000000", "not-found"),
            ],
        ),
        Row::new(
            "who registered a queue is told of what comes",
            "on the root",
        )
        .steps("configure", &[("register_queue queue-b", "ok")])
        .steps(
            "request_headers",
            &[("enqueue_to shared queue-b hello", "ok")],
        )
        .steps(
            "queue_ready",
            &[
                ("dequeue_from shared queue-b", "ok hello"),
                ("dequeue_from shared queue-b", "empty"),
            ],
        ),
    ]
}
