//! What a filter hears of responses and ends.

use std::cell::RefCell;

use sluice_policy::{AttributeSet, HeaderEdit, HeaderLine, Request};

use super::super::{Action, MOST_PENDING};
use crate::abi::Host;
use crate::exports::Module;
use crate::filter::{Configured, HttpFilter, Setup, Step};
use crate::pairs;
use crate::scripted_host::{INTERNAL_FAILURE, calls, log_lines, script};

thread_local! {
    /// What the filter heard.
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn hear(line: String) {
    HEARD.with_borrow_mut(|heard| heard.push(line));
}

/// Observes every request. What it keeps is how many it has seen.
struct Watches(u32);

impl HttpFilter for Watches {
    const NAME: &'static str = "watches";
    const OBSERVES: bool = true;
    type Waiting = u32;

    fn configure(_: Setup<'_>) -> Configured<Self> {
        Configured {
            filter: Self(0),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn demand(&self) -> AttributeSet {
        AttributeSet::EMPTY
    }

    fn on_request(&mut self, _: Host<'_>, _: &Request<'_>) -> Step<u32> {
        self.0 += 1;
        Step::Observe {
            request: vec![HeaderEdit::Set(b"x-seen".to_vec(), Vec::new())],
            state: self.0,
        }
    }

    fn on_response(
        &mut self,
        _: Host<'_>,
        lines: &[HeaderLine<'_>],
        state: &mut u32,
    ) -> Vec<HeaderEdit> {
        hear(format!("response to {state}: {} lines", lines.len()));
        *state += 100;
        vec![HeaderEdit::Remove(b"x-hint".to_vec())]
    }

    fn on_done(&mut self, host: Host<'_>, state: u32) {
        hear(format!("end of {state}: {:?}", host.response_code()));
    }

    fn on_tick(&mut self, _: Host<'_>) {}

    fn unconfigured() -> Step<u32> {
        Step::Continue
    }
}

fn module() -> Module<Watches> {
    HEARD.take();
    script(|_| {});
    let module = Module::new();
    assert_eq!(module.on_configure(1, 0), 1);
    module
}

fn arrive(module: &Module<Watches>, stream: u32) -> u32 {
    module.on_context_create(stream, 1);
    module.on_request_headers(stream)
}

/// A host with a response of two header lines.
fn script_response() {
    script(|host| {
        let lines = pairs::encode(&[(b":status", b"503"), (b"x-hint", b"a")]);
        host.answers.insert("pairs:2".to_owned(), Ok(lines));
        let code = 503_u64.to_le_bytes().to_vec();
        host.answers
            .insert("property:response.code".to_owned(), Ok(code));
    });
}

#[test]
fn a_request_is_edited_and_its_response_and_end_are_heard_of_once() {
    let module = module();
    assert_eq!(arrive(&module, 2), Action::Continue as u32);
    assert!(calls().contains(&"proxy_replace_header_map_value x-seen".to_owned()));
    script_response();
    module.on_response_headers(2);
    module.on_response_headers(3);
    assert_eq!(calls(), ["proxy_remove_header_map_value x-hint"]);
    for _ in 0..2 {
        module.on_log(2);
    }
    assert_eq!(
        HEARD.take(),
        ["response to 1: 2 lines", "end of 101: Some(503)"]
    );
}

#[test]
fn the_end_comes_without_a_response_too() {
    let module = module();
    arrive(&module, 2);
    script(|_| {});
    module.on_log(2);
    assert_eq!(HEARD.take(), ["end of 1: None"]);
}

#[test]
fn a_request_that_cannot_be_edited_is_over_at_once() {
    let module = module();
    script(|host| {
        let name = "proxy_replace_header_map_value";
        host.failures.insert(name, INTERNAL_FAILURE);
    });
    assert_eq!(arrive(&module, 2), Action::Pause as u32);
    module.on_log(2);
    assert_eq!(HEARD.take(), ["end of 1: None"]);
}

#[test]
fn an_end_that_was_missed_is_told_with_a_tick() {
    let module = module();
    arrive(&module, 2);
    arrive(&module, 3);
    script(|host| {
        host.failures
            .insert("proxy_set_effective_context 2", INTERNAL_FAILURE);
    });
    module.on_tick(1);
    assert_eq!(HEARD.take(), ["end of 1: None"]);
    // Back to the tick's own context before the filter hears of it.
    assert_eq!(
        calls()
            .iter()
            .rfind(|call| call.starts_with("proxy_set_effective_context"))
            .map(String::as_str),
        Some("proxy_set_effective_context 1")
    );
    module.on_log(3);
    assert_eq!(HEARD.take(), ["end of 2: None"]);
}

#[test]
fn of_too_many_the_end_of_the_oldest_counts_as_missed() {
    let module = module();
    let last = u32::try_from(MOST_PENDING).unwrap() + 2;
    for stream in 2..last {
        arrive(&module, stream);
    }
    assert!(HEARD.take().is_empty());
    script(|_| {});
    arrive(&module, last);
    assert_eq!(HEARD.take(), ["end of 1: None"]);
    assert_eq!(
        calls(),
        [
            "proxy_replace_header_map_value x-seen",
            "proxy_set_effective_context 1",
            &format!("proxy_set_effective_context {last}"),
        ]
    );
    // It is said, and once until the next tick: a client may open any number.
    assert_eq!(log_lines(), 1);
    arrive(&module, last + 1);
    assert_eq!(log_lines(), 1);
    module.on_tick(1);
    script(|_| {});
    arrive(&module, last + 2);
    assert_eq!(log_lines(), 1);
}

#[test]
fn what_is_observed_outlives_a_new_configuration() {
    let module = module();
    arrive(&module, 2);
    assert_eq!(module.on_configure(1, 0), 1);
    module.on_log(2);
    assert_eq!(HEARD.take(), ["end of 1: None"]);
}

/// Each number is read from its own property.
#[test]
fn the_end_of_a_request_in_numbers() {
    script(|host| {
        for (number, property) in [
            "response.code",
            "response.flags",
            "response.backend_latency",
            "upstream.request_attempt_count",
            "request.duration",
        ]
        .into_iter()
        .enumerate()
        {
            let number = u64::try_from(number).unwrap() + 200;
            let answer = Ok(number.to_le_bytes().to_vec());
            host.answers.insert(format!("property:{property}"), answer);
        }
    });
    Host::enter(|host| {
        assert_eq!(host.response_code(), Some(200));
        assert_eq!(host.response_flags(), Some(201));
        assert_eq!(host.backend_latency_ns(), Some(202));
        assert_eq!(host.upstream_attempts(), Some(203));
        assert_eq!(host.request_duration_ns(), Some(204));
    });
    for bytes in [vec![0; 8], vec![0xff; 8], vec![1; 7]] {
        script(|host| {
            host.answers
                .insert("property:response.code".to_owned(), Ok(bytes));
        });
        Host::enter(|host| assert_eq!(host.response_code(), None));
    }
}

/// A host that answers with these texts.
fn script_texts(texts: &[(&str, &str)]) {
    script(|host| {
        for (key, text) in texts {
            let answer = Ok(text.as_bytes().to_vec());
            host.answers.insert((*key).to_owned(), answer);
        }
    });
}

#[test]
fn a_grpc_status_is_one_that_was_sent() {
    const TRAILER: &str = "property:response.trailers.grpc-status";
    const HEADER: &str = "property:response.headers.grpc-status";
    let table: [(&[(&str, &str)], _); 7] = [
        (&[], None),
        (&[(TRAILER, "")], None),
        (&[(TRAILER, "0")], Some(0)),
        (&[(HEADER, "14")], Some(14)),
        (&[(TRAILER, "5"), (HEADER, "14")], Some(5)),
        (&[(TRAILER, "well")], Some(u32::MAX)),
        (&[(HEADER, "-1")], Some(u32::MAX)),
    ];
    for (texts, expected) in table {
        script_texts(texts);
        Host::enter(|host| assert_eq!(host.grpc_status(), expected, "{texts:?}"));
    }
    // What Envoy makes up.
    script(|host| {
        let made_up = Ok(2_u64.to_le_bytes().to_vec());
        let key = "property:response.grpc_status".to_owned();
        host.answers.insert(key, made_up);
    });
    Host::enter(|host| assert_eq!(host.grpc_status(), None));
}

#[test]
fn who_answered_is_in_the_details() {
    const DETAILS: &str = "property:response.code_details";
    let table: [(&[(&str, &str)], bool); 3] = [
        (&[], true),
        (&[(DETAILS, "via_upstream")], true),
        (&[(DETAILS, "direct_response")], false),
    ];
    for (texts, expected) in table {
        script_texts(texts);
        Host::enter(|host| assert_eq!(host.is_from_upstream(), expected, "{texts:?}"));
    }
}

#[test]
fn the_service_time_is_a_header_of_the_response() {
    const HEADER: &str = "header:x-envoy-upstream-service-time";
    let table: [(&[(&str, &str)], _); 3] = [
        (&[], None),
        (&[(HEADER, "12")], Some(12)),
        (&[(HEADER, "soon")], None),
    ];
    for (texts, expected) in table {
        script_texts(texts);
        Host::enter(|host| assert_eq!(host.service_time_ms(), expected, "{texts:?}"));
    }
}
