//! The rules that the rows are judged by: `jwtRules` of RequestAuthentication.

use serde_json::{Value, json};

use super::keys::{Key, Keys};
use crate::tokens;

/// Name and rules.
pub type Setup = (&'static str, Vec<Value>);

const ONE: &str = "https://one.test";
const TWO: &str = "https://two.test";

/// All of them. Every rule has its keys inline.
#[must_use]
pub fn all(keys: &Keys) -> Vec<Setup> {
    let mut setups = locations(keys);
    setups.extend(effects(keys));
    setups.extend(several(keys));
    setups.extend(odd_keys(keys));
    setups
}

/// A rule of the first issuer with these fields beside.
fn one(keys: &Keys, fields: Value) -> Value {
    rule(ONE, keys.usual(), fields)
}

fn two(keys: &Keys, fields: Value) -> Value {
    rule(TWO, keys.usual(), fields)
}

fn rule(issuer: &str, keys: Vec<Value>, fields: Value) -> Value {
    let mut rule = json!({"issuer": issuer, "jwks": tokens::key_set(keys)});
    if let (Value::Object(rule), Value::Object(fields)) = (&mut rule, fields) {
        rule.extend(fields);
    }
    rule
}

fn locations(keys: &Keys) -> Vec<Setup> {
    let one = |name, fields| (name, vec![one(keys, fields)]);
    vec![
        one("one", json!({})),
        one(
            "header",
            json!({"fromHeaders": [{"name": "X-Jwt"}, {"name": "x-prefixed", "prefix": "JWT "}]}),
        ),
        one("params", json!({"fromParams": ["token", "jwt"]})),
        one("cookies", json!({"fromCookies": ["session"]})),
        one(
            "everywhere",
            json!({"fromHeaders": [{"name": "x-jwt"}], "fromParams": ["token"], "fromCookies": ["session"]}),
        ),
        one("audience", json!({"audiences": ["https://one", "second"]})),
    ]
}

fn effects(keys: &Keys) -> Vec<Setup> {
    let one = |name, fields| (name, vec![one(keys, fields)]);
    let claims = [
        ("x-text", "text"),
        ("x-whole", "whole"),
        ("x-huge", "huge"),
        ("x-fraction", "fraction"),
        ("x-negative", "negative"),
        ("x-yes", "yes"),
        ("x-no", "no"),
        ("x-none", "none"),
        ("x-empty", "empty"),
        ("x-missing", "missing"),
        ("x-list", "list"),
        ("x-object", "object"),
        ("x-deep", "object.a.c"),
        ("x-odd", "a/b:c"),
        ("x-dotted", "dotted.name"),
    ];
    let claims: Vec<Value> = claims
        .iter()
        .map(|(header, claim)| json!({"header": header, "claim": claim}))
        .collect();
    vec![
        one("forward", json!({"forwardOriginalToken": true})),
        one(
            "outputs",
            json!({"outputPayloadToHeader": "x-payload", "outputClaimToHeaders": claims}),
        ),
        one("groups", json!({"spaceDelimitedClaims": ["groups"]})),
    ]
}

fn several(keys: &Keys) -> Vec<Setup> {
    let from = |name: &str| json!({"fromHeaders": [{"name": name}]});
    let forward = json!({"forwardOriginalToken": true});
    let output = |name: &str, header: &str| json!({"fromHeaders": [{"name": name}], "outputPayloadToHeader": header});
    vec![
        ("two", vec![two(keys, json!({})), one(keys, json!({}))]),
        (
            "two-forward",
            vec![one(keys, forward.clone()), two(keys, forward)],
        ),
        (
            "two-apart",
            vec![one(keys, from("x-one")), two(keys, from("x-two"))],
        ),
        (
            "two-outputs",
            vec![
                one(keys, output("x-one", "x-payload-one")),
                two(keys, output("x-two", "x-payload-two")),
            ],
        ),
    ]
}

fn odd_keys(keys: &Keys) -> Vec<Setup> {
    let of = |name, jwks: Vec<Value>| (name, vec![rule(ONE, jwks, json!({}))]);
    let es = |fields| keys.jwk(Key::Es256, fields);
    let other = || keys.jwk(Key::Rs256, json!({"kid": "rsa"}));
    let curveless = {
        let mut key = es(json!({"kid": "es"}));
        if let Value::Object(fields) = &mut key {
            fields.remove("crv");
        }
        key
    };
    vec![
        of("key-without-alg", vec![es(json!({"kid": "es"}))]),
        of("key-without-kid", vec![es(json!({"alg": "ES256"}))]),
        of(
            "key-of-other-alg",
            vec![keys.jwk(Key::Rs256, json!({"kid": "rsa", "alg": "RS384"}))],
        ),
        of(
            "key-for-encryption",
            vec![es(json!({"kid": "es", "use": "enc"})), other()],
        ),
        of(
            "key-for-signing-only",
            vec![es(json!({"kid": "es", "key_ops": ["sign"]})), other()],
        ),
        of("key-without-curve", vec![curveless]),
        of(
            "symmetric-without-alg",
            vec![keys.jwk(Key::Hs256, json!({"kid": "hs"}))],
        ),
        of(
            "one-bad-key",
            vec![
                json!({"kty": "EC", "kid": "bad", "crv": "P-256", "x": "!", "y": "!"}),
                es(json!({"kid": "es"})),
            ],
        ),
        of(
            "two-of-a-kind",
            vec![
                keys.jwk(Key::Stranger, json!({"kid": "es"})),
                es(json!({"kid": "es"})),
                other(),
            ],
        ),
    ]
}
