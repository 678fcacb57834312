//! Issuer, times, audience; and in which order they are looked at.

use crate::authentication::row::{Expected, Lines, Row, Traits};

const ALICE: Traits = &[("authorization", None), ("/sub", Some("\"alice\""))];
const NOT_ALLOWED: Expected = Expected::Refused(403, "Audiences in Jwt are not allowed");

const fn one(name: &'static str, headers: Lines) -> Row {
    Row::bearing("one", name, headers)
}

const fn audience(name: &'static str, headers: Lines) -> Row {
    Row::bearing("audience", name, headers)
}

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    one("unknown issuer", &[("authorization", "Bearer {three}")]).refused("Jwt issuer is not configured"),
    one("no issuer", &[("authorization", "Bearer {iss-missing}")]).refused("Jwt issuer is not configured"),
    one("no subject", &[("authorization", "Bearer {sub-missing}")])
        .passes(&[("/iss", Some("\"https://one.test\"")), ("/sub", None)]),
    one("expired", &[("authorization", "Bearer {expired}")]).refused("Jwt is expired"),
    one("expired a moment ago", &[("authorization", "Bearer {expired-in-skew}")]).passes(ALICE),
    one("expired longer ago than clocks differ", &[("authorization", "Bearer {expired-past-skew}")]).refused("Jwt is expired"),
    one("valid in a moment", &[("authorization", "Bearer {early-in-skew}")]).passes(ALICE),
    one("valid in an hour", &[("authorization", "Bearer {early}")]).refused("Jwt not yet valid"),
    one("no expiry", &[("authorization", "Bearer {never-expires}")]).passes(ALICE),
    one("expiry 0", &[("authorization", "Bearer {exp-zero}")]).passes(ALICE),
    one("issued in the future", &[("authorization", "Bearer {iat-future}")]).passes(ALICE),
    one("audience without a rule for it", &[("authorization", "Bearer {aud-other}")]).passes(ALICE),
    audience("the audience", &[("authorization", "Bearer {aud-one}")]).passes(ALICE),
    audience("as a URL with a slash", &[("authorization", "Bearer {aud-one-url}")]).passes(ALICE),
    audience("as a plain URL", &[("authorization", "Bearer {aud-one-plain-url}")]).passes(ALICE),
    audience("with two slashes", &[("authorization", "Bearer {aud-one-two-slashes}")]).expects(NOT_ALLOWED),
    audience("in upper case", &[("authorization", "Bearer {aud-upper}")]).expects(NOT_ALLOWED),
    audience("among others", &[("authorization", "Bearer {aud-list}")]).passes(ALICE),
    audience("another", &[("authorization", "Bearer {aud-other}")]).expects(NOT_ALLOWED),
    audience("an empty list", &[("authorization", "Bearer {aud-empty-list}")]).expects(NOT_ALLOWED),
    audience("none", &[("authorization", "Bearer {good}")]).expects(NOT_ALLOWED),
    audience("another, and a forged signature", &[("authorization", "Bearer {aud-other-forged}")]).expects(NOT_ALLOWED),
    one("expired, of an unknown issuer", &[("authorization", "Bearer {expired-three}")])
        .refused("Jwt issuer is not configured"),
];
