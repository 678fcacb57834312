//! What may be declared, and what is refused.

use super::*;
use crate::guard::testing::{config, read};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The least that must be there, and more.
fn spec(more: &Value) -> Value {
    let mut spec = json!({"virtualService": "orders", "stable": "v1", "canary": "v2"});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

fn good(more: &Value) -> CanaryGuard {
    let (config, diagnostics) = read(&spec(more));
    assert_eq!(diagnostics.to_string(), "", "{more}");
    config
}

fn findings(spec: &Value) -> Vec<(String, DiagnosticCode)> {
    let (_, diagnostics) = read(spec);
    let finding = |found: &sluice_policy::Diagnostic| (found.path.clone(), found.code);
    diagnostics.iter().map(finding).collect()
}

#[test]
fn little_has_to_be_declared() {
    let expected = CanaryGuard {
        name: "orders".into(),
        namespace: "shop".into(),
        virtual_service: "orders".into(),
        route: None,
        stable: "v1".into(),
        canary: "v2".into(),
        window_ms: 60_000,
        min_samples: 200,
        errors: Some(10_000),
        latency: Some(Latency {
            quantile: 990_000,
            worse_by: 50_000,
        }),
        doubt: 100,
        restore_after_ms: None,
        revision: "".into(),
        is_dry_run: false,
    };
    assert_eq!(good(&json!({})), expected);
    let empty = json!({"errors": {}, "latency": {}, "signals": ["latency", "errors"]});
    assert_eq!(good(&empty), expected);
}

#[test]
fn everything_may_be_declared() {
    let declared = good(&json!({
        "route": "split", "window": "2m", "minSamples": 1_000,
        "errors": {"worseBy": 0.5}, "latency": {"percentile": 99.9, "worseBy": 20},
        "confidence": 99.9, "restore": {"after": "10m"}, "revision": "7", "dryRun": true,
    }));
    let expected = CanaryGuard {
        route: Some("split".into()),
        window_ms: 120_000,
        min_samples: 1_000,
        errors: Some(5_000),
        latency: Some(Latency {
            quantile: 999_000,
            worse_by: 200_000,
        }),
        doubt: 1_000,
        restore_after_ms: Some(600_000),
        revision: "7".into(),
        is_dry_run: true,
        ..config()
    };
    assert_eq!(declared, expected);
}

#[test]
fn a_signal_may_be_left_out() {
    let errors = good(&json!({"signals": ["errors"], "errors": {"worseBy": 3}}));
    assert_eq!((errors.errors, errors.latency), (Some(30_000), None));
    assert_eq!(errors.signals(), 1);
    let latency = good(&json!({"signals": ["latency"]}));
    assert_eq!((latency.errors, latency.signals()), (None, 1));
    assert!(latency.latency.is_some());
    assert_eq!(config().signals(), 2);
}

#[test]
fn bounds_belong_to_the_range() {
    for (key, least, most) in [
        ("window", json!("5s"), json!("1h")),
        ("minSamples", json!(20), json!(1_000_000)),
        ("errors", json!({"worseBy": 0}), json!({"worseBy": 50})),
        (
            "latency",
            json!({"percentile": 50}),
            json!({"percentile": 99.9}),
        ),
        ("latency", json!({"worseBy": 0}), json!({"worseBy": 1_000})),
        ("confidence", json!(90), json!(99.9999)),
        ("restore", json!({"after": "10s"}), json!({"after": "168h"})),
    ] {
        for value in [least, most] {
            good(&json!({key: value}));
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    use DiagnosticCode as C;
    let table = [
        ("window", json!("4999ms"), "", C::OutOfRange),
        ("window", json!("3601s"), "", C::OutOfRange),
        ("window", json!("1 minute"), "", C::InvalidDuration),
        ("window", json!(60), "", C::WrongType),
        ("minSamples", json!(19), "", C::OutOfRange),
        ("minSamples", json!(1_000_001), "", C::OutOfRange),
        (
            "errors",
            json!({"worseBy": 50.1}),
            ".worseBy",
            C::OutOfRange,
        ),
        ("errors", json!({"worseBy": -1}), ".worseBy", C::OutOfRange),
        ("errors", json!({"worstBy": 1}), ".worstBy", C::UnknownKey),
        ("errors", json!(1), "", C::WrongType),
        (
            "latency",
            json!({"percentile": 49.9}),
            ".percentile",
            C::OutOfRange,
        ),
        (
            "latency",
            json!({"percentile": 100}),
            ".percentile",
            C::OutOfRange,
        ),
        (
            "latency",
            json!({"percentile": "p99"}),
            ".percentile",
            C::WrongType,
        ),
        (
            "latency",
            json!({"worseBy": 1_001}),
            ".worseBy",
            C::OutOfRange,
        ),
        (
            "latency",
            json!({"quantile": 0.99}),
            ".quantile",
            C::UnknownKey,
        ),
        ("signals", json!([]), "", C::EmptyValue),
        (
            "signals",
            json!(["errors", "errors"]),
            "[1]",
            C::DuplicateItem,
        ),
        ("signals", json!(["error"]), "[0]", C::UnknownValue),
        ("confidence", json!(89.9), "", C::OutOfRange),
        ("confidence", json!(100), "", C::OutOfRange),
        ("restore", json!("never"), "", C::WrongType),
        ("restore", json!({}), ".after", C::MissingKey),
        ("restore", json!({"after": "5s"}), ".after", C::OutOfRange),
        ("restore", json!({"after": "169h"}), ".after", C::OutOfRange),
        (
            "restore",
            json!({"after": "5m", "weight": 1}),
            ".weight",
            C::UnknownKey,
        ),
        ("revision", json!(""), "", C::EmptyValue),
        ("revision", json!(2), "", C::WrongType),
        ("dryRun", json!("yes"), "", C::WrongType),
        ("route", json!(""), "", C::EmptyValue),
        ("canary", json!("v1"), "", C::DuplicateItem),
        ("stable", json!(""), "", C::EmptyValue),
        ("canary", Value::Null, "", C::MissingKey),
        ("virtualService", Value::Null, "", C::MissingKey),
        ("virtualservice", json!("orders"), "", C::UnknownKey),
    ];
    for (key, value, below, code) in table {
        let expected = (format!("r.spec.{key}{below}"), code);
        assert_eq!(
            findings(&spec(&json!({key: value}))),
            [expected],
            "{key}: {value}"
        );
    }
    assert_eq!(
        findings(&Value::Null),
        [("r.spec".to_owned(), C::MissingKey)]
    );
    assert_eq!(findings(&json!([])), [("r.spec".to_owned(), C::WrongType)]);
}

/// It would be dropped in silence otherwise.
#[test]
fn nothing_is_said_of_a_signal_that_is_left_out() {
    let spec = spec(&json!({"signals": ["errors"], "latency": {"worseBy": 10}}));
    let expected = ("r.spec.latency".to_owned(), DiagnosticCode::UnknownKey);
    assert_eq!(findings(&spec), [expected]);
}

#[test]
fn subsets_are_known_by_name() {
    let config = config();
    assert_eq!(config.subset("v1"), Some(Subset::Stable));
    assert_eq!(config.subset("v2"), Some(Subset::Canary));
    assert_eq!(config.subset("v3"), None);
    let names = [Subset::Stable, Subset::Canary].map(|subset| config.name_of(subset));
    assert_eq!(names, ["v1", "v2"]);
}
