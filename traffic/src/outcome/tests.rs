//! Who is to blame.

use sluice_policy::{Fact, HeaderEdit, HeaderLine, Request};

use super::Outcome::{self, Answer, Left, LocalOrigin, Unjudged};
use super::{Asked, End};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const UH: u64 = 1 << 1;
const UT: u64 = 1 << 2;
const UF: u64 = 1 << 5;
const UC: u64 = 1 << 6;
const UO: u64 = 1 << 7;
const DC: u64 = 1 << 14;
const SI: u64 = 1 << 16;
const UMSDR: u64 = 1 << 19;
const DR: u64 = 1 << 28;

/// An end after one attempt, with the upstream's own answer if there is one.
fn of(status: u16, grpc_status: Option<u32>, flags: u64) -> Outcome {
    let end = End {
        status,
        flags,
        attempts: 1,
        grpc_status,
        has_own_timeout: false,
    };
    end.outcome(|| true)
}

#[test]
fn an_outcome_is_the_upstreams_or_the_proxys_or_nobodys() {
    let table = [
        ("an answer", 200, None, 0, Answer(200)),
        ("an error", 500, None, 0, Answer(500)),
        // DI: it was delayed, and then answered.
        ("a delay", 503, None, 1 << 9, Answer(503)),
        // RLSE: the limiter failed, and let it pass.
        ("no limiter", 200, None, 1 << 13, Answer(200)),
        // URX: the last of its retries failed, too.
        ("no retry left", 503, None, 1 << 15, Answer(503)),
        ("UF,URX", 503, None, UF | (1 << 15), LocalOrigin(503)),
        ("UH", 503, None, UH, LocalOrigin(503)),
        ("LR", 503, None, 1 << 3, LocalOrigin(503)),
        ("UR", 503, None, 1 << 4, LocalOrigin(503)),
        ("UC", 503, None, UC, LocalOrigin(503)),
        ("an answer that breaks off", 200, None, UC, LocalOrigin(503)),
        ("broken off, and left", 200, None, UC | DC, LocalOrigin(503)),
        ("UPE", 502, None, 1 << 23, LocalOrigin(503)),
        ("NC", 503, None, 1 << 24, LocalOrigin(503)),
        ("DF", 503, None, 1 << 26, LocalOrigin(503)),
        ("UO", 503, None, UO, Unjudged),
        ("DPE", 400, None, 1 << 18, Unjudged),
        ("DC", 0, None, DC, Left),
        ("DR", 0, None, DR, Left),
        ("DC in the middle of an answer", 200, None, DC, Answer(200)),
        ("DC in the middle of an error", 503, None, DC, Answer(503)),
        ("no answer", 0, None, 0, Unjudged),
        ("gRPC, well", 200, Some(0), 0, Answer(200)),
        ("gRPC, not found", 200, Some(5), 0, Answer(404)),
        ("gRPC, exhausted", 200, Some(8), 0, Answer(429)),
        ("gRPC, deadline", 200, Some(4), 0, Answer(504)),
        ("gRPC, unavailable", 200, Some(14), 0, Answer(503)),
        ("gRPC, unauthenticated", 200, Some(16), 0, Answer(401)),
        ("gRPC, unknown", 200, Some(17), 0, Answer(500)),
        ("a gateway's error for gRPC", 502, Some(14), 0, Answer(502)),
    ];
    for (name, status, grpc, flags, expected) in table {
        assert_eq!(of(status, grpc, flags), expected, "{name}");
    }
}

#[test]
fn faults_of_grpc_servers_are_those_that_envoy_makes_5xx_of() {
    let is_fault = |status: &u32| matches!(of(200, Some(*status), 0), Answer(500..));
    let faults: Vec<u32> = (0..17).filter(is_fault).collect();
    assert_eq!(faults, [2, 4, 12, 13, 14, 15]);
}

#[test]
fn the_upstream_was_waited_for_only_when_the_request_was_there_and_no_answer() {
    for flags in [UT, SI, UMSDR, 1 << 22, UT | DC] {
        let table = [
            ("no answer", 504, None, LocalOrigin(504)),
            ("no answer to gRPC", 200, Some(14), LocalOrigin(504)),
            ("no answer in its time", 200, Some(4), LocalOrigin(504)),
            ("a client that does not send", 408, None, Unjudged),
            ("one of gRPC", 200, Some(2), Unjudged),
            ("an answer that nobody reads", 200, None, Unjudged),
        ];
        for (name, status, grpc, expected) in table {
            assert_eq!(of(status, grpc, flags), expected, "{name}, {flags:#x}");
        }
    }
}

#[test]
fn what_was_never_sent_tells_nothing_of_the_upstream() {
    let end = |status, flags| End {
        status,
        flags,
        ..End::default()
    };
    for bit in 0..40 {
        for status in [0, 200, 404, 429, 500, 503, 504] {
            let expected = match bit {
                1 | 3 | 4 | 5 | 6 | 23 | 24 | 26 => LocalOrigin(503),
                _ => Unjudged,
            };
            let became = end(status, 1 << bit).outcome(|| true);
            assert_eq!(became, expected, "{status}, bit {bit}");
        }
    }
    assert_eq!(end(503, 0).outcome(|| true), Unjudged);
}

#[test]
fn an_answer_of_another_is_no_failure_of_the_upstream() {
    let end = End {
        status: 500,
        attempts: 1,
        ..End::default()
    };
    assert_eq!(end.outcome(|| false), Unjudged);
    let fine = End { status: 200, ..end };
    // Nobody asks: what is no failure needs no proof.
    assert_eq!(fine.outcome(|| unreachable!()), Answer(200));
    let is_grpc = End {
        grpc_status: Some(13),
        ..fine
    };
    assert_eq!(is_grpc.outcome(|| false), Unjudged);
}

#[test]
fn who_waits_no_longer_than_it_likes_has_left() {
    let end = End {
        status: 504,
        flags: UT,
        attempts: 1,
        grpc_status: None,
        has_own_timeout: true,
    };
    assert_eq!(end.outcome(|| true), Left);
    let answered = End { flags: 0, ..end };
    assert_eq!(answered.outcome(|| true), Answer(504));
    let dead = End { flags: UF, ..end };
    assert_eq!(dead.outcome(|| true), LocalOrigin(503));
}

/// Header lines.
type Lines<'a> = &'a [(&'a str, &'a str)];

fn asked(lines: Lines<'_>, edits: &[HeaderEdit]) -> Asked {
    let lines: Vec<HeaderLine<'_>> = lines
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let request = Request {
        headers: Fact::Present(&lines),
        ..Request::default()
    };
    Asked::of(&request, edits)
}

#[test]
fn grpc_is_what_envoy_takes_for_it() {
    let table = [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc+", true),
        ("application/grpc-web+proto", false),
        ("application/grpcx", false),
        ("application/grpc; charset=utf-8", false),
        ("application/json", false),
        ("", false),
    ];
    for (value, expected) in table {
        let asked = asked(&[("content-type", value)], &[]);
        assert_eq!(asked.is_grpc, expected, "{value}");
    }
    assert_eq!(asked(&[], &[]), Asked::default());
}

#[test]
fn a_client_may_say_how_long_it_waits() {
    const TIMEOUT: &str = "x-envoy-upstream-rq-timeout-ms";
    const TRY: &str = "x-envoy-upstream-rq-per-try-timeout-ms";
    const GRPC: (&str, &str) = ("content-type", "application/grpc");
    let of_route = [HeaderEdit::Set(TIMEOUT.into(), b"3000".to_vec())];
    let removed = [HeaderEdit::Remove(TRY.into())];
    let table: [(Lines<'_>, &[HeaderEdit], bool); 12] = [
        (&[(TIMEOUT, "1")], &[], true),
        (&[(TRY, "1")], &[], true),
        (&[(TRY, "1")], &of_route, true),
        (&[(TIMEOUT, "0")], &[], false),
        (&[(TIMEOUT, "soon")], &[], false),
        (&[(TIMEOUT, "1")], &of_route, false),
        (&[(TRY, "1")], &removed, false),
        (&[GRPC, ("grpc-timeout", "1S")], &[], true),
        (&[GRPC, ("grpc-timeout", "1S")], &removed, true),
        (&[GRPC, ("grpc-timeout", "1S")], &of_route, false),
        (&[("grpc-timeout", "1S")], &[], false),
        (&[GRPC], &[], false),
    ];
    for (lines, edits, expected) in table {
        let asked = asked(lines, edits);
        assert_eq!(asked.has_own_timeout, expected, "{lines:?} {edits:?}");
    }
}
