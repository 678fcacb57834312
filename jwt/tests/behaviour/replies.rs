//! What a client is told.

use sluice_jwt::{Status, refusal};
use sluice_policy::Reply;

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn reply(status: Status, call: &Call) -> Reply {
    call.lend(|request| refusal(status, request))
}

fn header<'r>(reply: &'r Reply, name: &str) -> &'r str {
    let line = reply.headers.iter().find(|(key, _)| key == name.as_bytes());
    std::str::from_utf8(&line.unwrap().1).unwrap()
}

#[test]
fn a_refusal_is_envoys() {
    let call = get("/p?a=b").with(":scheme", "https");
    let reply = reply(Status::Expired, &call);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.body, b"Jwt is expired");
    assert_eq!(reply.details, b"jwt_authn_access_denied{Jwt_is_expired}");
    assert_eq!(reply.grpc_status, Some(16));
    assert_eq!(header(&reply, "content-type"), "text/plain");
    let challenge = "Bearer realm=\"https://host/p?a=b\", error=\"invalid_token\"";
    assert_eq!(header(&reply, "www-authenticate"), challenge);
}

#[test]
fn an_audience_is_forbidden_rather_than_unauthorized() {
    let reply = reply(Status::AudienceNotAllowed, &get("/"));
    assert_eq!((reply.status, reply.grpc_status), (403, Some(7)));
    assert_eq!(reply.body, b"Audiences in Jwt are not allowed");
    assert!(header(&reply, "www-authenticate").ends_with("error=\"invalid_token\""));
}

#[test]
fn a_missing_token_is_no_invalid_one() {
    let reply = reply(Status::Missing, &get("/").with("x-forwarded-proto", "http"));
    assert_eq!(
        header(&reply, "www-authenticate"),
        "Bearer realm=\"http://host/\""
    );
}

#[test]
fn the_scheme_is_that_of_the_request_before_that_of_a_proxy() {
    let call = get("/").with("x-forwarded-proto", "http");
    let reply = reply(Status::Missing, &call.with(":scheme", "https"));
    assert_eq!(
        header(&reply, "www-authenticate"),
        "Bearer realm=\"https://host/\""
    );
}

#[test]
fn the_path_is_the_clients_and_cut() {
    let long = format!("/{}", "x".repeat(300));
    let reply = |call: &Call| reply(Status::Missing, call);
    let found = reply(&get(&long));
    let shown = long.get(..256).unwrap();
    assert_eq!(
        header(&found, "www-authenticate"),
        format!("Bearer realm=\"://host{shown}\"")
    );
    let found = reply(&get("/new").with("x-envoy-original-path", "/old"));
    assert_eq!(
        header(&found, "www-authenticate"),
        "Bearer realm=\"://host/old\""
    );
}

/// A path may have quotes; Envoy leaves them.
#[test]
fn a_client_cannot_write_parameters_into_the_challenge() {
    let found = reply(Status::Missing, &get("/\", error=\"x\\"));
    assert_eq!(
        header(&found, "www-authenticate"),
        "Bearer realm=\"://host/, error=x\""
    );
}

#[test]
fn every_status_has_a_reply() {
    for status in Status::ALL {
        let reply = reply(*status, &get("/"));
        assert_eq!(reply.body, status.text().as_bytes());
        assert!(!reply.details.contains(&b' '), "{status:?}");
        assert!(matches!(reply.status, 401 | 403), "{status:?}");
    }
}
