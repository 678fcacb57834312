//! What a token must look like.

use crate::authentication::row::{Expected, Row, Traits};

const FORMAT: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const ALICE: Traits = &[("authorization", None), ("/sub", Some("\"alice\""))];

const fn one(name: &'static str, headers: crate::authentication::row::Lines) -> Row {
    Row::bearing("one", name, headers)
}

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    one("two sections", &[("authorization", "Bearer {good:0}.{good:1}")]).refused(FORMAT),
    one("four sections", &[("authorization", "Bearer {good}.a")]).refused(FORMAT),
    one("an empty signature", &[("authorization", "Bearer {good:0}.{good:1}.")]).refused(FORMAT),
    one("dots around", &[("authorization", "Bearer ..{good:0}..{good:1}.{good:2}.")]).passes(ALICE)
        .but("`dots`", Expected::Refused(401, FORMAT)),
    one("a space in the signature", &[("authorization", "Bearer {good:0}.{good:1}. {good:2}")]).passes(ALICE)
        .but("`white-space`", Expected::Refused(401, "Jwt signature is an invalid Base64url encoded")),
    one("padding of the signature", &[("authorization", "Bearer {good}==")]).passes(ALICE)
        .but("`padding`", Expected::Refused(401, "Jwt signature is an invalid Base64url encoded")),
    one("header of other characters", &[("authorization", "Bearer a!b.{good:1}.{good:2}")])
        .refused("Jwt header is an invalid Base64url encoded"),
    one("payload of other characters", &[("authorization", "Bearer {good:0}.a!b.{good:2}")])
        .refused("Jwt payload is an invalid Base64url encoded"),
    one("signature of other characters", &[("authorization", "Bearer {good:0}.{good:1}.a!b")])
        .refused("Jwt signature is an invalid Base64url encoded"),
    one("header that is no JSON", &[("authorization", "Bearer {header-not-json}")]).refused("Jwt header is an invalid JSON"),
    one("header that is a list", &[("authorization", "Bearer {header-list}")]).refused("Jwt header is an invalid JSON"),
    one("header with a key twice", &[("authorization", "Bearer {header-duplicate}")]).refused("Jwt header is an invalid JSON"),
    one("no algorithm", &[("authorization", "Bearer {alg-missing}")])
        .refused("Jwt header [alg] field is required and must be a string"),
    one("algorithm that is a number", &[("authorization", "Bearer {alg-number}")])
        .refused("Jwt header [alg] field is required and must be a string"),
    one("algorithm `none`", &[("authorization", "Bearer {none}")]).refused("Jwt header [alg] is not supported"),
    one("unknown algorithm", &[("authorization", "Bearer {unknown-alg}")]).refused("Jwt header [alg] is not supported"),
    one("key id that is a number", &[("authorization", "Bearer {kid-number}")])
        .refused("Jwt header [kid] field is not a string"),
    one("types of no account", &[("authorization", "Bearer {typ-odd}")]).passes(ALICE),
    one("critical extension", &[("authorization", "Bearer {crit}")]).passes(ALICE)
        .but("`crit`", Expected::Refused(401, "Jwt header [crit] is not supported")),
    one("payload that is no JSON", &[("authorization", "Bearer {payload-not-json}")]).refused("Jwt payload is an invalid JSON"),
    one("payload that is a text", &[("authorization", "Bearer {payload-text}")]).refused("Jwt payload is an invalid JSON"),
    one("payload with a key twice", &[("authorization", "Bearer {payload-duplicate}")]).refused("Jwt payload is an invalid JSON"),
    one("issuer that is a number", &[("authorization", "Bearer {iss-number}")])
        .refused("Jwt payload [iss] field is not a string"),
    one("subject that is a number", &[("authorization", "Bearer {sub-number}")])
        .refused("Jwt payload [sub] field is not a string"),
    one("token id that is a number", &[("authorization", "Bearer {jti-number}")])
        .refused("Jwt payload [jti] field is not a string"),
    one("issued at a text", &[("authorization", "Bearer {iat-text}")]).refused("Jwt payload [iat] field is not an integer"),
    one("issued before 1970", &[("authorization", "Bearer {iat-negative}")])
        .refused("Jwt payload [iat] field is not a positive 64 bit integer"),
    one("not before a text", &[("authorization", "Bearer {nbf-text}")]).refused("Jwt payload [nbf] field is not an integer"),
    one("not before before 1970", &[("authorization", "Bearer {nbf-negative}")])
        .refused("Jwt payload [nbf] field is not a positive 64 bit integer"),
    one("expiry null", &[("authorization", "Bearer {exp-null}")]).refused("Jwt payload [exp] field is not an integer"),
    one("expiry a text", &[("authorization", "Bearer {exp-text}")]).refused("Jwt payload [exp] field is not an integer"),
    one("expiry before 1970", &[("authorization", "Bearer {exp-negative}")])
        .refused("Jwt payload [exp] field is not a positive 64 bit integer"),
    one("expiry beyond 64 bits", &[("authorization", "Bearer {exp-huge}")])
        .refused("Jwt payload [exp] field is not a positive 64 bit integer"),
    one("expiry with a fraction", &[("authorization", "Bearer {exp-fraction}")]).passes(ALICE),
    one("audience that is a number", &[("authorization", "Bearer {aud-number}")])
        .refused("Jwt payload [aud] field is not a string or string list"),
    one("audience that is partly a number", &[("authorization", "Bearer {aud-mixed}")])
        .refused("Jwt payload [aud] field is not a string or string list"),
    one("of a gRPC call", &[("content-type", "application/grpc"), ("authorization", "Bearer {expired}")])
        .expects(Expected::RefusedCall("16", "Jwt is expired")),
    Row::bearing("audience", "of a gRPC call", &[("content-type", "application/grpc"), ("authorization", "Bearer {aud-other}")])
        .expects(Expected::RefusedCall("7", "Audiences in Jwt are not allowed")),
    Row::get("one", "the challenge names path and query", "/a/b?c=d%20e").with(&[("authorization", "Bearer {expired}")])
        .refused("Jwt is expired"),
    Row::get("one", "a long path in the challenge is cut",
        "/01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
         012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\
         123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")
        .with(&[("authorization", "Bearer {expired}")]).refused("Jwt is expired"),
];
