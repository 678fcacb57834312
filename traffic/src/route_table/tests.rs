//! Which route a request takes.

use serde_json::{Value, json};
use sluice_policy::{Diagnostics, Fact, HeaderLine, Request, Severity, Workload};

use super::*;
use crate::Effort;
use crate::testing::{proxy, service, services};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The name of the route that a request takes; `404`, or `-` for a host without any.
fn taken(table: &RouteTable<()>, request: &Request<'_>) -> String {
    let search = table.search(request);
    let name = match search.found {
        Found::NoHost => "-".to_owned(),
        Found::NoRoute => "404".to_owned(),
        Found::TooLong => "431".to_owned(),
        Found::Route(route) => route.name.to_string(),
    };
    let mark = if search.is_uncertain { "?" } else { "" };
    name + mark
}

fn table(services: &[Value]) -> RouteTable<()> {
    RouteTable::build(
        &self::services(services),
        &proxy("n"),
        &mut Diagnostics::new(),
        |_, _| (),
    )
}

fn get<'a>(authority: &'a str, path: &'a str, headers: &'a [HeaderLine<'a>]) -> Request<'a> {
    Request {
        method: Fact::Present(b"GET"),
        path: Fact::Present(path.as_bytes()),
        authority: Fact::Present(authority.as_bytes()),
        headers: Fact::Present(headers),
        metadata: Fact::Absent,
        ..Request::default()
    }
}

/// Routes named by number, each with one match, and one that takes the rest.
fn matches(items: &[Value]) -> RouteTable<()> {
    let mut http: Vec<Value> = Vec::new();
    for (number, item) in items.iter().enumerate() {
        http.push(json!({"name": number.to_string(), "match": [item],
                         "route": [{"destination": {"host": "b"}}]}));
    }
    http.push(json!({"name": "rest", "route": [{"destination": {"host": "b"}}]}));
    table(&[json!({"hosts": ["b"], "http": http})])
}

#[test]
fn paths_are_matched_without_their_query() {
    let table = matches(&[
        json!({"uri": {"exact": "/a"}}),
        json!({"uri": {"prefix": "/pre"}}),
        json!({"uri": {"regex": "/r[0-9]+"}}),
        json!({"uri": {"exact": "/Case"}, "ignoreUriCase": true}),
        json!({"uri": {"prefix": "/low"}, "ignoreUriCase": true}),
        json!({"uri": {"regex": "/upper"}, "ignoreUriCase": true}),
    ]);
    let expected = [
        ("/a", "0"),
        ("/a?x=/b", "0"),
        ("/a#f", "0"),
        ("/a/", "rest"),
        ("/pre", "1"),
        ("/prefix", "1"),
        ("/PRE", "rest"),
        ("/r12", "2"),
        ("/r12/", "rest"),
        ("/cASE", "3"),
        ("/case/", "rest"),
        ("/LOWer", "4"),
        ("/UPPER", "rest"),
        ("/upper", "5"),
    ];
    for (path, route) in expected {
        assert_eq!(taken(&table, &get("b", path, &[])), route, "{path}");
    }
}

#[test]
fn the_first_route_wins_however_it_is_found() {
    let table = matches(&[
        json!({"uri": {"prefix": "/a/b"}, "headers": {"x": {"exact": "1"}}}),
        json!({"uri": {"regex": "/a.*"}, "headers": {"x": {"exact": "2"}}}),
        json!({"uri": {"exact": "/a/b"}, "headers": {"x": {"exact": "3"}}}),
        json!({"uri": {"prefix": "/A"}, "ignoreUriCase": true, "headers": {"x": {"exact": "4"}}}),
        json!({"uri": {"prefix": "/a"}}),
        json!({"uri": {"prefix": "/a/b"}}),
        json!({"uri": {"exact": "/a/b"}}),
    ]);
    for (value, route) in [("1", "0"), ("2", "1"), ("3", "2"), ("4", "3"), ("5", "4")] {
        let lines: [HeaderLine<'_>; 1] = [(b"x", value.as_bytes())];
        assert_eq!(taken(&table, &get("b", "/a/b", &lines)), route);
    }
}

/// Which route is right is not known when one could not be looked at.
#[test]
fn no_route_takes_what_is_too_long_to_look_at() {
    let table = matches(&[
        json!({"uri": {"exact": "/short"}}),
        json!({"headers": {"user-agent": {"regex": ".*(Chrome|Firefox)/[0-9]+.*"}}}),
        json!({"uri": {"exact": "/a"}}),
        json!({}),
    ]);
    let long = "x".repeat(200_000);
    let cases = [
        ("/short", &*long, "0"),
        ("/a", &long, "431"),
        ("/b", &long, "431"),
        ("/a", "curl", "2"),
        ("/b", "Firefox/140", "1"),
    ];
    for (path, agent, route) in cases {
        let lines: [HeaderLine<'_>; 1] = [(b"user-agent", agent.as_bytes())];
        assert_eq!(taken(&table, &get("b", path, &lines)), route, "{path}");
    }
}

#[test]
fn headers_are_matched_line_by_line() {
    let cases = [
        (
            json!({"headers": {"X-A": {"exact": "1"}}}),
            &[("x-a", "1")][..],
            true,
        ),
        (
            json!({"headers": {"x-a": {"exact": "1"}}}),
            &[("x-a", "2"), ("x-a", "1")],
            true,
        ),
        (json!({"headers": {"x-a": {"exact": "1"}}}), &[], false),
        (
            json!({"headers": {"x-a": {"exact": ""}}}),
            &[("x-a", "")],
            true,
        ),
        (json!({"headers": {"x-a": {"exact": ""}}}), &[], false),
        (json!({"headers": {"x-a": {}}}), &[("x-a", "")], true),
        (json!({"headers": {"x-a": {}}}), &[], false),
        (
            json!({"headers": {"x-a": {"regex": "*"}}}),
            &[("x-a", "?")],
            true,
        ),
        (
            json!({"headers": {"x-a": {"prefix": "ab"}}}),
            &[("x-a", "abc")],
            true,
        ),
        (json!({"headers": {":method": {"exact": "GET"}}}), &[], true),
        (
            json!({"headers": {":scheme": {"exact": "http"}}}),
            &[(":scheme", "http")],
            true,
        ),
        (
            json!({"scheme": {"exact": "https"}}),
            &[(":scheme", "http")],
            false,
        ),
        (json!({"method": {"exact": "get"}}), &[], false),
        (json!({"authority": {"prefix": "b"}}), &[], true),
        (json!({"headers": {":path": {"exact": "/"}}}), &[], true),
        (json!({"headers": {":path": {"exact": "/x"}}}), &[], false),
        (
            json!({"headers": {":authority": {"exact": "b"}}}),
            &[],
            true,
        ),
        (json!({"headers": {"host": {"exact": "c"}}}), &[], false),
        (
            json!({"withoutHeaders": {"x-a": {"exact": "1"}}}),
            &[],
            true,
        ),
        (
            json!({"withoutHeaders": {"x-a": {"exact": "1"}}}),
            &[("x-a", "1")],
            false,
        ),
        (
            json!({"withoutHeaders": {"x-a": {"exact": "1"}}}),
            &[("x-a", "2")],
            true,
        ),
        (json!({"withoutHeaders": {"x-a": {}}}), &[], true),
        (
            json!({"withoutHeaders": {"x-a": {}}}),
            &[("x-a", "")],
            false,
        ),
        (
            json!({"withoutHeaders": {"x-a": {"regex": ".*"}}}),
            &[],
            false,
        ),
        (
            json!({"withoutHeaders": {"x-a": {"exact": ""}}}),
            &[],
            false,
        ),
    ];
    for (item, headers, is_taken) in cases {
        let lines: Vec<HeaderLine<'_>> = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let expected = if is_taken { "0" } else { "rest" };
        let table = matches(std::slice::from_ref(&item));
        assert_eq!(
            taken(&table, &get("b", "/", &lines)),
            expected,
            "{item} {headers:?}"
        );
    }
}

#[test]
fn parameters_are_compared_as_they_come_and_the_first_counts() {
    let parameter = |matcher: Value| json!({"queryParams": {"k": matcher}});
    let cases = [
        (parameter(json!({"exact": "v"})), "/?k=v", true),
        (parameter(json!({"exact": "v"})), "/?k=w&k=v", false),
        (parameter(json!({"exact": "v"})), "/?K=v", false),
        (parameter(json!({"exact": "a b"})), "/?k=a%20b", false),
        (parameter(json!({"exact": ""})), "/?k", true),
        (parameter(json!({})), "/?k=", true),
        (parameter(json!({"regex": "*"})), "/?x&k", true),
        (parameter(json!({})), "/", false),
        (parameter(json!({"prefix": "v"})), "/?k=vw", true),
        (parameter(json!({"exact": "v"})), "/?k=v#k=w", true),
    ];
    for (item, path, is_taken) in cases {
        let expected = if is_taken { "0" } else { "rest" };
        let table = matches(std::slice::from_ref(&item));
        assert_eq!(
            taken(&table, &get("b", path, &[])),
            expected,
            "{item} {path}"
        );
    }
}

#[test]
fn claims_are_texts_or_items_of_lists() {
    let metadata = json!({"envoy.filters.http.jwt_authn": {"payload": {
        "sub": "s", "list": ["a", "b"], "n": 1, "o": {"a.b": "x", "c": "y"}}}});
    let metadata = metadata.as_object();
    let cases = [
        ("@request.auth.claims.sub", "s", true),
        ("@Request.Auth.Claims.sub", "s", true),
        ("@request.auth.claims[list]", "b", true),
        ("@request.auth.claims.list", "c", false),
        ("@request.auth.claims.n", "1", false),
        ("@request.auth.claims.o.c", "y", true),
        ("@request.auth.claims[o][a.b]", "x", true),
        ("@request.auth.claims.o.a.b", "x", false),
    ];
    for (key, value, is_there) in cases {
        let table = matches(&[
            json!({"headers": {key: {"exact": value}}}),
            json!({"withoutHeaders": {key: {"exact": value}}}),
        ]);
        let mut request = get("b", "/", &[]);
        assert_eq!(taken(&table, &request), "1", "{key}: nobody is identified");
        request.metadata = metadata.map_or(Fact::Absent, Fact::Present);
        let expected = if is_there { "0" } else { "1" };
        assert_eq!(taken(&table, &request), expected, "{key}");
        request.metadata = Fact::Unavailable;
        assert_eq!(taken(&table, &request), "rest?", "{key}");
    }
}

#[test]
fn hosts_are_found_by_all_of_their_names() {
    let named = |hosts: Value, name: &str| json!({"hosts": hosts, "http": [{"name": name, "route": [{"destination": {"host": "b"}}]}]});
    let table = table(&[
        named(json!(["b", "example.com"]), "exact"),
        named(json!(["*.example.com"]), "wild"),
        named(json!(["*.a.example.com"]), "wilder"),
        named(json!(["b.m.svc.cluster.local"]), "far"),
        named(json!(["*-c.org", "10.0.0.7"]), "odd"),
    ]);
    let cases = [
        ("b", "exact"),
        ("B:8080", "exact"),
        ("b.n", "exact"),
        ("b.n.svc.cluster.local:80", "exact"),
        ("b.m", "far"),
        ("b.m.svc", "far"),
        ("b:http", "-"),
        ("b.x", "-"),
        ("example.com", "exact"),
        ("a.example.com", "wild"),
        ("x.a.example.com", "wilder"),
        ("xexample.com", "-"),
        ("x-c.org", "odd"),
        ("xc.org", "-"),
        ("10.0.0.7:80", "odd"),
        ("", "-"),
        ("[::1]:80", "-"),
        (&"x".repeat(300), "-"),
    ];
    for (authority, route) in cases {
        assert_eq!(
            taken(&table, &get(authority, "/", &[])),
            route,
            "{authority}"
        );
    }
    let any = self::table(&[named(json!(["*"]), "any"), named(json!(["::1"]), "six")]);
    assert_eq!(taken(&any, &get("[::1]:80", "/", &[])), "six");
    assert_eq!(taken(&any, &get("[::2]:80", "/", &[])), "any");
}

#[test]
fn names_are_those_of_the_route_and_the_match() {
    let table = table(&[json!({"hosts": ["b"], "http": [
        {"name": "r", "match": [{"name": "m", "uri": {"exact": "/m"}}, {"uri": {"exact": "/"}}],
         "route": [{"destination": {"host": "b"}}]},
        {"match": [{"name": "x", "uri": {"exact": "/x"}}], "route": [{"destination": {"host": "b"}}]},
    ]})]);
    for (path, name) in [("/m", "r.m"), ("/", "r"), ("/x", ".x"), ("/y", "404")] {
        assert_eq!(taken(&table, &get("b", path, &[])), name);
    }
}

#[test]
fn only_what_is_for_the_proxy_counts() {
    let http = json!([{"name": "taken", "route": [{"destination": {"host": "b"}}]}]);
    let with = |extra: Value| {
        let mut spec = json!({"hosts": ["b"], "http": http});
        spec.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        spec
    };
    let cases = [
        (json!({}), "taken"),
        (json!({"gateways": ["mesh"]}), "taken"),
        (json!({"gateways": ["g", "mesh"]}), "taken"),
        (json!({"gateways": ["g"]}), "-"),
        (json!({"exportTo": ["."]}), "taken"),
        (json!({"exportTo": ["*"]}), "taken"),
        (json!({"exportTo": ["m"]}), "-"),
        (json!({"exportTo": ["m", "n"]}), "taken"),
    ];
    for (extra, expected) in cases {
        let table = table(&[with(extra.clone())]);
        assert_eq!(taken(&table, &get("b", "/", &[])), expected, "{extra}");
    }
    let elsewhere =
        json!([{"match": [{"gateways": ["g"]}], "route": [{"destination": {"host": "b"}}]}]);
    let table = table(&[json!({"hosts": ["b"], "http": elsewhere})]);
    assert_eq!(
        taken(&table, &get("b", "/", &[])),
        "-",
        "no route is for it"
    );
    let items = [
        (json!({"sourceLabels": {"app": "a"}}), "0"),
        (json!({"sourceLabels": {"app": "b"}}), "rest"),
        (json!({"sourceNamespace": "n"}), "0"),
        (json!({"sourceNamespace": "m"}), "rest"),
        (json!({"gateways": ["mesh"], "sourceNamespace": "m"}), "0"),
        (json!({"gateways": ["g"]}), "rest"),
    ];
    for (item, expected) in items {
        let table = matches(std::slice::from_ref(&item));
        assert_eq!(taken(&table, &get("b", "/", &[])), expected, "{item}");
    }
}

#[test]
fn a_port_is_that_of_the_listener() {
    let table = matches(&[json!({"port": 8080})]);
    let mut request = get("b:9090", "/", &[]);
    assert_eq!(taken(&table, &request), "rest?");
    let address = |port| Fact::Present(([10, 0, 0, 1], port).into());
    request.connection.destination_address = address(8080);
    assert_eq!(taken(&table, &request), "0");
    request.connection.destination_address = address(9090);
    assert_eq!(taken(&table, &request), "rest");
}

#[test]
fn of_two_services_with_one_host_a_sidecar_takes_the_older_and_a_gateway_both() {
    let spec = |name: &str, path: Option<&str>| {
        let matches = path.map(|path| json!([{"uri": {"exact": path}}]));
        json!({"hosts": ["x.com"], "gateways": ["mesh", "g"],
               "http": [{"name": name, "match": matches, "route": [{"destination": {"host": "b"}}]}]})
    };
    let all = [spec("all", None), spec("one", Some("/one"))];
    let mut services = services(&all);
    services[0].created = "2026-01-02T00:00:00Z".into();
    services[1].created = "2026-01-01T00:00:00Z".into();
    let at = |proxy: &crate::Proxy, path| {
        let table = RouteTable::build(&services, proxy, &mut Diagnostics::new(), |_, _| ());
        taken(&table, &get("x.com", path, &[]))
    };
    let sidecar = proxy("n");
    assert_eq!(
        (at(&sidecar, "/one"), at(&sidecar, "/")),
        ("one".into(), "404".into())
    );
    let gateway = crate::Proxy::new(Workload::default(), vec!["n/g".into()]);
    assert_eq!(
        (at(&gateway, "/one"), at(&gateway, "/")),
        ("one".into(), "all".into())
    );
}

/// Whoever is older.
#[test]
fn what_takes_all_requests_comes_last_at_a_gateway() {
    let spec = |name: &str, uri: Option<Value>| {
        let matches = uri.map(|uri| json!([{"uri": uri}]));
        json!({"hosts": ["x.com"], "gateways": ["g"],
               "http": [{"name": name, "match": matches, "route": [{"destination": {"host": "b"}}]}]})
    };
    let one = || spec("one", Some(json!({"exact": "/one"})));
    let table = [
        (None, "one"),
        (Some(json!({"prefix": "/"})), "one"),
        (Some(json!({"regex": ".*"})), "one"),
        (Some(json!({"prefix": "/o"})), "older"),
        (Some(json!({"regex": "/.*"})), "older"),
    ];
    for (uri, expected) in table {
        let mut services = services(&[spec("older", uri.clone()), one()]);
        services[0].created = "2025-01-01T00:00:00Z".into();
        services[1].created = "2026-01-01T00:00:00Z".into();
        let gateway = crate::Proxy::new(Workload::default(), vec!["n/g".into()]);
        let table = RouteTable::build(&services, &gateway, &mut Diagnostics::new(), |_, _| ());
        let found = taken(&table, &get("x.com", "/one", &[]));
        assert_eq!(found, expected, "{uri:?}");
    }
}

#[test]
fn pseudo_headers_are_demanded_by_themselves() {
    let table = [
        (":method", vec![":method", ":path", ":authority"]),
        (":path", vec![":path", ":authority"]),
        ("host", vec![":path", ":authority"]),
        (":authority", vec![":path", ":authority"]),
    ];
    for (name, expected) in table {
        let demand = matches(&[json!({"headers": {name: {"exact": "x"}}})]).demand();
        let names = demand.iter().map(sluice_policy::Attribute::name);
        assert_eq!(names.collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn nothing_is_made_of_what_comes_after_a_route_for_all_requests() {
    for last in [
        json!({}),
        json!({"uri": {"prefix": "/"}}),
        json!({"uri": {"regex": ".*"}}),
    ] {
        let table = matches(&[
            json!({"uri": {"exact": "/a"}}),
            last,
            json!({"uri": {"exact": "/b"}}),
        ]);
        assert_eq!(table.route_count(), 2);
    }
    assert_eq!(
        matches(&[json!({"port": 1}), json!({"method": {"prefix": "G"}})]).route_count(),
        3
    );
}

#[test]
fn what_is_demanded_is_what_conditions_look_at() {
    let names = |items: &[Value]| -> Vec<&str> {
        let demand = matches(items).demand();
        demand.iter().map(sluice_policy::Attribute::name).collect()
    };
    assert_eq!(names(&[]), [":path", ":authority"]);
    let all = [
        json!({"port": 1, "headers": {"@request.auth.claims.a": {}}, "withoutHeaders": {"x": {}}}),
    ];
    let expected = [
        ":path",
        ":authority",
        "request.headers",
        "destination.address",
        "metadata",
    ];
    assert_eq!(names(&all), expected);
    let none = RouteTable::build(&[], &proxy("n"), &mut Diagnostics::new(), |_, _| ());
    assert!(none.demand().is_empty() && none.route_count() == 0);
}

/// Every request gets the same answer from a search that tries routes one by one.
#[test]
fn the_index_finds_what_trying_them_all_would() {
    let uris = ["/", "/a", "/a/b", "/b", "/ab"];
    let mut items = Vec::new();
    for (number, uri) in uris.iter().cycle().take(40).enumerate() {
        let kind = ["exact", "prefix", "regex"][number % 3];
        items.push(json!({
            "uri": {kind: uri},
            "ignoreUriCase": number % 5 == 1,
            "headers": {"x": {"exact": (number % 7).to_string()}},
        }));
    }
    let table = matches(&items);
    for value in 0..8 {
        let value = value.to_string();
        let lines: [HeaderLine<'_>; 1] = [(b"x", value.as_bytes())];
        for path in ["/", "/a", "/A", "/a/b", "/a/B/c", "/b", "/ab", "/c", "/B"] {
            let request = get("b", path, &lines);
            let naive = table.routes().find(|route| {
                let uri = route.uri.as_ref();
                uri.is_none_or(|uri| uri.matches(path.as_bytes(), &Effort::default()))
                    && route.conditions.iter().all(|condition| {
                        condition.holds(&request, &Effort::default()) == Some(true)
                    })
            });
            assert_eq!(
                taken(&table, &request),
                *naive.unwrap().name,
                "{path} {value}"
            );
        }
    }
}

#[test]
fn a_service_that_is_wrong_is_refused_in_one_pass() {
    use sluice_policy::DiagnosticCode as C;
    let mut diagnostics = Diagnostics::new();
    let route = json!([{"destination": {"host": "b"}}]);
    service(
        &json!({"hosts": ["a.*"], "http": [
            {"route": route, "redirect": {"uri": "/x"}},
            {"delegate": {"name": "x"}},
            {"match": [{"uri": {"exact": "/", "prefix": "/"}, "headers": {"a b": {}, "x": {"regex": "("}}}],
             "rewrite": {"uri": "/x", "uriRegexRewrite": {"match": "a", "rewrite": "b"}}, "route": route},
            {"route": [{"destination": {"host": "a"}}, {"destination": {"host": "b"}}]},
            {"name": "empty"},
            {"route": route, "retries": {"retryOn": "gateway-eror"}, "timeout": "0s", "colour": 1},
            {"route": route, "headers": {"request": {"set": {"x": "%FOO%"}}}},
            {"directResponse": {"status": 99}, "fault": {}},
            {"redirect": {"uri": "/x", "redirectCode": 304}},
        ]}),
        &mut diagnostics,
    );
    let errors = diagnostics
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let codes: Vec<_> = errors.map(|finding| finding.code).collect();
    let expected = [
        C::InvalidWildcard,
        C::ConflictingFields,
        C::NotPossibleInWasm,
        C::ConflictingFields,
        C::ConflictingFields,
        C::InvalidHeaderName,
        C::InvalidRegex,
        C::OutOfRange,
        C::MissingKey,
        C::InvalidDuration,
        C::UnknownValue,
        C::UnknownKey,
        C::NotPossibleInWasm,
        C::OutOfRange,
        C::UnknownValue,
    ];
    assert_eq!(codes, expected, "{diagnostics}");
}
