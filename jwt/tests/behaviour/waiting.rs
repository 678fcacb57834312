//! Keys that are not there yet.

use std::rc::Rc;

use serde_json::json;
use sluice_jwt::{
    KeySet, Keys, Outcome, Program, Progress, SourceId, Status, Verdict, authenticate,
};

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn remote(issuer: &str) -> Program {
    let uri = format!("https://{issuer}.example/jwks");
    program(json!([{"issuer": issuer, "jwksUri": uri}]))
}

fn ready(issuer: &str) -> Option<Keys> {
    let keys = KeySet::parse(jwks(issuer).as_bytes()).unwrap();
    Some(Keys::Ready(Rc::new(keys)))
}

fn ask(program: &Program, call: &Call, desk: &mut Desk) -> Progress {
    call.lend(|request| authenticate(program, request, NOW, desk))
}

fn verdict(progress: Progress) -> Verdict {
    let Progress::Done(Outcome { verdict, .. }) = progress else {
        panic!("{progress:?}")
    };
    verdict
}

#[test]
fn a_request_waits_for_the_first_keys() {
    let program = remote("one");
    let mut desk = Desk::of(&program);
    let call = bearing(&token("one"));
    let waits = Progress::Wait(SourceId(0));
    assert_eq!(ask(&program, &call, &mut desk), waits);
    desk.keys = vec![ready("one")];
    assert_eq!(verdict(ask(&program, &call, &mut desk)), Verdict::Pass);
}

#[test]
fn what_needs_no_keys_does_not_wait() {
    let program = remote("one");
    let mut desk = Desk::of(&program);
    for (call, expected) in [
        (get("/"), Verdict::Pass),
        (bearing("rubbish"), Verdict::Refuse(Status::BadFormat)),
        (
            bearing(&token("two")),
            Verdict::Refuse(Status::UnknownIssuer),
        ),
    ] {
        assert_eq!(verdict(ask(&program, &call, &mut desk)), expected);
    }
}

#[test]
fn keys_that_cannot_be_had_refuse_with_their_reason() {
    let program = remote("one");
    let mut desk = Desk::of(&program);
    for reason in [Status::FetchFailed, Status::NoValidKey] {
        desk.keys = vec![Some(Keys::Failed(reason))];
        let found = verdict(ask(&program, &bearing(&token("one")), &mut desk));
        assert_eq!(found, Verdict::Refuse(reason));
    }
}

#[test]
fn a_key_that_is_not_there_is_asked_for() {
    let program = remote("one");
    let call = bearing(&token_by_key("one", "new"));
    let mut desk = Desk::of(&program);
    desk.keys = vec![ready("one")];
    desk.refetches = true;
    assert_eq!(ask(&program, &call, &mut desk), Progress::Wait(SourceId(0)));
    assert_eq!(desk.unknown, [(SourceId(0), "new".to_owned())]);
    desk.keys = vec![ready("new")];
    assert_eq!(verdict(ask(&program, &call, &mut desk)), Verdict::Pass);
    assert_eq!(desk.unknown.len(), 1);
}

#[test]
fn a_key_that_is_not_fetched_again_is_not_waited_for() {
    let program = remote("one");
    let mut desk = Desk::of(&program);
    desk.keys = vec![ready("one")];
    let found = verdict(ask(
        &program,
        &bearing(&token_by_key("one", "new")),
        &mut desk,
    ));
    assert_eq!(found, Verdict::Refuse(Status::NoMatchingKey));
}

#[test]
fn a_bad_signature_of_a_known_key_asks_for_nothing() {
    let program = remote("one");
    let mut desk = Desk::of(&program);
    desk.keys = vec![ready("one")];
    desk.refetches = true;
    let found = verdict(ask(&program, &bearing(&forged("one")), &mut desk));
    assert_eq!(found, Verdict::Refuse(Status::VerificationFailed));
    assert_eq!(desk.unknown, []);
}
