//! Which key verifies which token.

use crate::authentication::row::{Expected, Lines, Row, Traits};

const ALICE: Traits = &[("authorization", None), ("/sub", Some("\"alice\""))];
const NO_KEY: &str = "Jwks doesn't have key to match kid or alg from Jwt";
const FORGED: &str = "Jwt verification fails";

const fn one(name: &'static str, headers: Lines) -> Row {
    Row::bearing("one", name, headers)
}

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    one("RS256", &[("authorization", "Bearer {rs256}")]).passes(ALICE),
    one("PS256", &[("authorization", "Bearer {ps256}")]).passes(ALICE),
    one("ES384", &[("authorization", "Bearer {es384}")]).passes(ALICE),
    one("EdDSA", &[("authorization", "Bearer {eddsa}")]).passes(ALICE),
    one("HS256", &[("authorization", "Bearer {hs256}")]).passes(ALICE).but("`published-secret`", Expected::Refused(401, NO_KEY)),
    one("forged", &[("authorization", "Bearer {forged}")]).refused(FORGED),
    one("another token's signature", &[("authorization", "Bearer {good:0}.{two:1}.{good:2}")])
        .refused("Jwt issuer is not configured"),
    one("another payload of the issuer", &[("authorization", "Bearer {good:0}.{scopes:1}.{good:2}")]).refused(FORGED),
    one("another header", &[("authorization", "Bearer {typ-odd:0}.{good:1}.{good:2}")]).refused(FORGED),
    one("unknown key id", &[("authorization", "Bearer {unknown-kid}")]).refused(NO_KEY),
    one("another key's id", &[("authorization", "Bearer {other-kid}")]).refused(NO_KEY),
    one("no key id", &[("authorization", "Bearer {no-kid}")]).passes(ALICE),
    one("forged without key id", &[("authorization", "Bearer {forged-no-kid}")]).refused(FORGED),
    one("algorithm of another kind of key", &[("authorization", "Bearer {ec-as-hs256}")]).refused(NO_KEY),
    Row::bearing("key-without-alg", "a key without algorithm", &[("authorization", "Bearer {good}")]).passes(ALICE),
    Row::bearing("key-without-alg", "a key of another kind", &[("authorization", "Bearer {ec-as-hs256}")]).passes(ALICE)
        .but("`key-of-other-type`", Expected::Refused(401, FORGED)),
    Row::bearing("symmetric-without-alg", "a symmetric key for RS256", &[("authorization", "Bearer {oct-as-rs256}")])
        .passes(ALICE).but("`key-of-other-type`", Expected::Refused(401, FORGED)),
    Row::bearing("symmetric-without-alg", "a symmetric key", &[("authorization", "Bearer {hs256}")]).passes(ALICE),
    Row::bearing("key-without-kid", "a key without id", &[("authorization", "Bearer {good}")]).passes(ALICE),
    Row::bearing("key-without-kid", "a key without id, a token of another", &[("authorization", "Bearer {unknown-kid}")]).passes(ALICE),
    Row::bearing("key-of-other-alg", "a key of another algorithm", &[("authorization", "Bearer {rs256}")]).refused(NO_KEY),
    Row::bearing("key-for-encryption", "a key for encryption", &[("authorization", "Bearer {good}")]).passes(ALICE)
        .but("`use`", Expected::Refused(401, NO_KEY)),
    Row::bearing("key-for-signing-only", "a key that may not verify", &[("authorization", "Bearer {good}")]).passes(ALICE)
        .but("`key-ops`", Expected::Refused(401, NO_KEY)),
    Row::bearing("key-without-curve", "a key without curve", &[("authorization", "Bearer {good}")]).passes(ALICE),
    Row::bearing("one-bad-key", "a broken key beside", &[("authorization", "Bearer {good}")]).passes(ALICE),
    Row::bearing("two-of-a-kind", "a second key of that id", &[("authorization", "Bearer {good}")]).passes(ALICE)
        .but("`ambiguous-kid`", Expected::Refused(401, NO_KEY)),
    Row::bearing("two-of-a-kind", "the first key of that id", &[("authorization", "Bearer {forged}")]).passes(ALICE)
        .but("`ambiguous-kid`", Expected::Refused(401, NO_KEY)),
];
