//! Several tokens, several rules.

use crate::authentication::row::Row;

const ALICE: (&str, Option<&str>) = ("/sub", Some("\"alice\""));
const BOB: (&str, Option<&str>) = ("/sub", Some("\"bob\""));
const UNKNOWN: &str = "Jwt issuer is not configured";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("one", "two tokens, both good", "/?access_token={rs256}").with(&[("authorization", "Bearer {scopes}")])
        .passes(&[("authorization", None), (":path", Some("/")), ("/groups", Some("\"x y\""))]),
    Row::get("outputs", "two tokens, both good, claims of both in one header", "/?access_token={claims}").with(&[("authorization", "Bearer {good}")])
        .passes(&[("authorization", None), (":path", Some("/"))]),
    Row::get("one", "two tokens, the query's bad", "/?access_token={expired}").with(&[("authorization", "Bearer {good}")])
        .refused("Jwt is expired"),
    Row::get("one", "two tokens, the header's bad", "/?access_token={good}").with(&[("authorization", "Bearer {forged}")])
        .refused("Jwt verification fails"),
    Row::get("one", "two tokens, one of another issuer", "/?access_token={two}").with(&[("authorization", "Bearer {good}")])
        .refused(UNKNOWN),
    Row::bearing("two", "the first issuer's", &[("authorization", "Bearer {good}")]).passes(&[("authorization", None), ALICE]),
    Row::bearing("two", "the second issuer's", &[("authorization", "Bearer {two}")]).passes(&[("authorization", None), BOB]),
    Row::bearing("two", "an unknown issuer's", &[("authorization", "Bearer {three}")]).refused(UNKNOWN),
    Row::bearing("two", "the first issuer's, forged", &[("authorization", "Bearer {forged}")]).refused("Jwt verification fails"),
    Row::bearing("two", "the second issuer's, forged", &[("authorization", "Bearer {forged-two}")]).refused("Jwt verification fails"),
    Row::get("two", "no token", "/").passes(&[("/sub", None)]),
    Row::get("two", "one of each issuer", "/?access_token={two}").with(&[("authorization", "Bearer {good}")])
        .passes(&[("authorization", None), (":path", Some("/")), ALICE]),
    Row::get("two-forward", "one of each issuer, forwarded", "/?access_token={two}").with(&[("authorization", "Bearer {good}")])
        .refused(UNKNOWN),
    Row::bearing("two-apart", "both good", &[("x-one", "{good}"), ("x-two", "{two}")])
        .passes(&[("x-one", None), ("x-two", Some("{two}")), ALICE]),
    Row::bearing("two-apart", "the second bad", &[("x-one", "{good}"), ("x-two", "{forged-two}")])
        .passes(&[("x-one", None), ("x-two", Some("{forged-two}")), ALICE]),
    Row::bearing("two-apart", "the first bad", &[("x-one", "{forged}"), ("x-two", "{two}")])
        .passes(&[("x-one", Some("{forged}")), ("x-two", None), BOB]),
    Row::bearing("two-apart", "both bad", &[("x-one", "{forged}"), ("x-two", "{two:0}")])
        .refused("Jwt verification fails"),
    Row::bearing("two-apart", "the first bad alone", &[("x-one", "{expired}")]).refused("Jwt is expired"),
    Row::bearing("two-apart", "the second bad alone", &[("x-two", "{forged-two}")]).refused("Jwt verification fails"),
    Row::bearing("two-apart", "in each other's place", &[("x-one", "{two}"), ("x-two", "{good}")]).refused(UNKNOWN),
    Row::get("two-apart", "no token", "/").passes(&[("/sub", None)]),
    Row::bearing("two-outputs", "only the winner's output", &[("x-one", "{good}"), ("x-two", "{two}"), ("x-payload-two", "spoofed")])
        .passes(&[("x-payload-one", Some("{good:1}")), ("x-payload-two", None)]).since("1.40.0"),
];
