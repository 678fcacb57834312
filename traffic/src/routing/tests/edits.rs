//! Changes of requests that are sent.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn the_example_works_verbatim() {
    let mut proxy = Proxy::new(&order_service());
    let authority = (":authority", "order-service.production");
    let Became::Sent {
        to,
        request,
        response,
    } = proxy.send("/", &[authority, ("x-canary-test", "true")])
    else {
        panic!("not sent");
    };
    assert_eq!(to, "|v2|order-service.production.svc.cluster.local");
    assert_eq!(
        (request, response),
        (vec!["x-sluice-subset=v2".to_owned()], vec![])
    );
    let mut counts = [0_u32; 2];
    for _ in 0..1_000 {
        let request = proxy.request_of("/", &[authority]);
        let (hint, router) = request.split_last().unwrap();
        counts[usize::from(hint == "x-sluice-subset=v2")] += 1;
        let expected = [
            "x-envoy-upstream-rq-timeout-ms=3000",
            "x-envoy-max-retries=3",
            "x-envoy-upstream-rq-per-try-timeout-ms=1000",
            "x-envoy-retry-on=gateway-error,connect-failure,refused-stream",
        ];
        assert_eq!(router, expected);
    }
    assert!(counts[1].abs_diff(50) <= 3, "{counts:?}");
    assert_eq!(proxy.send("/", &[]), Became::Passed(vec![]));
}

#[test]
fn hints_of_clients_are_taken_away() {
    let mut proxy = Proxy::of(json!({"http": [
        {"name": "r", "match": [{"uri": {"exact": "/"}}],
         "route": [{"destination": {"host": "b", "subset": "v1"}}]},
        {"match": [{"uri": {"exact": "/x"}}], "route": to_b()},
    ]}));
    let forged = [
        ("x-sluice-subset", "v9"),
        ("x-sluice-mirror", "evil"),
        ("x-sluice-destination", "d"),
    ];
    let expected = [
        "-x-sluice-destination",
        "-x-sluice-mirror",
        "x-sluice-subset=v1",
        "x-sluice-route=r",
    ];
    assert_eq!(proxy.request_of("/", &forged), expected);
    let all = [
        "-x-sluice-subset",
        "-x-sluice-destination",
        "-x-sluice-mirror",
    ];
    assert_eq!(proxy.request_of("/x", &forged), all);
    let other_host = [forged[0], (":authority", "other")];
    assert_eq!(
        proxy.send("/", &other_host),
        Became::Passed(vec!["-x-sluice-subset".to_owned()])
    );
}

#[test]
fn hints_have_the_names_that_they_are_given() {
    let mut config = of_service(json!({"http": [{"name": "r", "route": [
        {"destination": {"host": "b", "subset": "v1"}, "weight": 1},
        {"destination": {"host": "c", "port": {"number": 81}}, "weight": 0}],
        "mirrors": [{"destination": {"host": "d", "subset": "m"}}, {"destination": {"host": "e"}, "percentage": {"value": 0}}]}]}));
    config["hintHeaders"] = json!({"subset": "X-Version", "mirror": "x-copy"});
    let expected = [
        "x-version=v1",
        "x-sluice-route=r",
        "x-sluice-destination=b.n.svc.cluster.local",
        "x-copy=|m|d.n.svc.cluster.local",
    ];
    assert_eq!(Proxy::new(&config).request_of("/", &[]), expected);
    for (hints, code) in [
        (json!({"subset": "x-a", "route": "x-a"}), "duplicate-item"),
        (json!({"subset": "host"}), "invalid-header-name"),
        (
            json!({"subset": "x-envoy-max-retries"}),
            "invalid-header-name",
        ),
        (json!({"subset": "x-forwarded-for"}), "invalid-header-name"),
        (json!({"subsets": "x-a"}), "unknown-key"),
    ] {
        config["hintHeaders"] = hints;
        let (_, diagnostics) = configured(&config);
        let codes: Vec<_> = diagnostics
            .iter()
            .map(|finding| finding.code.name())
            .collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn headers_are_changed_in_the_order_of_envoy() {
    let route = json!({"request": {"set": {"x-b": "r", "x-a": "r"}, "add": {"x-c": "r"}, "remove": ["x-d"]}});
    let destination = json!({"request": {"set": {"x-a": "d"}, "add": {"x-c": "d"}, "remove": ["x-e"]},
                             "response": {"set": {"y": "d"}, "remove": ["server"]}});
    let one = json!({"destination": {"host": "b"}, "headers": destination, "weight": 1});
    let mut single = Proxy::of(json!({"http": [{"headers": route, "route": [one]}]}));
    let expected = [
        "-x-d", "-x-e", "x-a=r", "x-b=r", "x-c+=r", "x-a=d", "x-c+=d",
    ];
    assert_eq!(single.request_of("/", &[]), expected);
    let other = json!({"destination": {"host": "b", "subset": "x"}, "weight": 0});
    let mut several = Proxy::of(json!({"http": [{"headers": route, "route": [one, other]}]}));
    let expected = [
        "-x-e", "x-a=d", "x-c+=d", "-x-d", "x-a=r", "x-b=r", "x-c+=r",
    ];
    assert_eq!(several.request_of("/", &[]), expected);
    let Became::Sent { response, .. } = several.send("/", &[]) else {
        panic!("not sent");
    };
    assert_eq!(response, ["-server", "y=d"]);
}

#[test]
fn values_are_filled_in() {
    let set = json!({"x-a": "%REQ(X-From)%|%REQ(x-none)%|100%%", "x-b": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "x-c": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "x-d": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "x-e": "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", "x-f": "%DOWNSTREAM_LOCAL_PORT%", "x-g": "%REQ(:path)%"});
    let mut proxy =
        Proxy::of(json!({"http": [{"headers": {"request": {"set": set}}, "route": to_b()}]}));
    let expected = [
        "x-a=me|-|100%",
        "x-b=10.0.0.7:4040",
        "x-c=10.0.0.7",
        "x-d=10.0.0.9:8080",
        "x-e=10.0.0.9",
        "x-f=8080",
        "x-g=/p?q",
    ];
    assert_eq!(proxy.request_of("/p?q", &[("x-from", "me")]), expected);
    let demand: Vec<_> = proxy
        .program
        .demand()
        .iter()
        .map(sluice_policy::Attribute::name)
        .collect();
    assert!(demand.contains(&"source.address") && demand.contains(&"destination.address"));
}

/// A client may have thousands of requests under way.
#[test]
fn little_is_kept_of_a_request_until_its_response() {
    let limits = json!({"connectionPool": {"http": {"http2MaxRequests": 2}},
                        "retryBudget": {"percent": 20.0}});
    let mut config = of_service(json!({"http": [{"route": [{"destination": {"host": "b"},
        "headers": {"response": {"set": {"x-id": "%REQ(x-id)%"}}}}]}]}));
    let rule = json!({"host": "b", "trafficPolicy": limits});
    let rule = resource("DestinationRule", "b", &rule);
    config["resources"].as_array_mut().unwrap().push(rule);
    let mut proxy = Proxy::new(&config);
    let fits = "x".repeat(16 * 1_024 - "x-id".len());
    let is_kept = |became: Became, id: &str| match became {
        Became::Sent { response, .. } => {
            assert_eq!(response, [format!("x-id={id}")]);
            true
        }
        Became::Answered(reply) => {
            assert_eq!(
                (reply.status, &*reply.details),
                (431, &b"too_long_for_routes"[..])
            );
            false
        }
        other => panic!("{other:?}"),
    };
    let too_long = fits.clone() + "x";
    // It takes no place of those that are sent.
    for _ in 0..5 {
        assert!(!is_kept(proxy.send("/", &[("x-id", &too_long)]), &too_long));
    }
    assert_eq!(proxy.upstreams.active(), 0);
    assert!(is_kept(proxy.send("/", &[("x-id", &fits)]), &fits));
    assert_eq!(proxy.upstreams.active(), 1);
}

#[test]
fn a_mirror_has_its_share_of_the_requests() {
    for (percentage, expected) in [(0, 0), (25, 25), (50, 50), (100, 100)] {
        let mut proxy = Proxy::of(json!({"http": [{"route": to_b(),
            "mirror": {"host": "d"}, "mirrorPercentage": {"value": percentage}}]}));
        let mut mirrored = 0;
        for _ in 0..10_000 {
            let request = proxy.request_of("/", &[]);
            mirrored += usize::from(
                request
                    .iter()
                    .any(|edit| edit.starts_with("x-sluice-mirror=")),
            );
        }
        assert!(
            (mirrored / 100).abs_diff(expected) <= 2,
            "{percentage}: {mirrored}"
        );
    }
}

/// Whatever the routes look at: hints of a client are found among all headers.
#[test]
fn headers_are_wanted_wherever_there_is_a_route() {
    let proxy = Proxy::of(json!({"http": [{"route": [{"destination": {"host": "b"}}]}]}));
    let demand: Vec<_> = proxy.program.demand().iter().collect();
    assert!(demand.contains(&sluice_policy::Attribute::Headers));
}

#[test]
fn the_authority_is_the_most_explicit_one() {
    let of = |rewrite: Value, route: Value, destination: Value| {
        let headers = |set: Value| json!({"request": {"set": set}});
        let mut route = json!({"headers": headers(route),
            "route": [{"destination": {"host": "b"}, "headers": headers(destination)}]});
        if rewrite != json!({}) {
            route["rewrite"] = rewrite;
        }
        let mut proxy = Proxy::of(json!({"http": [route]}));
        proxy.request_of("/", &[])
    };
    let (rewrite, route, destination) = (
        json!({"authority": "w"}),
        json!({":authority": "r"}),
        json!({"Host": "d"}),
    );
    assert_eq!(
        of(rewrite, route.clone(), destination.clone()),
        [":authority=w"]
    );
    assert_eq!(of(json!({}), route, destination.clone()), [":authority=r"]);
    assert_eq!(of(json!({}), json!({}), destination), [":authority=d"]);
    assert_eq!(of(json!({}), json!({":path": "/x"}), json!({})), [""; 0]);
}

#[test]
fn paths_are_rewritten_where_they_matched() {
    let cases = [
        (
            json!({"prefix": "/rw"}),
            "/new",
            "/rw/a?q=/rw",
            "/new/a?q=/rw",
        ),
        (json!({"prefix": "/rw"}), "/", "/rw/a", "/a"),
        (json!({"prefix": "/rw"}), "/", "/rw", "/"),
        (json!({"prefix": "/rw"}), "/", "/rwz", "/z"),
        (json!({"prefix": "/rw"}), "/new", "/rwz", "/newz"),
        (json!({"prefix": "/rw/"}), "/", "/rw/a", "/a"),
        (json!({"exact": "/a"}), "/b", "/a?x", "/b?x"),
        (json!({"regex": "/a.*"}), "/b", "/a/c?x", "/b?x"),
        (Value::Null, "/b", "/a", "/ba"),
    ];
    for (uri, to, path, expected) in cases {
        let item = if uri.is_null() {
            json!({})
        } else {
            json!({"uri": uri})
        };
        let mut proxy = Proxy::of(json!({"http": [
            {"match": [item], "rewrite": {"uri": to}, "route": to_b()}]}));
        let expected = [
            format!("x-envoy-original-path={path}"),
            format!(":path={expected}"),
        ];
        assert_eq!(proxy.request_of(path, &[]), expected, "{item} {to}");
    }
    let mut proxy = Proxy::of(json!({"http": [{"route": to_b(),
        "rewrite": {"uriRegexRewrite": {"match": "^/v([0-9])/", "rewrite": r"/\1/"}}}]}));
    assert_eq!(proxy.request_of("/v2/a?/v3/", &[])[1], ":path=/2/a?/v3/");
    assert_eq!(proxy.request_of("/x", &[])[1], ":path=/x");
}
