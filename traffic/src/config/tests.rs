//! What readers say of single fields, and what they make of them.

use serde_json::{Value, json};
use sluice_policy::{Diagnostics, Severity};

use super::*;
use crate::testing;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A VirtualService with one route, and findings as `PATH [CODE]`, warnings with a `~`.
fn read(spec: &Value) -> (Option<VirtualService>, Vec<String>) {
    let mut diagnostics = Diagnostics::new();
    let service = testing::service(spec, &mut diagnostics);
    let found = diagnostics.iter().map(|finding| {
        let path = finding.path.trim_start_matches("resources[0].spec.");
        let mark = match finding.severity {
            Severity::Warning => "~",
            Severity::Error => "",
        };
        format!("{mark}{path} {}", finding.code.name())
    });
    (service, found.collect())
}

/// Findings of a route with these fields beside its destination.
fn of_route(fields: &Value) -> Vec<String> {
    let mut route = json!({"route": [{"destination": {"host": "b"}}]});
    let fields = fields.as_object().unwrap().clone();
    route.as_object_mut().unwrap().extend(fields);
    read(&json!({"hosts": ["b"], "http": [route]})).1
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn hosts_do_not_overlap() {
    let table = [
        (json!(["a", "b"]), None),
        (json!(["a", "a"]), Some(1)),
        (json!(["a", "A"]), Some(1)),
        (json!(["*.b.com", "a.com"]), None),
        (json!(["*.b.com", "a.b.com"]), Some(1)),
        (json!(["a.b.com", "*.b.com"]), Some(1)),
        (json!(["*.a.b.com", "*.b.com"]), Some(1)),
        (json!(["*.b.com", "*.a.b.com"]), Some(1)),
        (json!(["*.a.com", "*.b.com"]), None),
        (json!(["a", "b", "*"]), Some(2)),
    ];
    let route = json!([{"route": [{"destination": {"host": "b"}}]}]);
    for (hosts, second) in table {
        let (_, found) = read(&json!({"hosts": hosts, "http": route}));
        let expected = second.map(|place| format!("hosts[{place}] duplicate-item"));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{hosts}");
    }
}

#[test]
fn gateways_are_names() {
    let route = json!([{"route": [{"destination": {"host": "b"}}]}]);
    let table = [
        ("mesh", ""),
        ("public", ""),
        ("n/public-1.example", ""),
        // Of an older form.
        ("public.n", "~gateways[0] invalid-gateway"),
        ("", "gateways[0] empty-value"),
        ("/public", "gateways[0] invalid-gateway"),
        ("n/", "gateways[0] invalid-gateway"),
        ("n/a/b", "gateways[0] invalid-gateway"),
        ("n/a b", "gateways[0] invalid-gateway"),
        ("n b/a", "gateways[0] invalid-gateway"),
    ];
    for (name, expected) in table {
        let (_, found) = read(&json!({"hosts": ["b"], "gateways": [name], "http": route}));
        let expected: Vec<&str> = Some(expected)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn weights_are_what_envoy_can_add_up() {
    let of = |weights: &[i64]| {
        let to = |weight: &i64| json!({"destination": {"host": "b"}, "weight": weight});
        let to: Vec<Value> = weights.iter().map(to).collect();
        read(&json!({"hosts": ["b"], "http": [{"route": to}]})).1
    };
    let most = i64::from(i32::MAX);
    assert_eq!(of(&[most, most, 1]), none());
    assert_eq!(of(&[most, most, 2]), ["http[0].route out-of-range"]);
    assert_eq!(of(&[0, 0]), ["http[0].route out-of-range"]);
    assert_eq!(of(&[0]), none());
    assert_eq!(of(&[most + 1, 1]), ["http[0].route[0].weight out-of-range"]);
}

#[test]
fn a_port_is_one() {
    let of = |port: Value| {
        let to = json!([{"destination": {"host": "b", "port": port}}]);
        let (service, found) = read(&json!({"hosts": ["b"], "http": [{"route": to}]}));
        let RouteAction::Forward(to) = &service.unwrap().http[0].action else {
            panic!("it is sent on");
        };
        (to.first().and_then(|to| to.destination.port), found)
    };
    assert_eq!(of(json!({"number": 8080})), (Some(8080), none()));
    let (port, found) = of(json!({"number": 65_535}));
    assert_eq!((port, found), (Some(65_535), none()));
}

#[test]
fn headers_that_istio_leaves_alone_are_told() {
    for (name, is_left) in [("x", false), ("host", true), (":path", true)] {
        let found = of_route(&json!({"headers": {"request": {"remove": [name]}}}));
        let expected = "~http[0].headers.request.remove[0] ignored-key".to_owned();
        let expected: Vec<String> = Some(expected).filter(|_| is_left).into_iter().collect();
        assert_eq!(found, expected, "{name}");
    }
    let found = of_route(&json!({"headers": {"request": {"set": {":path": "/x"}}}}));
    assert_eq!(
        found,
        ["~http[0].headers.request.set[\":path\"] ignored-key"]
    );
}

#[test]
fn mirrors_have_shares_of_a_million() {
    let of = |fields: Value| {
        let mut route = json!({"route": [{"destination": {"host": "b"}}]});
        let fields = fields.as_object().unwrap().clone();
        route.as_object_mut().unwrap().extend(fields);
        let (service, _) = read(&json!({"hosts": ["b"], "http": [route]}));
        let service = service.unwrap();
        let mirrors = service.http[0].mirrors.iter();
        mirrors.map(|mirror| mirror.millionths).collect::<Vec<_>>()
    };
    let to = json!({"host": "c"});
    let table = [
        (json!({"mirror": to}), vec![1_000_000]),
        (json!({"mirror": to, "mirrorPercent": 7}), vec![70_000]),
        (json!({"mirror": to, "mirrorPercent": 0}), vec![]),
        (
            json!({"mirror": to, "mirrorPercentage": {"value": 0.5}}),
            vec![5_000],
        ),
        (
            json!({"mirrors": [{"destination": to, "percentage": {"value": 1}}, {"destination": to, "percentage": {"value": 0}}]}),
            vec![10_000],
        ),
    ];
    for (fields, expected) in table {
        assert_eq!(of(fields.clone()), expected, "{fields}");
    }
}

#[test]
fn methods_of_cors_are_written_in_capitals() {
    let of = |method: &str| {
        of_route(
            &json!({"corsPolicy": {"allowOrigins": [{"exact": "https://a"}], "allowMethods": [method]}}),
        )
    };
    for method in ["GET", "TRACE", "*"] {
        assert_eq!(of(method), none(), "{method}");
    }
    assert_eq!(
        of("get"),
        ["http[0].corsPolicy.allowMethods[0] unknown-value"]
    );
}

#[test]
fn what_is_left_to_envoy_is_told() {
    let found = of_route(&json!({"retries": {"attempts": 1, "retryRemoteLocalities": true}}));
    assert_eq!(
        found,
        ["~http[0].retries.retryRemoteLocalities left-to-envoy"]
    );
}

#[test]
fn an_empty_text_rewrites_nothing() {
    let of = |rewrite: Value| of_route(&json!({"rewrite": rewrite}));
    assert_eq!(of(json!({"uri": "/x", "authority": ""})), none());
    assert_eq!(
        of(json!({"uri": "", "authority": ""})),
        ["http[0].rewrite empty-value"]
    );
    let regex = json!({"match": "a", "rewrite": "b"});
    assert_eq!(of(json!({"uri": "", "uriRegexRewrite": regex})), none());
}

#[test]
fn a_redirect_without_a_path_keeps_it() {
    let of = |uri: &str| {
        let redirect = json!({"uri": uri, "authority": "c"});
        let (service, found) = read(&json!({"hosts": ["b"], "http": [{"redirect": redirect}]}));
        assert_eq!(found, none());
        let RouteAction::Redirect(redirect) = &service.unwrap().http[0].action else {
            panic!("it is a redirect");
        };
        redirect.path.is_some()
    };
    assert!(of("/x") && !of(""));
}

#[test]
fn a_route_that_answers_sends_nothing_on() {
    let of = |fields: Value| {
        let mut route = json!({"directResponse": {"status": 200}});
        let fields = fields.as_object().unwrap().clone();
        route.as_object_mut().unwrap().extend(fields);
        read(&json!({"hosts": ["b"], "http": [route]})).1
    };
    let abort = json!({"abort": {"httpStatus": 500, "percentage": {"value": 1}}});
    assert_eq!(of(json!({})), none());
    assert_eq!(
        of(json!({"fault": abort})),
        ["http[0].fault conflicting-fields"]
    );
    assert_eq!(
        of(json!({"rewrite": {"uri": "/"}})),
        ["http[0].rewrite conflicting-fields"]
    );
    assert_eq!(
        of(json!({"timeout": "1s", "mirror": {"host": "c"}})),
        [
            "~http[0].timeout ignored-key",
            "~http[0].mirror ignored-key"
        ]
    );
}

#[test]
fn a_redirect_leads_somewhere_else() {
    let of = |redirect: Value| {
        let route = json!([{"redirect": redirect}]);
        read(&json!({"hosts": ["b"], "http": route})).1
    };
    for redirect in [json!({"authority": "c"}), json!({"uri": "", "port": 81})] {
        assert_eq!(of(redirect.clone()), none(), "{redirect}");
    }
    for redirect in [
        json!({"uri": ""}),
        json!({"uri": null}),
        json!({"redirectCode": 302}),
    ] {
        assert_eq!(
            of(redirect.clone()),
            ["http[0].redirect empty-value"],
            "{redirect}"
        );
    }
}

#[test]
fn claims_are_named_in_two_ways() {
    let of = |name: &str| {
        let matches = json!([{"headers": {format!("@request.auth.claims{name}"): {"exact": "x"}}}]);
        of_route(&json!({"match": matches})).len()
    };
    for name in [".a", ".a.b", "[a]", "[a][b.c]"] {
        assert_eq!(of(name), 0, "{name}");
    }
    for name in ["", ".", ".[a]", "a", "[a", "[]", "-a", ".a..b"] {
        assert_eq!(of(name), 1, "{name}");
    }
}
