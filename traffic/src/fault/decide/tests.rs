//! What a request has to suffer.

use serde_json::{Value, json};
use sluice_policy::{DiagnosticCode, Fact, HeaderLine, Workload};

use super::*;
use crate::fault::{Share, configure};
use crate::routing::Dice;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// When the tests take place.
const NOW_MS: u64 = 1_800_000_000_000;

/// A VirtualService for `a.test` whose route `faulty` has a fault, and another without.
fn resources(fault: &Value) -> Value {
    let route = json!([{"destination": {"host": "a"}}]);
    json!([{
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"hosts": ["a.test"], "http": [
            {"match": [{"uri": {"prefix": "/healthy"}}], "route": route},
            {"name": "faulty", "fault": fault, "route": route},
        ]},
    }])
}

struct Filter {
    program: Program,
    dice: Dice,
    share: Share,
    delayed: usize,
    now_ms: Option<u64>,
}

impl Filter {
    fn new(fault: &Value, faults: &Value) -> Self {
        let config = json!({"resources": resources(fault), "faults": faults}).to_string();
        let workload = Workload {
            namespace: "n".to_owned(),
            ..Workload::default()
        };
        let (program, diagnostics) = configure(config.as_bytes(), Some(&workload), None);
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        Self {
            program,
            dice: Dice::new(7, 0),
            share: Share::default(),
            delayed: 0,
            now_ms: Some(NOW_MS),
        }
    }

    fn decide(&mut self, path: &str, lines: &[(&str, &str)]) -> Decision {
        let lines: Vec<HeaderLine<'_>> = lines
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let request = Request {
            authority: Fact::Present(b"a.test"),
            path: Fact::Present(path.as_bytes()),
            method: Fact::Present(b"GET"),
            headers: Fact::Present(&lines),
            ..Request::default()
        };
        let moment = Moment {
            dice: &mut self.dice,
            share: &mut self.share,
            delayed: self.delayed,
            now_ms: || self.now_ms,
        };
        self.program.decide(&request, moment)
    }

    fn get(&mut self) -> Decision {
        self.decide("/", &[])
    }

    /// Of so many requests, how many are delayed, aborted, and both.
    fn shares(&mut self, requests: usize) -> [usize; 3] {
        let mut shares = [0; 3];
        for _ in 0..requests {
            let place = match self.get() {
                Decision::Pass(_) => continue,
                Decision::Delay { pending, .. } if pending.abort.is_some() => 2,
                Decision::Delay { .. } => 0,
                Decision::Abort { .. } => 1,
            };
            shares[place] += 1;
        }
        shares
    }
}

fn whole() -> Value {
    json!({"value": 100})
}

fn always_delayed() -> Value {
    json!({"delay": {"fixedDelay": "5s", "percentage": whole()}})
}

fn always_aborted() -> Value {
    json!({"abort": {"httpStatus": 503, "percentage": whole()}})
}

fn always_both() -> Value {
    json!({"delay": always_delayed()["delay"], "abort": always_aborted()["abort"]})
}

/// The delay of a decision, and the status of an abort.
fn outcome(decision: &Decision) -> (u32, Option<u16>) {
    match decision {
        Decision::Pass(_) => (0, None),
        Decision::Delay {
            for_ms, pending, ..
        } => (*for_ms, pending.abort.map(|status| status.reply().status)),
        Decision::Abort { reply, .. } => (0, Some(reply.status)),
    }
}

const PASS: Decision = Decision::Pass(None);

fn withheld(why: Withheld) -> Decision {
    Decision::Pass(Some(why))
}

#[test]
fn a_fault_is_its_routes_alone() {
    let mut filter = Filter::new(&always_aborted(), &json!({}));
    assert_eq!(filter.decide("/healthy/a", &[]), PASS);
    let Decision::Abort { reply, route, .. } = filter.get() else {
        panic!("it is aborted");
    };
    assert_eq!(filter.program.route_name(route), "n/s/faulty");
    assert_eq!((reply.status, reply.grpc_status), (503, None));
    assert_eq!(reply.body, b"fault filter abort");
    assert_eq!(reply.details, b"fault_filter_abort");
    let request = Request {
        authority: Fact::Present(b"b.test"),
        path: Fact::Present(b"/"),
        ..Request::default()
    };
    let (_, fault) = filter.program.fault(&request);
    assert_eq!(fault, None);
}

#[test]
fn an_abort_of_grpc_is_http_200() {
    let fault = json!({"abort": {"grpcStatus": "UNAVAILABLE", "percentage": whole()}});
    let Decision::Abort { reply, .. } = Filter::new(&fault, &json!({})).get() else {
        panic!("it is aborted");
    };
    assert_eq!((reply.status, reply.grpc_status), (200, Some(14)));
}

#[test]
fn an_abort_follows_its_delay() {
    let mut filter = Filter::new(&always_both(), &json!({}));
    let Decision::Delay {
        for_ms, pending, ..
    } = filter.get()
    else {
        panic!("it is delayed");
    };
    assert_eq!(for_ms, 5_000);
    let decision = filter.program.resume(pending, || Some(NOW_MS));
    assert_eq!(outcome(&decision), (0, Some(503)));
    let mut filter = Filter::new(&always_delayed(), &json!({}));
    let Decision::Delay { pending, .. } = filter.get() else {
        panic!("it is delayed");
    };
    assert_eq!(filter.program.resume(pending, || None), PASS);
}

/// The dice of one kind do not know of the other's: of 100,000 requests 20 % and 30 %,
/// and 6 % both, within four standard deviations.
/// Chance that has always the same number.
struct Always(u32);

impl Chance for Always {
    fn point(&mut self, _: Draw, _: u32) -> u32 {
        self.0
    }

    fn number(&mut self) -> u64 {
        0
    }
}

#[test]
fn a_share_is_what_lies_below_it() {
    let fault = json!({"abort": {"httpStatus": 503, "percentage": {"value": 0.0002}}});
    let mut filter = Filter::new(&fault, &json!({}));
    for (point, is_hit) in [(0, true), (1, true), (2, false), (999_999, false)] {
        let request = Request {
            authority: Fact::Present(b"a.test"),
            path: Fact::Present(b"/"),
            ..Request::default()
        };
        let moment = Moment {
            dice: &mut Always(point),
            share: &mut filter.share,
            delayed: 0,
            now_ms: || Some(NOW_MS),
        };
        let decision = filter.program.decide(&request, moment);
        assert_eq!(decision != PASS, is_hit, "{point}");
    }
}

#[test]
fn the_dice_are_independent() {
    let fault = json!({
        "delay": {"fixedDelay": "5s", "percentage": {"value": 20}},
        "abort": {"httpStatus": 503, "percentage": {"value": 30}},
    });
    let [delayed, aborted, both] = Filter::new(&fault, &json!({})).shares(100_000);
    for (found, expected) in [(delayed, 14_000), (aborted, 24_000), (both, 6_000)] {
        assert!(found.abs_diff(expected) < 4 * 135, "{found} {expected}");
    }
    let again = Filter::new(&fault, &json!({})).shares(100_000);
    assert_eq!(again, [delayed, aborted, both]);
}

#[test]
fn a_fault_that_has_expired_never_fires() {
    let faults = json!({"expires": "2027-01-15T08:00:00Z"});
    let mut filter = Filter::new(&always_both(), &faults);
    let expiry_ms = NOW_MS;
    for (now_ms, expected) in [
        (Some(expiry_ms - 10_000), Some(5_000)),
        (Some(expiry_ms - 5_000), Some(5_000)),
        // Released when the fault expires.
        (Some(expiry_ms - 4_999), Some(4_999)),
        (Some(expiry_ms - 1), Some(1)),
        (Some(expiry_ms), None),
        (Some(u64::MAX), None),
        (None, None),
    ] {
        filter.now_ms = now_ms;
        let decision = filter.get();
        match expected {
            Some(for_ms) => assert_eq!(outcome(&decision), (for_ms, Some(503))),
            None => assert_eq!(decision, withheld(Withheld::Expired)),
        }
    }
    // One that expires while the request is delayed does not abort it.
    filter.now_ms = Some(expiry_ms - 1);
    let Decision::Delay { pending, .. } = filter.get() else {
        panic!("it is delayed");
    };
    let decision = filter.program.resume(pending, || Some(expiry_ms));
    assert_eq!(decision, withheld(Withheld::Expired));
}

#[test]
fn only_who_opts_in_meets_a_fault() {
    let any = json!({"optIn": {"header": "X-Fault"}});
    let one = json!({"optIn": {"header": "x-fault", "value": "yes"}});
    for (faults, lines, is_in) in [
        (&any, &[][..], false),
        (&any, &[("x-faults", "1")], false),
        (&any, &[("x-fault", "")], true),
        (&one, &[("x-fault", "no")], false),
        (&one, &[("x-fault", "yes,")], false),
        (&one, &[("x-fault", "no"), ("x-fault", "yes")], true),
    ] {
        let mut filter = Filter::new(&always_aborted(), faults);
        let decision = filter.decide("/", lines);
        match is_in {
            true => assert_eq!(outcome(&decision), (0, Some(503)), "{lines:?}"),
            false => assert_eq!(decision, withheld(Withheld::NotOptedIn), "{lines:?}"),
        }
        // Nothing is withheld from a route without a fault.
        assert_eq!(filter.decide("/healthy", lines), PASS);
    }
    let filter = Filter::new(&always_aborted(), &any);
    let opt_in = filter.program.rails.opt_in.clone().unwrap();
    assert!(!opt_in.is_in(&Request::default()));
}

#[test]
fn no_more_requests_than_the_ceiling_allows_meet_faults() {
    let faults = json!({"maxAffectedPercentage": {"value": 10}});
    let mut filter = Filter::new(&always_both(), &faults);
    // Requests of other routes count, too.
    for _ in 0..500 {
        assert_eq!(filter.decide("/healthy", &[]), PASS);
    }
    let [_, _, both] = filter.shares(500);
    assert_eq!(both, 100);
    assert_eq!(filter.get(), withheld(Withheld::Ceiling));
}

#[test]
fn no_more_than_so_many_are_delayed_at_a_time() {
    let faults = json!({"maxActiveFaults": 3});
    let mut filter = Filter::new(&always_delayed(), &faults);
    filter.delayed = 2;
    assert_eq!(outcome(&filter.get()), (5_000, None));
    filter.delayed = 3;
    assert_eq!(filter.get(), withheld(Withheld::Overflow));
    // The abort is another fault.
    let mut filter = Filter::new(&always_both(), &faults);
    filter.delayed = 3;
    let decision = filter.get();
    assert_eq!(outcome(&decision), (0, Some(503)));
    assert!(matches!(decision, Decision::Abort { overflow: true, .. }));
    // Who is not delayed is not among those who are affected.
    let faults = json!({"maxActiveFaults": 0, "maxAffectedPercentage": {"value": 1}});
    let mut filter = Filter::new(&always_delayed(), &faults);
    for _ in 0..200 {
        assert_eq!(filter.get(), withheld(Withheld::Overflow));
    }
    filter.delayed = 0;
    assert!(filter.share.affect(10_000));
}

#[test]
fn a_client_may_ask_for_a_fault_if_the_option_says_so() {
    const ABORT: &str = "x-envoy-fault-abort-request";
    const GRPC: &str = "x-envoy-fault-abort-grpc-request";
    const DELAY: &str = "x-envoy-fault-delay-request";
    let off = json!({});
    let on = json!({"headerFaults": {"percentage": whole(), "maxDelay": "10s"}});
    let none = json!({"headerFaults": {"percentage": {"value": 0}}});
    let table: [(&Value, &[(&str, &str)], _); 17] = [
        (&off, &[(ABORT, "418"), (DELAY, "100")], (0, None)),
        (&none, &[(ABORT, "418"), (DELAY, "100")], (0, None)),
        (&on, &[], (0, None)),
        (&on, &[(ABORT, "418"), (DELAY, "100")], (100, Some(418))),
        (&on, &[(DELAY, "10001")], (10_000, None)),
        (&on, &[(DELAY, "99999999999999999999")], (10_000, None)),
        (&on, &[(DELAY, "0")], (0, None)),
        (&on, &[(DELAY, "1s")], (0, None)),
        (&on, &[(DELAY, "-1")], (0, None)),
        (&on, &[(ABORT, "199")], (0, None)),
        (&on, &[(ABORT, "600"), (GRPC, "16")], (0, Some(200))),
        (&on, &[(ABORT, "599"), (GRPC, "1")], (0, Some(599))),
        (&on, &[(GRPC, "17")], (0, None)),
        // No other line than the first one.
        (&on, &[(ABORT, "no"), (ABORT, "500")], (0, None)),
        (
            &on,
            &[
                (ABORT, "500"),
                ("x-envoy-fault-abort-request-percentage", "0"),
            ],
            (0, None),
        ),
        (
            &on,
            &[
                (ABORT, "500"),
                ("x-envoy-fault-abort-request-percentage", "some"),
            ],
            (0, Some(500)),
        ),
        (
            &on,
            &[
                (DELAY, "5"),
                ("x-envoy-fault-delay-request-percentage", "0"),
            ],
            (0, None),
        ),
    ];
    for (faults, lines, expected) in table {
        let never = json!({"abort": {"httpStatus": 500, "percentage": {"value": 0}}});
        let decision = Filter::new(&never, faults).decide("/healthy", lines);
        assert_eq!(outcome(&decision), expected, "{lines:?} {faults}");
        // A delay of nothing is none.
        assert_eq!(decision == PASS, expected == (0, None), "{lines:?}");
    }
    // It stands in for the fault of the route, each kind for itself.
    let decision = Filter::new(&always_both(), &on).decide("/", &[(ABORT, "418")]);
    assert_eq!(outcome(&decision), (5_000, Some(418)));
}

#[test]
fn what_a_client_asks_for_is_capped() {
    let faults = json!({"headerFaults": {"percentage": {"value": 10}}});
    for (asked, expected) in [("100", 1_000), ("5", 500), ("", 1_000)] {
        let never = json!({"abort": {"httpStatus": 500, "percentage": {"value": 0}}});
        let mut filter = Filter::new(&never, &faults);
        let lines = [
            ("x-envoy-fault-abort-request", "500"),
            ("x-envoy-fault-abort-request-percentage", asked),
        ];
        let aborted = (0..10_000)
            .filter(|_| filter.decide("/", &lines) != PASS)
            .count();
        assert!(aborted.abs_diff(expected) < 120, "{asked}: {aborted}");
    }
}

#[test]
fn a_configuration_with_an_error_injects_nothing() {
    let config = json!({"resources": resources(&always_aborted()), "fault": {}}).to_string();
    let (program, diagnostics) = configure(config.as_bytes(), None, None);
    assert!(diagnostics.has_errors());
    let mut filter = Filter::new(&always_aborted(), &json!({}));
    filter.program = program;
    assert_eq!(filter.get(), withheld(Withheld::Misconfigured));
    assert!(filter.program.demand().is_empty());
}

#[test]
fn the_guard_rails_are_checked() {
    use DiagnosticCode as C;
    let table = [
        (json!(5), "faults", C::WrongType),
        (json!({"expire": 1}), "faults.expire", C::UnknownKey),
        (
            json!({"expires": "tomorrow"}),
            "faults.expires",
            C::InvalidTimestamp,
        ),
        (json!({"expires": 5}), "faults.expires", C::WrongType),
        (json!({"optIn": {}}), "faults.optIn.header", C::MissingKey),
        (
            json!({"optIn": {"header": ""}}),
            "faults.optIn.header",
            C::EmptyValue,
        ),
        (
            json!({"optIn": {"header": "a", "value": ""}}),
            "faults.optIn.value",
            C::EmptyValue,
        ),
        (
            json!({"maxAffectedPercentage": {"value": 101}}),
            "faults.maxAffectedPercentage.value",
            C::OutOfRange,
        ),
        (
            json!({"maxActiveFaults": 8001}),
            "faults.maxActiveFaults",
            C::OutOfRange,
        ),
        (
            json!({"maxActiveFaults": -1}),
            "faults.maxActiveFaults",
            C::OutOfRange,
        ),
        (
            json!({"headerFaults": {}}),
            "faults.headerFaults.percentage",
            C::MissingKey,
        ),
        (
            json!({"headerFaults": {"percentage": {}, "maxDelay": "0s"}}),
            "faults.headerFaults.maxDelay",
            C::InvalidDuration,
        ),
        (
            json!({"responseRateLimit": {}}),
            "faults.responseRateLimit",
            C::NotPossibleInWasm,
        ),
    ];
    for (faults, path, code) in table {
        let config = json!({"faults": faults}).to_string();
        let (_, diagnostics) = configure(config.as_bytes(), None, None);
        let errors = diagnostics
            .iter()
            .map(|finding| (finding.path.as_str(), finding.code));
        assert_eq!(errors.collect::<Vec<_>>(), [(path, code)], "{faults}");
    }
}

#[test]
fn faults_without_an_end_are_warned_of() {
    let warnings = |config: Value| {
        let (_, diagnostics) = configure(config.to_string().as_bytes(), None, None);
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        let warnings = diagnostics.iter().map(|finding| finding.path.clone());
        warnings.collect::<Vec<_>>()
    };
    let resources = resources(&always_aborted());
    assert_eq!(
        warnings(json!({"resources": resources})),
        ["faults.expires"]
    );
    let header = json!({"headerFaults": {"percentage": {"value": 1}}});
    assert_eq!(warnings(json!({"faults": header})), ["faults.expires"]);
    assert!(warnings(json!({})).is_empty());
    let until = json!({"expires": "2026-12-01T00:00:00Z"});
    assert!(warnings(json!({"resources": resources, "faults": until})).is_empty());
}

#[test]
fn nothing_is_read_for_a_proxy_without_faults() {
    let route = json!({"hosts": ["a.test"], "http": [{"route": [{"destination": {"host": "a"}}]}]});
    let config = json!({"resources": [{
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "s", "namespace": "n"}, "spec": route,
    }]});
    let (program, _) = configure(config.to_string().as_bytes(), None, None);
    assert!(program.demand().is_empty());
}

#[test]
fn what_a_client_asks_for_is_a_fault_of_its_route() {
    let faults = json!({"headerFaults": {"percentage": {"value": 100}}});
    for fault in [Value::Null, always_aborted()] {
        let mut filter = Filter::new(&fault, &faults);
        let Decision::Abort { route, .. } =
            filter.decide("/", &[("x-envoy-fault-abort-request", "500")])
        else {
            panic!("not aborted");
        };
        assert_eq!(filter.program.route_name(route), "n/s/faulty", "{fault}");
    }
}

#[test]
fn faults_that_are_over_are_warned_of() {
    let config = json!({"faults": {"expires": "2026-12-01T00:00:00Z"}}).to_string();
    let table = [
        (None, 0),
        (Some(1_796_083_199), 0),
        (Some(1_796_083_200), 1),
    ];
    for (now_s, expected) in table {
        let (_, diagnostics) = configure(config.as_bytes(), None, now_s);
        assert_eq!(diagnostics.len(), expected, "{now_s:?}: {diagnostics}");
        assert!(!diagnostics.has_errors(), "{diagnostics}");
    }
}
