//! Which requests pass.

use serde_json::json;
use sluice_jwt::{Progress, Status, Verdict, authenticate, configure};
use sluice_policy::{Attribute, Fact, Request};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_request_without_token_passes_without_identity() {
    let program = program(json!([rule("one"), rule("two")]));
    let outcome = judged(&program, &get("/"));
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert_eq!((outcome.edits, outcome.identity), (vec![], None));
}

#[test]
fn a_valid_token_gives_an_identity_and_goes() {
    let call = bearing(&token("one"));
    let outcome = judged(&program(json!([rule("one")])), &call);
    assert_eq!(identity(&outcome).as_deref(), Some("one"));
    let principal = outcome.identity.as_ref().unwrap().principal.as_deref();
    assert_eq!(principal, Some("one/somebody"));
    assert_eq!(forwarded(&call, &outcome), ("/".to_owned(), vec![]));
}

#[test]
fn what_is_wrong_with_a_token_refuses_the_request() {
    let rules = || json!([rule_with("one", json!({"audiences": ["here"]}))]);
    let here = |more: serde_json::Value| {
        let mut claims = json!({"aud": "here"});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        token_with("one", claims)
    };
    assert_eq!(verdict(rules(), &bearing(&here(json!({})))), Verdict::Pass);
    for (token, status) in [
        ("a.b".to_owned(), Status::BadFormat),
        (here(json!({"exp": NOW - 61})), Status::Expired),
        (token("two"), Status::UnknownIssuer),
        (
            token_with("one", json!({"aud": "there"})),
            Status::AudienceNotAllowed,
        ),
    ] {
        assert_eq!(verdict(rules(), &bearing(&token)), Verdict::Refuse(status));
    }
    let forged = verdict(json!([rule("one")]), &bearing(&forged("one")));
    assert_eq!(forged, Verdict::Refuse(Status::VerificationFailed));
    assert_eq!(Status::AudienceNotAllowed.http(), 403);
    assert_eq!(Status::Expired.http(), 401);
}

#[test]
fn another_scheme_is_no_token_and_stays() {
    for value in ["Basic x", "bearer x", "Digest a=b"] {
        let call = get("/").with(AUTHORIZATION, value);
        let outcome = judged(&program(json!([rule("one")])), &call);
        assert_eq!(upstream(&call, &outcome, AUTHORIZATION), [value]);
        assert_eq!(outcome.identity, None);
    }
}

#[test]
fn a_preflight_is_left_alone() {
    let preflight = |origin: &str, method: &'static str| {
        let call = bearing("rubbish").with("origin", origin);
        Call { method, ..call }.with("access-control-request-method", "PUT")
    };
    let program = program(json!([rule("one")]));
    let call = preflight("https://shop", "OPTIONS");
    let outcome = judged(&program, &call);
    assert_eq!(upstream(&call, &outcome, AUTHORIZATION), ["Bearer rubbish"]);
    assert_eq!(outcome.identity, None);
    let refused = Verdict::Refuse(Status::BadFormat);
    for call in [
        preflight("", "OPTIONS"),
        preflight("https://shop", "GET"),
        Call {
            method: "OPTIONS",
            ..bearing("rubbish").with("origin", "https://shop")
        },
        Call {
            method: "OPTIONS",
            ..bearing("rubbish").with("access-control-request-method", "PUT")
        },
    ] {
        assert_eq!(judged(&program, &call).verdict, refused, "{call:?}");
    }
}

#[test]
fn without_rules_everything_passes_and_nothing_is_read() {
    let program = program_of(vec![resource("r", json!([]))]);
    assert!(program.demand().is_empty());
    let outcome = judged(&program, &bearing("rubbish"));
    assert_eq!((outcome.verdict, outcome.edits), (Verdict::Pass, vec![]));
}

/// The method and the origin tell a preflight, the authority goes into refusals.
#[test]
fn with_rules_what_they_need_is_read() {
    let refuses = sluice_jwt::Program::refuse_all("broken");
    for program in [program(json!([rule("one")])), refuses] {
        let found: Vec<Attribute> = program.demand().iter().collect();
        for attribute in [
            Attribute::Method,
            Attribute::Path,
            Attribute::Authority,
            Attribute::Headers,
        ] {
            assert!(found.contains(&attribute), "{attribute:?} {found:?}");
        }
        assert_eq!(found.len(), 4);
    }
}

#[test]
fn a_configuration_that_is_wrong_refuses_everything() {
    let (program, diagnostics) = configure(b"{\"resources\": 1}", Some(&workload()));
    assert!(diagnostics.has_errors());
    let refused = Verdict::Refuse(Status::Unconfigured);
    assert_eq!(judged(&program, &get("/")).verdict, refused);
    assert_eq!(program.refusal(), Some("1 error"));
}

#[test]
fn what_cannot_be_read_is_not_taken_for_absent() {
    let program = program(json!([rule("one")]));
    let verdict =
        |request: &Request<'_>| match authenticate(&program, request, NOW, &mut Desk::of(&program))
        {
            Progress::Done(outcome) => outcome.verdict,
            Progress::Wait(_) => panic!("nothing to wait for"),
        };
    let unreadable = Verdict::Refuse(Status::Unreadable);
    get("/").lend(|request| {
        let headers = Fact::Unavailable;
        assert_eq!(
            verdict(&Request {
                headers,
                ..*request
            }),
            unreadable
        );
        let path = Fact::Unavailable;
        assert_eq!(verdict(&Request { path, ..*request }), unreadable);
        let path = Fact::Absent;
        assert_eq!(verdict(&Request { path, ..*request }), Verdict::Pass);
    });
}
