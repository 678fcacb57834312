//! Where tokens are found.

use serde_json::{Value, json};
use sluice_jwt::{Status, Verdict};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PASS: Verdict = Verdict::Pass;
const BAD_FORMAT: Verdict = Verdict::Refuse(Status::BadFormat);
const BAD_SIGNATURE: Verdict = Verdict::Refuse(Status::SignatureBadBase64);

/// The verdict of a rule on a request, and whether it found a good token.
fn found(fields: Value, call: &Call) -> (Verdict, bool) {
    let program = program(json!([rule_with("one", fields)]));
    let outcome = judged(&program, call);
    (outcome.verdict, outcome.identity.is_some())
}

#[test]
fn the_prefix_stands_anywhere_and_what_is_no_token_is_skipped() {
    let token = token("one");
    for (value, expected) in [
        (format!("Bearer {token}"), (PASS, true)),
        (format!("Bearer  {token}"), (PASS, true)),
        (format!("Bearer \t\"{token}"), (PASS, true)),
        (format!("xBearer {token}"), (PASS, true)),
        (format!("Basic abc, Bearer {token}"), (PASS, true)),
        (format!("Bearer {token} junk"), (BAD_SIGNATURE, false)),
        (format!("Bearer {token},"), (BAD_SIGNATURE, false)),
        (format!("Bearer \"{token}\""), (BAD_SIGNATURE, false)),
        (format!("bearer {token}"), (PASS, false)),
        (format!("Bearer\t{token}"), (PASS, false)),
        ("Bearer".to_owned(), (PASS, false)),
        ("Basic abc".to_owned(), (PASS, false)),
        (String::new(), (PASS, false)),
        // Nothing of a token behind it: all of the value is taken for one.
        ("Bearer ".to_owned(), (BAD_FORMAT, false)),
        ("Bearer !!".to_owned(), (BAD_FORMAT, false)),
    ] {
        let call = get("/").with(AUTHORIZATION, &value);
        assert_eq!(found(json!({}), &call), expected, "{value}");
    }
}

#[test]
fn a_prefix_without_blank_takes_what_follows_it() {
    let fields = json!({"fromHeaders": [{"name": AUTHORIZATION, "prefix": "Bearer"}]});
    let call = get("/").with(AUTHORIZATION, &format!("Bearer\t{}", token("one")));
    assert_eq!(found(fields, &call), (PASS, true));
}

#[test]
fn several_lines_of_authorization_are_one() {
    let call = bearing(&token("one")).with(AUTHORIZATION, &format!("Bearer {}", token("one")));
    let (verdict, _) = found(json!({}), &call);
    assert!(matches!(verdict, Verdict::Refuse(_)), "{verdict:?}");
    let call = get("/").with(AUTHORIZATION, "Basic x");
    let call = call.with(AUTHORIZATION, &format!("Bearer {}", token("one")));
    assert_eq!(found(json!({}), &call), (PASS, true));
    // With a comma between them, so that halves of a token are none.
    let token = token("one");
    let (signed, signature) = token.split_at(token.rfind('.').unwrap() + 1);
    let call = bearing(signed).with(AUTHORIZATION, signature);
    assert_eq!(found(json!({}), &call), (BAD_SIGNATURE, false));
}

#[test]
fn a_header_without_prefix_is_all_token() {
    let fields = || json!({"fromHeaders": [{"name": "X-Token"}]});
    let call = get("/").with("x-token", &token("one"));
    assert_eq!(found(fields(), &call), (PASS, true));
    assert_eq!(
        found(fields(), &get("/").with("x-token", "")),
        (BAD_FORMAT, false)
    );
    assert_eq!(found(fields(), &get("/")), (PASS, false));
}

#[test]
fn every_line_of_another_header_is_a_token() {
    let fields = || json!({"fromHeaders": [{"name": "x-token"}]});
    let call = get("/")
        .with("x-token", &token("one"))
        .with("x-token", &token("one"));
    assert_eq!(found(fields(), &call), (PASS, true));
    let call = get("/")
        .with("x-token", &token("one"))
        .with("x-token", "rubbish");
    assert_eq!(found(fields(), &call), (BAD_FORMAT, false));
}

#[test]
fn parameters_are_decoded_and_the_first_counts() {
    let token = token("one");
    let encoded = token.replace('.', "%2e");
    for (path, expected) in [
        (format!("/?access_token={token}"), (PASS, true)),
        (format!("/?a=b&access_token={encoded}&c"), (PASS, true)),
        (
            format!("/?access_token={token}&access_token=x"),
            (PASS, true),
        ),
        (
            format!("/?access_token=x&access_token={token}"),
            (BAD_FORMAT, false),
        ),
        ("/?access_token=".to_owned(), (BAD_FORMAT, false)),
        ("/?access_token".to_owned(), (BAD_FORMAT, false)),
        (format!("/?Access_token={token}"), (PASS, false)),
        (format!("/access_token={token}"), (PASS, false)),
    ] {
        assert_eq!(found(json!({}), &get(&path)), expected, "{path}");
    }
}

#[test]
fn cookies_lose_their_quotes() {
    let token = token("one");
    let fields = || json!({"fromCookies": ["session"]});
    for (value, expected) in [
        (format!("a=b; session={token}"), (PASS, true)),
        (format!("session=\"{token}\";a=b"), (PASS, true)),
        (format!("session={token}; session=x"), (PASS, true)),
        ("session=".to_owned(), (BAD_FORMAT, false)),
        ("sessions=x".to_owned(), (PASS, false)),
    ] {
        let call = get("/").with("cookie", &value);
        assert_eq!(found(fields(), &call), expected, "{value}");
    }
    let call = get("/")
        .with("cookie", "a=b")
        .with("cookie", &format!("session={token}"));
    assert_eq!(found(fields(), &call), (PASS, true));
}

#[test]
fn one_place_of_its_own_ends_the_defaults() {
    for fields in [
        json!({"fromHeaders": [{"name": "x-token"}]}),
        json!({"fromParams": ["t"]}),
        json!({"fromCookies": ["t"]}),
    ] {
        let token = token("one");
        assert_eq!(found(fields.clone(), &bearing(&token)), (PASS, false));
        let call = get(&format!("/?access_token={token}"));
        assert_eq!(found(fields, &call), (PASS, false));
    }
}

/// The token that is looked at last makes the identity.
#[test]
fn what_was_collected_last_is_looked_at_first() {
    let of = |name: &str| token_with("one", json!({"sub": name}));
    let fields = json!({
        "fromHeaders": [{"name": "x-b"}, {"name": "x-a", "prefix": "!!"}, {"name": "x-a"}],
        "fromParams": ["q", "p"],
        "fromCookies": ["d", "c"],
    });
    let program = program(json!([rule_with("one", fields)]));
    let cookies = |call: Call| call.with("cookie", &format!("d={}; c={}", of("d"), of("c")));
    let parameters = format!("/?q={}&p={}", of("q"), of("p"));
    for (call, last) in [
        (cookies(get("/")), "c"),
        (cookies(get(&parameters)), "p"),
        (cookies(get(&parameters).with("x-b", &of("b"))), "b"),
        (get("/").with("x-b", &of("b")).with("x-a", &of("a")), "a"),
    ] {
        let outcome = judged(&program, &call);
        assert_eq!(handed_over(&outcome).unwrap()["payload"]["sub"], last);
    }
}
