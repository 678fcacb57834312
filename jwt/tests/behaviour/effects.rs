//! What the upstream and other filters get.

use serde_json::{Value, json};
use sluice_jwt::{Status, Verdict};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The request that the upstream sees after a rule with more fields.
fn seen(fields: Value, call: &Call) -> (String, Vec<(String, String)>) {
    let outcome = judged(&program(json!([rule_with("one", fields)])), call);
    forwarded(call, &outcome)
}

fn line(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_header_goes_whatever_else_it_held() {
    let call = get("/").with("x", "y");
    let call = call.with(
        AUTHORIZATION,
        &format!("Basic abc, Bearer {}", token("one")),
    );
    assert_eq!(seen(json!({}), &call).1, [line("x", "y")]);
}

#[test]
fn a_forwarded_token_stays() {
    let call = bearing(&token("one"));
    assert_eq!(
        seen(json!({"forwardOriginalToken": true}), &call).1,
        call.headers
    );
}

#[test]
fn a_parameter_goes_and_the_others_stay_as_they_are() {
    let call = get(&format!(
        "/p?a=1&access_token={}&b=%20x%26y&c",
        token("one")
    ));
    assert_eq!(seen(json!({}), &call).0, "/p?a=1&b=%20x%26y&c");
    let forward = json!({"forwardOriginalToken": true});
    assert_eq!(seen(forward, &call).0, call.path);
}

#[test]
fn a_cookie_stays() {
    let call = get("/").with("cookie", &format!("t={}", token("one")));
    assert_eq!(seen(json!({"fromCookies": ["t"]}), &call).1, call.headers);
}

#[test]
fn the_payload_goes_into_its_header_as_it_came() {
    let token = token("one");
    let fields = json!({"outputPayloadToHeader": "X-Payload"});
    let found = seen(fields, &bearing(&token)).1;
    assert_eq!(found, [line("x-payload", &payload(&token))]);
}

/// Of one claim, written as JSON, the header that the upstream sees.
fn claim_header(claim: &str, path: &str) -> Option<String> {
    let fields = json!({"outputClaimToHeaders": [{"header": "X-Claim", "claim": path}]});
    let token = token_of_text("one", &format!(r#"{{"iss": "one", "c": {claim}}}"#));
    let mut lines = seen(fields, &bearing(&token)).1;
    assert!(lines.len() < 2, "{lines:?}");
    lines.pop().map(|(name, value)| {
        assert_eq!(name, "x-claim");
        value
    })
}

#[test]
fn claims_become_texts() {
    for (claim, expected) in [
        ("\"text\"", Some("text")),
        ("\"é\"", Some("é")),
        ("\"a\\tb\"", Some("a\tb")),
        ("\"\"", None),
        ("null", None),
        ("true", Some("true")),
        ("false", Some("false")),
        ("0", Some("0")),
        ("42", Some("42")),
        ("2.0", Some("2")),
        ("12345678901234567890", Some("12345678901234567168")),
        ("18446744073709551615", Some("18446744073709551616.000000")),
        ("1e3", Some("1000")),
        ("1.5", Some("1.500000")),
        ("-3", Some("-3.000000")),
        ("-0.0", Some("0")),
        ("0.0000001", Some("0.000000")),
        ("1e22", Some("10000000000000000000000.000000")),
        ("2.0000005", Some("2.000001")),
        ("0.1", Some("0.100000")),
        ("{\"a\": [1]}", Some("eyJhIjpbMV19")),
        ("[\"x\"]", Some("WyJ4Il0=")),
        ("[]", Some("W10=")),
    ] {
        assert_eq!(claim_header(claim, "c").as_deref(), expected, "{claim}");
    }
}

#[test]
fn claims_inside_of_claims_are_reached_by_dots() {
    let nested = r#"{"a": {"b/c": "deep"}, "x.y": "dotted", "l": [1]}"#;
    for (path, expected) in [
        ("c.a.b/c", Some("deep")),
        ("c.x.y", None),
        ("c.l.0", None),
        ("c.a.b/c.d", None),
        ("a", None),
        ("c.", None),
        ("", None),
    ] {
        if !path.is_empty() {
            assert_eq!(claim_header(nested, path).as_deref(), expected, "{path}");
        }
    }
}

/// Envoy breaks such a request off when it sends it.
#[test]
fn a_claim_that_no_header_can_carry_refuses_the_token() {
    let fields = || json!({"outputClaimToHeaders": [{"header": "x", "claim": "c"}]});
    for text in ["a\nb", "a\rb", "a\0b", "\u{7f}"] {
        let call = bearing(&token_with("one", json!({"c": text})));
        let found = verdict(json!([rule_with("one", fields())]), &call);
        assert_eq!(found, Verdict::Refuse(Status::ClaimNotSendable), "{text:?}");
        // Where no header asks for it, it is a claim like another.
        assert_eq!(verdict(json!([rule("one")]), &call), Verdict::Pass);
    }
}

#[test]
fn headers_of_ours_cannot_be_forged() {
    let fields = json!({
        "outputPayloadToHeader": "x-payload",
        "outputClaimToHeaders": [
            {"header": "x-iss", "claim": "iss"},
            {"header": "x-role", "claim": "role"},
        ],
    });
    let forge = |call: Call| {
        call.with("x-payload", "forged")
            .with("x-iss", "forged")
            .with("x-role", "forged")
            .with("x-role", "twice")
            .with("x-other", "kept")
    };
    let rules = json!([rule_with("one", fields), rule("two")]);
    let program = program(rules);
    let call = forge(get("/"));
    let kept = line("x-other", "kept");
    assert_eq!(
        forwarded(&call, &judged(&program, &call)).1,
        std::slice::from_ref(&kept)
    );
    let call = forge(bearing(&token("two")));
    assert_eq!(
        forwarded(&call, &judged(&program, &call)).1,
        std::slice::from_ref(&kept)
    );
    let call = forge(bearing(&token("one")));
    let mut found = forwarded(&call, &judged(&program, &call)).1;
    found.sort();
    let payload = line("x-payload", &payload(&token("one")));
    assert_eq!(found, [line("x-iss", "one"), kept.clone(), payload]);
    let preflight = forge(get("/"))
        .with("origin", "https://shop")
        .with("access-control-request-method", "PUT");
    let preflight = Call {
        method: "OPTIONS",
        ..preflight
    };
    let found = forwarded(&preflight, &judged(&program, &preflight)).1;
    assert_eq!(found.first(), Some(&kept));
    assert_eq!(found.len(), 3);
}

#[test]
fn two_tokens_give_two_lines() {
    let fields = json!({"outputPayloadToHeader": "x-payload"});
    let of = |name: &str| token_with("one", json!({"sub": name}));
    let call = get(&format!("/?access_token={}", of("q")))
        .with(AUTHORIZATION, &format!("Bearer {}", of("h")))
        .with("x-payload", "forged");
    let (q, h) = (payload(&of("q")), payload(&of("h")));
    let found = seen(fields, &call).1;
    assert_eq!(found, [line("x-payload", &q), line("x-payload", &h)]);
}

/// What a rule writes into the header that it takes tokens from: nothing is found
/// there, and nothing arrives.
#[test]
fn a_rule_that_writes_where_it_reads_finds_nothing() {
    let fields = json!({
        "fromHeaders": [{"name": "x-token"}],
        "outputPayloadToHeader": "x-token",
    });
    let call = get("/").with("x-token", "rubbish");
    assert_eq!(seen(fields, &call).1, []);
}

#[test]
fn a_rule_finds_what_another_one_wrote() {
    let writes = rule_with(
        "one",
        json!({"outputClaimToHeaders": [{"header": "x-inner", "claim": "inner"}]}),
    );
    let reads = rule_with("two", json!({"fromHeaders": [{"name": "x-inner"}]}));
    let inner = token("two");
    let bad = token_with("one", json!({"exp": 1}));
    let good = token_with("one", json!({"inner": inner}));
    let call = in_order(&bad, &good);
    // Rule `one` accepts the parameter, writes the header, and fails by the other token.
    let outcome = judged(&program(json!([writes, reads])), &call);
    assert_eq!(identity(&outcome).as_deref(), Some("two"));
    assert_eq!(upstream(&call, &outcome, "x-inner"), [""; 0]);
}

fn in_order(header: &str, parameter: &str) -> Call {
    get(&format!("/?access_token={parameter}")).with(AUTHORIZATION, &format!("Bearer {header}"))
}

#[test]
fn claims_that_are_lists_in_one_text_are_handed_over_as_lists() {
    let claims = json!({
        "scope": "read  write", "permission": " a", "custom": "x y", "other": "x y",
        "roles": ["a b"], "empty": "",
    });
    let fields = json!({"spaceDelimitedClaims": ["custom", "roles", "empty", "missing"]});
    let rules = json!([rule_with("one", fields)]);
    let outcome = judged(
        &program(rules),
        &bearing(&token_with("one", claims.clone())),
    );
    let mut expected = claims_of("one", claims);
    expected["scope"] = json!(["read", "write"]);
    expected["permission"] = json!(["a"]);
    expected["custom"] = json!(["x", "y"]);
    assert_eq!(handed_over(&outcome), Some(json!({"payload": expected})));
}

#[test]
fn a_principal_needs_both_halves() {
    for (claims, expected) in [
        (json!({"iss": "one", "sub": "s"}), Some("one/s")),
        (json!({"iss": "one"}), None),
        (json!({"iss": "one", "sub": ""}), None),
    ] {
        let token = token_of_text("one", &claims.to_string());
        let outcome = judged(&program(json!([rule("one")])), &bearing(&token));
        let identity = outcome.identity.unwrap();
        assert_eq!(identity.principal.as_deref(), expected);
    }
}

#[test]
fn a_remembered_token_gives_the_same_again() {
    let fields = json!({
        "outputPayloadToHeader": "x-payload",
        "outputClaimToHeaders": [{"header": "x-iss", "claim": "iss"}],
    });
    let program = program(json!([rule_with("one", fields), rule("two")]));
    let mut desk = Desk::of(&program);
    let call = bearing(&token("one"));
    let mut again =
        || call.lend(|request| sluice_jwt::authenticate(&program, request, NOW, &mut desk));
    let (first, second) = (again(), again());
    assert_eq!(first, second);
    let (sluice_jwt::Progress::Done(first), sluice_jwt::Progress::Done(second)) = (first, second)
    else {
        panic!("nothing to wait for")
    };
    // The work was not done twice.
    let (first, second) = (first.identity.unwrap(), second.identity.unwrap());
    assert!(std::rc::Rc::ptr_eq(&first, &second));
}
