//! What a configuration comes to, before any request.

use serde_json::{Value, json};
use sluice_policy::{Fact, Request, Workload};

use super::*;
use crate::fault::{Withheld, configure};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Of a VirtualService for `a.test` with these routes.
fn program(http: &Value, options: &Value) -> Program {
    let mut config = options.clone();
    config["resources"] = json!([{
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"hosts": ["a.test"], "http": http},
    }]);
    let workload = Workload {
        namespace: "n".to_owned(),
        ..Workload::default()
    };
    let (program, diagnostics) = configure(config.to_string().as_bytes(), Some(&workload), None);
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

fn route(more: &Value) -> Value {
    let mut route = json!({"route": [{"destination": {"host": "a"}}]});
    let more = more.as_object().unwrap().clone();
    route.as_object_mut().unwrap().extend(more);
    route
}

fn faulty() -> Value {
    route(&json!({"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}}))
}

#[test]
fn only_what_may_be_needed_is_asked_for() {
    let path = [Attribute::Authority, Attribute::Path];
    let all = [Attribute::Authority, Attribute::Path, Attribute::Headers];
    let opt_in = json!({"faults": {"optIn": {"header": "x-game-day"}}});
    let by_header = json!({"faults": {"headerFaults": {"percentage": {"value": 1}}}});
    let table = [
        (route(&json!({})), json!({}), &[][..]),
        (route(&json!({})), json!({"seed": 7}), &[]),
        (faulty(), json!({}), &path),
        (faulty(), json!({"seed": 7}), &all),
        (faulty(), opt_in, &all),
        (faulty(), by_header, &all),
    ];
    for (route, options, expected) in table {
        let demand = program(&json!([route]), &options).demand();
        for attribute in [Attribute::Authority, Attribute::Path, Attribute::Headers] {
            let is_asked_for = demand.iter().any(|asked| asked == attribute);
            let is_expected = expected.contains(&attribute);
            assert_eq!(is_asked_for, is_expected, "{options} {attribute:?}");
        }
    }
}

#[test]
fn a_program_says_what_it_may_do() {
    let by_header = json!({"faults": {"headerFaults": {"percentage": {"value": 1}}}});
    let table = [
        (json!([route(&json!({}))]), json!({}), (0, true)),
        (json!([route(&json!({}))]), by_header, (0, false)),
        (
            json!([
                route(&json!({"match": [{"uri": {"exact": "/"}}]})),
                faulty()
            ]),
            json!({}),
            (1, false),
        ),
    ];
    for (http, options, expected) in table {
        let program = program(&http, &options);
        assert_eq!((program.rule_count(), program.is_idle()), expected);
    }
}

#[test]
fn a_program_has_its_seed_and_rails() {
    let http = json!([faulty()]);
    for seed in [None, Some(0), Some(7)] {
        assert_eq!(program(&http, &json!({"seed": seed})).seed(), seed);
    }
    let expires = json!({"faults": {"expires": "2027-01-01T00:00:00Z"}});
    let left_ms = |options: &Value| program(&http, options).rails().left_ms(Some(0));
    assert!(left_ms(&expires) < left_ms(&json!({})));
}

#[test]
fn where_a_fact_is_wanting_there_is_no_fault() {
    let first = route(&json!({"match": [{"headers": {"x": {"exact": "1"}}}]}));
    let program = program(&json!([first, faulty()]), &json!({}));
    let mut request = Request {
        authority: Fact::Present(b"a.test"),
        path: Fact::Present(b"/"),
        headers: Fact::Present(&[]),
        ..Request::default()
    };
    assert!(program.route(&request).1.is_some());
    request.headers = Fact::Unavailable;
    assert!(program.route(&request).1.is_none());
}

/// Names of counters, which dashboards have.
#[test]
fn what_is_withheld_has_a_name() {
    let table = [
        (Withheld::Misconfigured, "misconfigured"),
        (Withheld::NotOptedIn, "not_opted_in"),
        (Withheld::Expired, "expired"),
        (Withheld::Ceiling, "ceiling"),
        (Withheld::Overflow, "overflow"),
    ];
    for (withheld, name) in table {
        assert_eq!(withheld.name(), name);
    }
}
