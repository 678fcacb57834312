//! Clients that stay where they are.

use super::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A split of a route between two subsets, by `weight` percent for the second one.
fn split(weight: u32, by: &Value) -> Proxy {
    Proxy::new(&split_by(weight, by))
}

fn split_by(weight: u32, by: &Value) -> Value {
    let mut config = of_service(json!({"http": [{"name": "r", "route": [
        {"destination": {"host": "b", "subset": "v1"}, "weight": 100 - weight},
        {"destination": {"host": "b", "subset": "v2"}, "weight": weight}]}]}));
    let sticky = resource(
        "StickySplit",
        "sticky",
        &json!({"virtualService": "s", "by": by}),
    );
    config["resources"].as_array_mut().unwrap().push(sticky);
    config
}

#[test]
fn a_client_stays_while_its_destination_grows() {
    let by = json!({"header": "X-User"});
    let mut steps: Vec<Proxy> = [5, 20, 50, 100].map(|weight| split(weight, &by)).into();
    let mut counts = [0_u32; 4];
    for client in 0..2_000 {
        let client = client.to_string();
        let places: Vec<bool> = steps
            .iter_mut()
            .map(|proxy| proxy.destination(&[("x-user", &client)]).contains("v2"))
            .collect();
        assert!(places.is_sorted(), "{client}: {places:?}");
        for (count, is_there) in counts.iter_mut().zip(&places) {
            *count += u32::from(*is_there);
        }
    }
    for (count, expected) in counts.into_iter().zip([100, 400, 1_000, 2_000]) {
        assert!(count.abs_diff(expected) < 112, "{counts:?}");
    }
}

#[test]
fn clients_are_told_apart_by_what_is_declared() {
    let twice = |proxy: &mut Proxy, headers: &[(&str, &str)]| {
        let places: Vec<_> = (0..20).map(|_| proxy.destination(headers)).collect();
        places.windows(2).all(|pair| pair[0] == pair[1])
    };
    let mut by_header = split(50, &json!({"header": "x-user"}));
    assert!(twice(&mut by_header, &[("x-user", "a")]));
    assert!(!twice(&mut by_header, &[]));
    assert!(!twice(&mut by_header, &[("x-user", "")]));
    assert!(twice(&mut split(50, &json!({"sourceAddress": true})), &[]));
    let mut by_cookie = split(
        50,
        &json!({"cookie": {"name": "c", "ttl": "1h", "path": "/x"}}),
    );
    assert!(twice(&mut by_cookie, &[("cookie", "a=b; c=d")]));
    let Became::Sent { to, response, .. } = by_cookie.send("/", &[("cookie", "cc=d; xc=e")]) else {
        panic!("not sent");
    };
    let line = response[0].strip_prefix("set-cookie+=c=").unwrap();
    let (value, rest) = line.split_once(';').unwrap();
    assert_eq!(rest, " Path=/x; Max-Age=3600; HttpOnly; SameSite=Lax");
    assert_eq!(value.len(), 32);
    // Who brings it back is where it was.
    let cookie = format!("c={value}");
    assert_eq!(by_cookie.destination(&[("cookie", &cookie)]), to);
    let payload = json!({"sub": "alice", "o": {"a.b": "x"}});
    let metadata = json!({"envoy.filters.http.jwt_authn": {"payload": payload}});
    let request = Request {
        metadata: metadata.as_object().map_or(Fact::Absent, Fact::Present),
        ..get_b()
    };
    for claim in ["sub", "[sub]", "[o][a.b]"] {
        let mut by_claim = split(50, &json!({"claim": claim}));
        let first = by_claim.judge(&request);
        assert!(
            (0..20).all(|_| by_claim.judge(&request) == first),
            "{claim}"
        );
    }
}

/// What the client told of its connection counts more than this proxy's own.
#[test]
fn a_cookie_that_came_by_tls_goes_by_tls_alone() {
    let table: [(&[(&str, &str)], bool); 4] = [
        (&[], false),
        (&[(":scheme", "https")], true),
        (&[("x-forwarded-proto", "https")], true),
        (
            &[(":scheme", "https"), ("x-forwarded-proto", "http")],
            false,
        ),
    ];
    for (headers, is_secure) in table {
        let mut proxy = split(50, &json!({"cookie": {"name": "c"}}));
        let Became::Sent { response, .. } = proxy.send("/", headers) else {
            panic!("not sent");
        };
        assert_eq!(response[0].ends_with("; Secure"), is_secure, "{headers:?}");
    }
}

/// What a guard of the split counts of a request of a client.
#[test]
fn a_guard_knows_clients_by_their_key() {
    let guarded = |by: &Value| {
        let mut config = split_by(50, by);
        let spec = json!({"virtualService": "s", "stable": "v1", "canary": "v2"});
        let guard = resource("CanaryGuard", "guard", &spec);
        config["resources"].as_array_mut().unwrap().push(guard);
        Proxy::new(&config)
    };
    let client = |proxy: &mut Proxy, headers: &[(&str, &str)]| {
        proxy.destination(headers);
        proxy.watched.expect("both subsets are watched").client
    };
    let mut proxy = guarded(&json!({"header": "x-user"}));
    let mut known = Vec::new();
    for number in 0..1_000 {
        let name = number.to_string();
        let headers = [("x-user", &*name)];
        let first = client(&mut proxy, &headers);
        assert_eq!(client(&mut proxy, &headers), first);
        known.extend(first);
    }
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), 1_000);
    assert_eq!(client(&mut proxy, &[]), None, "chance decides");
    // Who brings back the cookie that it got is the same client.
    let mut proxy = guarded(&json!({"cookie": {"name": "c"}}));
    let Became::Sent { response, .. } = proxy.send("/", &[]) else {
        panic!("not sent");
    };
    let new = proxy.watched.and_then(|watched| watched.client);
    assert!(new.is_some());
    let cookie = response[0].strip_prefix("set-cookie+=").unwrap();
    let (cookie, _) = cookie.split_once(';').unwrap();
    assert_eq!(client(&mut proxy, &[("cookie", cookie)]), new);
}

#[test]
fn a_split_that_sticks_to_nothing_is_refused() {
    let mut config = of_service(json!({"http": [{"name": "r", "route": to_b()}]}));
    let specs = [
        (json!({"virtualService": "s", "by": {"header": "a"}}), None),
        (
            json!({"virtualService": "s", "route": "r", "by": {"header": "a"}}),
            None,
        ),
        (
            json!({"virtualService": "x", "by": {"header": "a"}}),
            Some("unknown-route"),
        ),
        (
            json!({"virtualService": "s", "route": "x", "by": {"header": "a"}}),
            Some("unknown-route"),
        ),
        (
            json!({"virtualService": "s", "by": {}}),
            Some("conflicting-fields"),
        ),
        (
            json!({"virtualService": "s", "by": {"header": "a", "claim": "b"}}),
            Some("conflicting-fields"),
        ),
        (
            json!({"virtualService": "s", "by": {"header": "a b"}}),
            Some("invalid-header-name"),
        ),
        (
            json!({"virtualService": "s", "by": {"cookie": {"name": "a=b"}}}),
            Some("invalid-header-name"),
        ),
        (
            json!({"virtualService": "s", "by": {"cookie": {"name": "a", "path": "x;y"}}}),
            Some("invalid-header-value"),
        ),
        (json!({"by": {"header": "a"}}), Some("missing-key")),
    ];
    for (spec, expected) in specs {
        let sticky = resource("StickySplit", "sticky", &spec);
        let service = config["resources"][0].clone();
        config["resources"] = json!([service, sticky]);
        let (_, diagnostics) = configured(&config);
        let code = diagnostics.iter().next().map(|finding| finding.code.name());
        assert_eq!(code, expected, "{spec}");
    }
}
