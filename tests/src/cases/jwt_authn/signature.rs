//! Verification of one signature against a key set.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

use super::Refusal;
use super::token::Token;

const NO_KEY: &str = "Jwks doesn't have key to match kid or alg from Jwt";
const BAD_SIGNATURE: &str = "Jwt verification fails";

/// `alg` names of RSA keys and what ring calls them.
const RSA: &[(&str, &signature::RsaParameters)] = &[
    ("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    ("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    ("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    ("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    ("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    ("PS512", &signature::RSA_PSS_2048_8192_SHA512),
];

/// Verifies `token` with any key of `key_set` that its header allows.
///
/// # Errors
/// No candidate, or none verifies.
pub fn verify(token: &Token, key_set: &Value) -> Result<(), Refusal> {
    let alg = token.algorithm()?;
    let keys = key_set["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut candidates = keys
        .iter()
        .filter(|key| is_candidate(key, token, alg))
        .peekable();
    if candidates.peek().is_none() {
        return Err(Refusal::unauthorized(NO_KEY));
    }
    if candidates.any(|key| verifies(token, alg, key)) {
        return Ok(());
    }
    Err(Refusal::unauthorized(BAD_SIGNATURE))
}

fn is_candidate(key: &Value, token: &Token, alg: &str) -> bool {
    let kid = token
        .header
        .get("kid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let key_kid = key["kid"].as_str().unwrap_or_default();
    let key_alg = key["alg"].as_str().unwrap_or_default();
    (kid.is_empty() || key_kid.is_empty() || kid == key_kid)
        && (key_alg.is_empty() || key_alg == alg)
}

fn verifies(token: &Token, alg: &str, key: &Value) -> bool {
    match key["kty"].as_str() {
        Some("RSA") => verifies_rsa(token, alg, key).is_some(),
        Some("EC") if alg == "ES256" => verifies_p256(token, key).is_some(),
        _ => false,
    }
}

fn verifies_rsa(token: &Token, alg: &str, key: &Value) -> Option<()> {
    let (_, parameters) = RSA.iter().find(|(name, _)| *name == alg)?;
    let key = RsaPublicKeyComponents {
        n: number(&key["n"])?,
        e: number(&key["e"])?,
    };
    key.verify(parameters, &token.signed, &token.signature).ok()
}

fn verifies_p256(token: &Token, key: &Value) -> Option<()> {
    let point = [vec![4], number(&key["x"])?, number(&key["y"])?].concat();
    let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
    key.verify(&token.signed, &token.signature).ok()
}

fn number(value: &Value) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(value.as_str()?).ok()
}
