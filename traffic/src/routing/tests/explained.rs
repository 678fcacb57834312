//! Why a request takes its route.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Near misses as `ROUTE: FIELD FOUND/EXPECTED, …`.
fn near_misses(proxy: &mut Proxy, request: &Request<'_>) -> (Vec<String>, bool) {
    let mut moment = Moment {
        dice: &mut proxy.dice,
        upstreams: &mut proxy.upstreams,
        guards: &proxy.guards,
        now_ms: 0,
    };
    let explanation = explain(&proxy.program, request, &mut moment);
    let shown = |test: &FailedTest| {
        let found = test.found.as_deref().unwrap_or("unknown");
        format!("{} {found}/{}", test.field, test.expected)
    };
    let misses = explanation.near_misses.iter().map(|miss| {
        let failed: Vec<String> = miss.failed.iter().map(shown).collect();
        format!("{}: {}", miss.route, failed.join(", "))
    });
    (misses.collect(), explanation.is_drawn)
}

/// Destinations that there is a choice of, with their weights.
fn choices(route: &Value) -> Vec<(String, u32)> {
    let mut proxy = Proxy::of(json!({"http": [{"route": route}]}));
    let mut moment = Moment {
        dice: &mut proxy.dice,
        upstreams: &mut proxy.upstreams,
        guards: &proxy.guards,
        now_ms: 0,
    };
    let explanation = explain(&proxy.program, &get_b(), &mut moment);
    let choices = explanation.choices.iter();
    choices
        .map(|(name, weight)| ((*name).to_owned(), *weight))
        .collect()
}

#[test]
fn destinations_are_told_where_there_is_a_choice() {
    assert_eq!(choices(&to_b()), []);
    let split = json!([
        {"destination": {"host": "b"}, "weight": 3},
        {"destination": {"host": "c", "port": {"number": 81}}, "weight": 1}]);
    let expected = [
        ("||b.n.svc.cluster.local".to_owned(), 3),
        ("81||c.n.svc.cluster.local".to_owned(), 1),
    ];
    assert_eq!(choices(&split), expected);
}

#[test]
fn routes_that_nearly_took_a_request_say_what_failed() {
    let claim = "@request.auth.claims.a.b";
    let mut proxy = Proxy::of(json!({"http": [
        {"name": "far", "match": [{"uri": {"exact": "/a"}, "method": {"exact": "PUT"}}], "route": to_b()},
        {"name": "regex", "match": [{"uri": {"regex": "/[a-z]"}}], "route": to_b()},
        {"name": "header", "match": [{"headers": {"x-a": {"prefix": "v"}}}], "route": to_b()},
        {"name": "without", "match": [{"withoutHeaders": {"x-b": {}}}], "route": to_b()},
        {"name": "query", "match": [{"queryParams": {"q": {"exact": "2"}}}], "route": to_b()},
        {"name": "claim", "match": [{"headers": {claim: {"exact": "c"}}}], "route": to_b()},
        {"name": "rest", "route": [
            {"destination": {"host": "b"}, "weight": 1}, {"destination": {"host": "c"}, "weight": 1}]},
        {"name": "after", "route": to_b()},
    ]}));
    let lines: [HeaderLine<'_>; 2] = [(b"x-a", b"1"), (b"x-b", b"2")];
    let request = Request {
        method: Fact::Present(b"GET"),
        path: Fact::Present(b"/9?q=1"),
        authority: Fact::Present(b"b"),
        headers: Fact::Present(&lines),
        metadata: Fact::Absent,
        ..Request::default()
    };
    let (misses, is_drawn) = near_misses(&mut proxy, &request);
    let expected = [
        r#"regex: uri "/9"/regex "/[a-z]""#,
        r#"header: headers x-a "1"/prefix "v""#,
        r#"without: withoutHeaders x-b "2"/not anything"#,
        r#"query: queryParams q "1"/exact "2""#,
        r#"claim: claim a.b nothing/exact "c""#,
    ];
    assert_eq!(
        (misses, is_drawn),
        (expected.map(str::to_owned).to_vec(), true)
    );
}

#[test]
fn what_is_not_known_is_said_so() {
    let mut proxy = Proxy::of(json!({"http": [
        {"name": "port", "match": [{"port": 9090}], "route": to_b()},
        {"name": "rest", "match": [{"uri": {"prefix": "/x"}}], "route": to_b()},
    ]}));
    let request = Request {
        path: Fact::Present(b"/"),
        authority: Fact::Present(b"b"),
        ..Request::default()
    };
    let (misses, is_drawn) = near_misses(&mut proxy, &request);
    let expected = ["port: port unknown/9090", r#"rest: uri "/"/prefix "/x""#];
    assert_eq!(
        (misses, is_drawn),
        (expected.map(str::to_owned).to_vec(), false)
    );
}
