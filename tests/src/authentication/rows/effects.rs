//! What a good token does to the request.

use crate::authentication::row::{Expected, Row};

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::bearing("forward", "forwarded", &[("authorization", "Bearer {good}")])
        .passes(&[("authorization", Some("Bearer {good}")), ("/sub", Some("\"alice\""))]),
    Row::get("forward", "forwarded in the query", "/?b=2&access_token={good}&a=1")
        .passes(&[(":path", Some("/?b=2&access_token={good}&a=1"))]),
    Row::bearing("one", "the header goes with all it holds", &[("authorization", "Basic abc, Bearer {good}")])
        .passes(&[("authorization", None)]),
    Row::get("one", "order of the query", "/p?b=2&access_token={good}&a=1").passes(&[(":path", Some("/p?a=1&b=2"))])
        .but("a token in a parameter", Expected::Passes(&[(":path", Some("/p?b=2&a=1"))])),
    Row::get("one", "a name without value in the query", "/p?a&access_token={good}").passes(&[(":path", Some("/p?a="))])
        .but("a token in a parameter", Expected::Passes(&[(":path", Some("/p?a"))])),
    Row::get("one", "encoding of the query", "/p?a=%78&access_token={good}").passes(&[(":path", Some("/p?a=x"))])
        .but("a token in a parameter", Expected::Passes(&[(":path", Some("/p?a=%78"))])),
    Row::get("one", "a name twice in the query", "/p?a=1&access_token={good}&a=1").passes(&[(":path", Some("/p?a=1&a=1"))]),
    Row::bearing("outputs", "payload and claims", &[("authorization", "Bearer {claims}")]).passes(&[
        ("x-payload", Some("{claims:1}")),
        ("x-text", Some("plain")),
        ("x-whole", Some("42")),
        ("x-huge", Some("12345678901234567168")),
        ("x-fraction", Some("1.500000")),
        ("x-negative", Some("-3.000000")),
        ("x-yes", Some("true")),
        ("x-no", Some("false")),
        ("x-none", None),
        ("x-empty", None),
        ("x-missing", None),
        ("x-list", Some("WzEsImIiXQ==")),
        ("x-object", Some("eyJhIjp7ImMiOiJkZWVwIn19")),
        ("x-deep", Some("deep")),
        ("x-odd", Some("odd")),
        ("x-dotted", None),
    ]),
    Row::bearing("outputs", "a line break in a claim", &[("authorization", "Bearer {newline}")])
        .expects(Expected::Fails(503))
        .but("a claim for a header has a control character", Expected::Refused(401, "Jwt claim has a character that no header may have")),
    Row::bearing("outputs", "spoofed without a token", &[("x-payload", "spoofed"), ("x-text", "spoofed"), ("X-Object", "spoofed")])
        .passes(&[("x-payload", None), ("x-text", None), ("x-object", None)]),
    Row::bearing("outputs", "spoofed beside a token", &[("authorization", "Bearer {good}"), ("x-payload", "spoofed"), ("x-text", "spoofed")])
        .passes(&[("x-payload", Some("{good:1}")), ("x-text", None)]),
    Row::bearing("one", "claims that Istio splits", &[("authorization", "Bearer {scopes}")])
        .passes(&[("/scope", Some(r#"["read","write"]"#)), ("/permission", Some(r#"["a","b"]"#)), ("/groups", Some("\"x y\""))]),
    Row::bearing("groups", "claims that the rule splits", &[("authorization", "Bearer {scopes}")])
        .passes(&[("/groups", Some(r#"["x","y"]"#)), ("/roles", Some("\"p q\"")), ("/scope", Some(r#"["read","write"]"#))]),
];
