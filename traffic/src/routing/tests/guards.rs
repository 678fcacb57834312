//! Routes with a guard.

use sluice_policy::DiagnosticCode;
use sluice_policy::shared_data::testing::Shared;

use super::*;
use crate::breaker::Outcome;
use crate::guard::{self, Subset};
use crate::routing::program::Then;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const START_MS: u64 = 1_790_000_000_000;

/// Two routes between both subsets, the first one named `beta` and for `/beta` alone, and
/// guards.
fn config(guards: &[Value]) -> Value {
    let split = json!([
        {"destination": {"host": "b", "subset": "v1"}, "weight": 50},
        {"destination": {"host": "b", "subset": "v2"}, "weight": 50},
    ]);
    let mut config = of_service(json!({"http": [
        {"name": "beta", "match": [{"uri": {"prefix": "/beta"}}], "route": split},
        {"name": "other", "route": split},
    ]}));
    let resources = config["resources"].as_array_mut().unwrap();
    for (number, guard) in guards.iter().enumerate() {
        resources.push(resource("CanaryGuard", &format!("g{number}"), guard));
    }
    let subsets =
        json!([{"name": "v1", "labels": {"v": "1"}}, {"name": "v2", "labels": {"v": "2"}}]);
    resources.push(resource(
        "DestinationRule",
        "b",
        &json!({"host": "b", "subsets": subsets}),
    ));
    config
}

fn guard(more: &Value) -> Value {
    let mut spec = json!({"virtualService": "s", "stable": "v1", "canary": "v2", "window": "20s"});
    let more = more.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(more);
    spec
}

impl Proxy {
    /// All requests to the canary fail, until the guard says so.
    fn fail(&mut self, number: usize) {
        let mut shared = Shared::default();
        let guard = &mut self.guards[number];
        for second in 0..60 {
            for _ in 0..50 {
                guard.observe(Subset::Stable, None, guard::Outcome::Good, 10_000);
                guard.observe(Subset::Canary, None, guard::Outcome::Failed, 0);
            }
            guard.on_tick(START_MS + 1_000 * second, &mut shared);
        }
        assert!(guard.is_drained() || guard.would_drain());
    }

    /// Which guard watches a request, and as what.
    fn watched(&mut self, path: &str) -> Option<(usize, Subset)> {
        self.send(path, &[]);
        let watched = self.watched.take();
        watched.map(|watched| (watched.guard, watched.subset))
    }

    /// Of a hundred requests, how many halves go to the canary, and what marks their
    /// responses. A split may be one request off.
    fn halves(&mut self, path: &str) -> (usize, Vec<String>) {
        let (mut canary, mut marks) = (0, Vec::new());
        for _ in 0..100 {
            let Became::Sent { to, response, .. } = self.send(path, &[]) else {
                panic!("it is sent");
            };
            let is_canary = to.contains("|v2|");
            canary += usize::from(is_canary);
            assert!(is_canary || response.is_empty(), "{response:?}");
            marks.extend(response);
        }
        marks.dedup();
        ((canary + 1) / 50, marks)
    }
}

#[test]
fn a_drained_canary_gets_nothing() {
    let mut proxy = Proxy::new(&config(&[guard(&json!({"route": "beta"}))]));
    assert_eq!(proxy.halves("/beta"), (1, vec![]));
    proxy.fail(0);
    assert_eq!(proxy.halves("/beta"), (0, vec![]));
    assert_eq!(proxy.halves("/"), (1, vec![]), "another route");
}

#[test]
fn a_dry_run_only_says_so() {
    let mut proxy = Proxy::new(&config(&[guard(&json!({"dryRun": true}))]));
    proxy.fail(0);
    let mark = "x-sluice-guard=would-drain".to_owned();
    assert_eq!(proxy.halves("/"), (1, vec![mark]));
}

#[test]
fn a_guard_watches_its_routes() {
    let [beta, other, all] = [
        json!({"route": "beta"}),
        json!({"route": "other"}),
        json!({}),
    ];
    let table = [
        (vec![], None, None),
        (vec![&beta], Some(0), None),
        (vec![&other], None, Some(0)),
        (vec![&all], Some(0), Some(0)),
        // One that names the route is meant more.
        (vec![&all, &beta], Some(1), Some(0)),
        (vec![&beta, &other], Some(0), Some(1)),
    ];
    for (guards, of_beta, of_other) in table {
        let specs: Vec<Value> = guards.into_iter().map(guard).collect();
        let mut proxy = Proxy::new(&config(&specs));
        for (path, expected) in [("/beta", of_beta), ("/", of_other)] {
            for _ in 0..10 {
                let watched = proxy.watched(path).map(|(guard, _)| guard);
                assert_eq!(watched, expected, "{path} {specs:?}");
            }
        }
    }
}

#[test]
fn a_guard_knows_its_subsets() {
    let mut proxy = Proxy::new(&config(&[guard(&json!({"stable": "v2", "canary": "v1"}))]));
    for _ in 0..20 {
        let became = proxy.send("/", &[]);
        let Became::Sent { to, .. } = became else {
            panic!("{became:?}");
        };
        let expected = match to.contains("|v1|") {
            true => Subset::Canary,
            false => Subset::Stable,
        };
        assert_eq!(proxy.watched.take().unwrap().subset, expected);
    }
}

#[test]
fn a_guard_of_no_split_is_refused() {
    let of = |spec: Value, namespace: &str| {
        let mut config = config(&[guard(&spec)]);
        config["resources"][1]["metadata"]["namespace"] = json!(namespace);
        let (_, diagnostics) = configured(&config);
        let codes = diagnostics.iter().map(|finding| finding.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(of(json!({}), "n"), []);
    for (spec, namespace) in [
        (json!({}), "m"),
        (json!({"virtualService": "t"}), "n"),
        (json!({"route": "gamma"}), "n"),
        (json!({"stable": "v3"}), "n"),
        (json!({"canary": "v3"}), "n"),
    ] {
        let found = of(spec.clone(), namespace);
        assert_eq!(found, [DiagnosticCode::UnknownRoute], "{spec} {namespace}");
    }
}

/// What a breaker moved is where it is for another reason than the split's.
#[test]
fn a_request_that_was_moved_is_no_sample() {
    let mut config = config(&[guard(&json!({}))]);
    let outlier = json!({"consecutive5xxErrors": 1, "maxEjectionPercent": 50});
    config["resources"][2]["spec"]["trafficPolicy"] = json!({"outlierDetection": outlier});
    let mut proxy = Proxy::new(&config);
    let Then::Forward(forward) = &proxy.program.actions[1].then else {
        panic!("it is sent on");
    };
    let route = forward.shares.guarded.clone();
    let sent = proxy.upstreams.begin(&route, 1, 0, 7, 0).unwrap();
    assert!(
        proxy
            .upstreams
            .end(&sent, Outcome::Answer(500), 1, 0)
            .is_some()
    );
    let (mut watched, mut moved) = (0, 0);
    for _ in 0..100 {
        let Became::Sent { to, .. } = proxy.send("/", &[]) else {
            panic!("it is sent");
        };
        assert!(to.contains("|v1|"));
        match proxy.watched.take() {
            Some(watch) => {
                assert_eq!(watch.subset, Subset::Stable);
                watched += 1;
            }
            None => moved += 1,
        }
    }
    assert_eq!(((watched + 1) / 50, (moved + 1) / 50), (1, 1));
}
