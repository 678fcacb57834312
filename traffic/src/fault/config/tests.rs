//! Which faults are read, and what is refused.

use serde_json::{Value, json};

use super::*;
use DiagnosticCode as C;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn read_fault(value: &Value) -> (Option<Fault>, Vec<(String, C)>) {
    let mut diagnostics = Diagnostics::new();
    let fault = read(&Node::new(value, "fault"), &mut diagnostics);
    let findings = diagnostics
        .iter()
        .map(|finding| (finding.path.clone(), finding.code))
        .collect();
    (fault, findings)
}

fn delay(for_ms: u32, share: u32) -> Option<Delay> {
    Some(Delay { for_ms, share })
}

fn abort(status: AbortStatus, share: u32) -> Option<Abort> {
    Some(Abort { status, share })
}

#[test]
fn faults_are_read_as_istio_writes_them() {
    let table = [
        (
            json!({"delay": {"fixedDelay": "5s", "percentage": {"value": 0.1}}}),
            delay(5_000, 1_000),
            None,
        ),
        (
            json!({"delay": {"fixedDelay": "1ms", "percent": 7}}),
            delay(1, 70_000),
            None,
        ),
        // What is deprecated counts only where the other is left out.
        (
            json!({"delay": {"fixedDelay": "1.5s", "percent": 7, "percentage": {"value": 100}}}),
            delay(1_500, 1_000_000),
            None,
        ),
        (
            json!({"abort": {"httpStatus": 599, "percentage": {"value": 0.0001}}}),
            None,
            abort(AbortStatus::Http(599), 1),
        ),
        (
            json!({"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {}},
                   "delay": {"fixedDelay": "2s", "percentage": {"value": 0}}}),
            delay(2_000, 0),
            abort(AbortStatus::Grpc(14), 0),
        ),
    ];
    for (value, delay, abort) in table {
        let (fault, findings) = read_fault(&value);
        assert_eq!(fault, Some(Fault { delay, abort }), "{value}");
        assert_eq!(findings, [], "{value}");
    }
}

#[test]
fn without_a_percentage_a_fault_is_for_nobody_and_that_is_said() {
    for (part, value) in [
        ("delay", json!({"fixedDelay": "5s"})),
        ("abort", json!({"httpStatus": 500})),
    ] {
        let (fault, findings) = read_fault(&json!({part: value}));
        let fault = fault.unwrap();
        let shares = [
            fault.delay.map(|delay| delay.share),
            fault.abort.map(|abort| abort.share),
        ];
        assert!(shares.contains(&Some(0)), "{part}");
        assert_eq!(findings, [(format!("fault.{part}"), C::IgnoredKey)]);
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let whole = json!({"value": 100});
    let table = [
        (json!([]), "fault", C::WrongType),
        (json!({}), "fault", C::MissingKey),
        (
            json!({"delays": {}, "delay": {"fixedDelay": "1s", "percentage": whole}}),
            "fault.delays",
            C::UnknownKey,
        ),
        (
            json!({"delay": {"percentage": whole}}),
            "fault.delay",
            C::MissingKey,
        ),
        (
            json!({"delay": {"fixedDelay": "1us", "percentage": whole}}),
            "fault.delay.fixedDelay",
            C::InvalidDuration,
        ),
        (
            json!({"delay": {"fixedDelay": "1s", "percentage": {"value": 101}}}),
            "fault.delay.percentage.value",
            C::OutOfRange,
        ),
        (
            json!({"delay": {"fixedDelay": "1s", "percent": 101}}),
            "fault.delay.percent",
            C::OutOfRange,
        ),
        (
            json!({"delay": {"fixedDelay": "1s", "percent": 0.5}}),
            "fault.delay.percent",
            C::OutOfRange,
        ),
        (
            json!({"delay": {"exponentialDelay": "1s", "percentage": whole}}),
            "fault.delay.exponentialDelay",
            C::IgnoredKey,
        ),
        (
            json!({"abort": {"percentage": whole}}),
            "fault.abort",
            C::MissingKey,
        ),
        (
            json!({"abort": {"httpStatus": 199, "percentage": whole}}),
            "fault.abort.httpStatus",
            C::OutOfRange,
        ),
        (
            json!({"abort": {"httpStatus": 600, "percentage": whole}}),
            "fault.abort.httpStatus",
            C::OutOfRange,
        ),
        (
            json!({"abort": {"httpStatus": "500", "percentage": whole}}),
            "fault.abort.httpStatus",
            C::WrongType,
        ),
        (
            json!({"abort": {"grpcStatus": "unavailable", "percentage": whole}}),
            "fault.abort.grpcStatus",
            C::UnknownValue,
        ),
        (
            json!({"abort": {"grpcStatus": 14, "percentage": whole}}),
            "fault.abort.grpcStatus",
            C::WrongType,
        ),
        (
            json!({"abort": {"http2Error": "x", "percentage": whole}}),
            "fault.abort.http2Error",
            C::IgnoredKey,
        ),
        (
            json!({"abort": {"httpStatus": 500, "grpcStatus": "OK", "percentage": whole}}),
            "fault.abort.grpcStatus",
            C::ConflictingFields,
        ),
        (
            json!({"abort": {"httpStatus": 500, "percentage": whole, "percent": 5}}),
            "fault.abort.percent",
            C::UnknownKey,
        ),
    ];
    for (value, path, code) in table {
        let (_, findings) = read_fault(&value);
        assert_eq!(findings, [(path.to_owned(), code)], "{value}");
    }
}

#[test]
fn every_status_of_grpc_has_its_number() {
    for (place, (_, number)) in GRPC_STATUSES.iter().enumerate() {
        assert_eq!(usize::from(*number), place);
    }
}
