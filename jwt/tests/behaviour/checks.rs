//! What is checked of a token, and in which order.

use serde_json::{Value, json};
use sluice_jwt::{Status, Verdict};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn of_claims(claims: Value) -> Verdict {
    let rules = json!([rule_with("one", json!({"audiences": ["here"]}))]);
    verdict(rules, &bearing(&token_of_text("one", &claims.to_string())))
}

#[test]
fn times_have_a_minute_to_spare() {
    let at = |name: &str, time: u64| of_claims(json!({"iss": "one", "aud": "here", name: time}));
    for (name, time, expected) in [
        ("exp", NOW - 60, Verdict::Pass),
        ("exp", NOW - 61, Verdict::Refuse(Status::Expired)),
        ("exp", 1 << 62, Verdict::Pass),
        ("exp", 1, Verdict::Refuse(Status::Expired)),
        ("exp", 0, Verdict::Pass),
        ("nbf", NOW + 60, Verdict::Pass),
        ("nbf", NOW + 61, Verdict::Refuse(Status::NotYetValid)),
        ("nbf", 1 << 62, Verdict::Refuse(Status::NotYetValid)),
        ("iat", NOW + 1000, Verdict::Pass),
    ] {
        assert_eq!(at(name, time), expected, "{name} {time}");
    }
    assert_eq!(
        of_claims(json!({"iss": "one", "aud": "here"})),
        Verdict::Pass
    );
}

/// Each row is wrong in every way that comes after its own.
#[test]
fn the_first_thing_that_is_wrong_is_told() {
    let late = NOW + 1000;
    let early = NOW - 1000;
    let rules = || json!([rule_with("one", json!({"audiences": ["here"]}))]);
    for (token, status) in [
        ("rubbish".to_owned(), Status::BadFormat),
        (
            token_of_text(
                "two",
                &json!({"iss": "two", "nbf": late, "exp": early}).to_string(),
            ),
            Status::UnknownIssuer,
        ),
        (
            token_of_text(
                "two",
                &json!({"iss": "one", "nbf": late, "exp": early}).to_string(),
            ),
            Status::NotYetValid,
        ),
        (
            token_of_text("two", &json!({"iss": "one", "exp": early}).to_string()),
            Status::Expired,
        ),
        (
            token_of_text("two", &json!({"iss": "one", "aud": "there"}).to_string()),
            Status::AudienceNotAllowed,
        ),
        (
            token_of_text("two", &json!({"iss": "one", "aud": "here"}).to_string()),
            Status::NoMatchingKey,
        ),
        (forged_for_here(), Status::VerificationFailed),
    ] {
        assert_eq!(verdict(rules(), &bearing(&token)), Verdict::Refuse(status));
    }
}

/// Signed by the wrong key of the right name.
fn forged_for_here() -> String {
    let good = token_with("one", json!({"aud": "here"}));
    let other = token_with("one", json!({"aud": ["here", "too"]}));
    let (_, signature) = other.rsplit_once('.').unwrap();
    let (content, _) = good.rsplit_once('.').unwrap();
    format!("{content}.{signature}")
}

#[test]
fn issuers_are_compared_as_they_are() {
    for issuer in ["One", "one/", "", "two"] {
        let token = token_of_text("one", &json!({"iss": issuer}).to_string());
        let unknown = Verdict::Refuse(Status::UnknownIssuer);
        assert_eq!(
            verdict(json!([rule("one")]), &bearing(&token)),
            unknown,
            "{issuer}"
        );
    }
    let token = token_of_text("one", "{}");
    let unknown = Verdict::Refuse(Status::UnknownIssuer);
    assert_eq!(verdict(json!([rule("one")]), &bearing(&token)), unknown);
}

#[test]
fn audiences_need_one_in_common() {
    for (audience, expected) in [
        (json!("here"), Verdict::Pass),
        (json!(["there", "https://here/"]), Verdict::Pass),
        (json!([]), Verdict::Refuse(Status::AudienceNotAllowed)),
        (json!(""), Verdict::Refuse(Status::AudienceNotAllowed)),
        (json!("Here"), Verdict::Refuse(Status::AudienceNotAllowed)),
        (json!("here//"), Verdict::Refuse(Status::AudienceNotAllowed)),
        (json!(["here", 1]), Verdict::Refuse(Status::BadAudience)),
    ] {
        let found = of_claims(json!({"iss": "one", "aud": audience}));
        assert_eq!(found, expected, "{audience}");
    }
    let none = of_claims(json!({"iss": "one"}));
    assert_eq!(none, Verdict::Refuse(Status::AudienceNotAllowed));
}

#[test]
fn a_token_of_any_size_is_looked_at_within_bounds() {
    let long = "a".repeat(sluice_jwt::MOST_TOKEN_BYTES + 1);
    let refused = Verdict::Refuse(Status::TokenTooLarge);
    assert_eq!(verdict(json!([rule("one")]), &bearing(&long)), refused);
    let long = "a".repeat(sluice_jwt::MOST_TOKEN_BYTES);
    let refused = Verdict::Refuse(Status::BadFormat);
    assert_eq!(verdict(json!([rule("one")]), &bearing(&long)), refused);
    // As much as Envoy lets through by default.
    let wide = token_with("one", json!({"wide": "a".repeat(44 * 1024)}));
    assert!(
        (58 * 1024..60 * 1024).contains(&wide.len()),
        "{}",
        wide.len()
    );
    assert_eq!(
        verdict(json!([rule("one")]), &bearing(&wide)),
        Verdict::Pass
    );
}
