//! Several tokens, several rules.

use serde_json::{Value, json};
use sluice_jwt::{Status, Verdict};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A rule that takes tokens from a header of its own.
fn at(issuer: &str, header: &str) -> Value {
    rule_with(
        issuer,
        json!({"fromHeaders": [{"name": header}], "outputPayloadToHeader": "x-payload"}),
    )
}

fn in_both(header: &str, parameter: &str) -> Call {
    get(&format!("/?access_token={parameter}")).with(AUTHORIZATION, &format!("Bearer {header}"))
}

#[test]
fn the_identity_names_the_issuer_of_its_rule() {
    // One is the beginning of the other, and so of its principals.
    let rules = program(json!([rule("one"), rule("one/more")]));
    for issuer in ["one", "one/more"] {
        let outcome = judged(&rules, &bearing(&token(issuer)));
        assert_eq!(&*outcome.identity.unwrap().issuer, issuer);
    }
}

#[test]
fn two_good_tokens_of_one_rule_both_go_and_the_header_counts() {
    let of = |name: &str| token_with("one", json!({"sub": name}));
    let call = in_both(&of("header"), &of("query"));
    let outcome = judged(&program(json!([rule("one")])), &call);
    assert_eq!(forwarded(&call, &outcome), ("/".to_owned(), vec![]));
    assert_eq!(handed_over(&outcome).unwrap()["payload"]["sub"], "header");
}

#[test]
fn one_bad_token_is_enough() {
    let expired = token_with("one", json!({"exp": 1}));
    for (bad, status) in [
        ("rubbish".to_owned(), Status::BadFormat),
        (expired, Status::Expired),
        (token("two"), Status::UnknownIssuer),
    ] {
        for call in [in_both(&bad, &token("one")), in_both(&token("one"), &bad)] {
            let found = verdict(json!([rule("one")]), &call);
            assert_eq!(found, Verdict::Refuse(status));
        }
    }
}

#[test]
fn tokens_of_two_issuers_pass_because_stripping_stays() {
    let call = in_both(&token("one"), &token("two"));
    let outcome = judged(&program(json!([rule("one"), rule("two")])), &call);
    assert_eq!(identity(&outcome).as_deref(), Some("one"));
    assert_eq!(forwarded(&call, &outcome), ("/".to_owned(), vec![]));
}

/// The rule that is asked again, and finds nothing any more, takes its own headers
/// away first.
#[test]
fn of_a_rule_that_failed_first_no_header_is_left() {
    let writes = |issuer, header| rule_with(issuer, json!({"outputPayloadToHeader": header}));
    let of = |issuer| ("x-payload".to_owned(), payload(&token(issuer)));
    let call = in_both(&token("one"), &token("two"));
    let apart = json!([writes("one", "x-payload"), writes("two", "x-payload-2")]);
    let outcome = judged(&program(apart), &call);
    assert_eq!(forwarded(&call, &outcome).1, [of("one")]);
    // Even where another rule has just written the same header.
    let same = json!([writes("one", "x-payload"), writes("two", "x-payload")]);
    let outcome = judged(&program(same), &call);
    assert_eq!(forwarded(&call, &outcome).1, []);
    // A rule that is not asked again leaves them.
    let apart = json!([writes("one", "x-payload"), writes("two", "x-payload-2")]);
    let call = in_both(&token("two"), &token("one"));
    let outcome = judged(&program(apart), &call);
    assert_eq!(identity(&outcome).as_deref(), Some("two"));
    let two = ("x-payload-2".to_owned(), payload(&token("two")));
    assert_eq!(forwarded(&call, &outcome).1, [of("one"), two]);
}

#[test]
fn tokens_of_two_issuers_fail_where_they_are_forwarded() {
    let forward = |issuer| rule_with(issuer, json!({"forwardOriginalToken": true}));
    let rules = json!([forward("one"), forward("two")]);
    let found = verdict(rules, &in_both(&token("one"), &token("two")));
    assert_eq!(found, Verdict::Refuse(Status::UnknownIssuer));
}

#[test]
fn in_places_of_their_own_the_first_good_token_wins() {
    let program = program(json!([at("one", "x-one"), at("two", "x-two")]));
    let with = |one: &str, two: &str| get("/").with("x-one", one).with("x-two", two);
    let (one, two) = (token("one"), token("two"));
    for (call, winner, left) in [
        (with(&one, "bad"), "one", ("x-two", "bad")),
        (with("bad", &two), "two", ("x-one", "bad")),
        (with(&one, &two), "one", ("x-two", two.as_str())),
    ] {
        let outcome = judged(&program, &call);
        assert_eq!(identity(&outcome).as_deref(), Some(winner));
        let payload = payload(&token(winner));
        let expected = vec![
            (left.0.to_owned(), left.1.to_owned()),
            ("x-payload".to_owned(), payload),
        ];
        assert_eq!(forwarded(&call, &outcome).1, expected);
    }
}

#[test]
fn a_bad_token_without_a_good_one_is_refused() {
    let rules = json!([at("one", "x-one"), at("two", "x-two")]);
    let found = verdict(rules.clone(), &get("/").with("x-one", "bad"));
    assert_eq!(found, Verdict::Refuse(Status::BadFormat));
    let found = verdict(rules, &get("/").with("x-two", "bad"));
    assert_eq!(found, Verdict::Refuse(Status::BadFormat));
}

#[test]
fn an_unknown_issuer_is_told_where_nothing_else_is_wrong() {
    let rules = || json!([rule("one"), rule("two")]);
    let found = verdict(rules(), &bearing(&token("three")));
    assert_eq!(found, Verdict::Refuse(Status::UnknownIssuer));
    for issuer in ["one", "two"] {
        let expired = token_with(issuer, json!({"exp": 1}));
        let found = verdict(rules(), &bearing(&expired));
        assert_eq!(found, Verdict::Refuse(Status::Expired), "{issuer}");
    }
}

#[test]
fn of_several_faults_the_last_is_told() {
    let one = rule_with("one", json!({"audiences": ["a"]}));
    let with = |one: &str, two: &str| {
        let rules = json!([at("one", "x-one"), at("two", "x-two")]);
        verdict(rules, &get("/").with("x-one", one).with("x-two", two))
    };
    // The last to be asked is the first of the rules, once more.
    let expired = token_with("two", json!({"exp": 1}));
    assert_eq!(with("bad", &expired), Verdict::Refuse(Status::BadFormat));
    let late = token_with("one", json!({"nbf": NOW + 1000}));
    assert_eq!(with(&late, &expired), Verdict::Refuse(Status::NotYetValid));
    let found = verdict(json!([one, rule("two")]), &bearing(&token("one")));
    assert_eq!(found, Verdict::Refuse(Status::AudienceNotAllowed));
}

#[test]
fn a_rule_without_issuer_takes_tokens_of_all() {
    let mut any = rule("one");
    any["issuer"] = json!("");
    any["jwksUri"] = json!("https://keys.example/jwks");
    any.as_object_mut().unwrap().remove("jwks");
    let program = program(json!([any]));
    let keys = sluice_jwt::KeySet::parse(jwks("one").as_bytes()).unwrap();
    let mut desk = Desk::of(&program);
    desk.keys = vec![Some(sluice_jwt::Keys::Ready(keys.into()))];
    for (claims, principal) in [
        (json!({"iss": "whoever", "sub": "s"}), Some("whoever/s")),
        // Half of a principal is none.
        (json!({"iss": "", "sub": "s"}), None),
        (json!({"sub": "s"}), None),
    ] {
        let call = bearing(&token_of_text("one", &claims.to_string()));
        let found =
            call.lend(|request| sluice_jwt::authenticate(&program, request, NOW, &mut desk));
        let sluice_jwt::Progress::Done(outcome) = found else {
            panic!("{found:?}")
        };
        assert_eq!(outcome.verdict, Verdict::Pass);
        let identity = outcome.identity.unwrap();
        assert_eq!(identity.principal.as_deref(), principal, "{claims}");
    }
}

#[test]
fn a_token_is_parsed_and_verified_once_a_request() {
    let forward = |issuer| rule_with(issuer, json!({"forwardOriginalToken": true}));
    let program = program(json!([forward("one"), forward("one"), forward("two")]));
    let mut desk = Desk::of(&program);
    // Three times a rule believes the parameter and fails by the header.
    let call = in_both(&token("two"), &token("one"));
    let found = call.lend(|request| sluice_jwt::authenticate(&program, request, NOW, &mut desk));
    let sluice_jwt::Progress::Done(outcome) = found else {
        panic!("{found:?}")
    };
    assert_eq!(outcome.verdict, Verdict::Refuse(Status::UnknownIssuer));
    assert_eq!(desk.verifications, 1);
}

#[test]
fn keys_of_one_rule_do_not_speak_for_those_of_another() {
    let of = |keys: &str, fields: Value| {
        let mut rule = rule_with("one", fields);
        rule["jwks"] = json!(jwks(keys));
        rule
    };
    let forward = || json!({"forwardOriginalToken": true});
    let apart = |first: &str, second: &str| json!([of(first, forward()), of(second, forward())]);
    let call = bearing(&token("one"));
    assert_eq!(verdict(apart("one", "other"), &call), Verdict::Pass);
    assert_eq!(verdict(apart("other", "one"), &call), Verdict::Pass);
    // The first rule believes the parameter, and fails by the header.
    let expired = token_with("one", json!({"exp": 1}));
    let parameter = of("other", json!({"fromParams": ["access_token"]}));
    let rules = json!([of("one", forward()), parameter]);
    let found = verdict(rules, &in_both(&expired, &token("one")));
    assert_eq!(found, Verdict::Refuse(Status::Expired));
}
