//! Valid tokens for cases that name only the claims.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};

/// Bytes of one coordinate of a P-256 point.
const COORDINATE_BYTES: usize = 32;

/// A token of these claims.
///
/// # Errors
/// The system has no randomness.
pub fn token(claims: &Map<String, Value>) -> Result<String, String> {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256"}).to_string());
    let payload = URL_SAFE_NO_PAD.encode(Value::Object(claims.clone()).to_string());
    let signed = format!("{header}.{payload}");
    let signature = key()?
        .sign(&SystemRandom::new(), signed.as_bytes())
        .map_err(|e| e.to_string())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The key set that verifies every token of this process.
///
/// # Errors
/// The system has no randomness.
pub fn key_set() -> Result<Value, String> {
    // An uncompressed point: a 4, then x and y.
    let point = key()?.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(COORDINATE_BYTES.min(point.len()));
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    Ok(json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y}]}))
}

/// One key for all, so that equal cases have equal configurations.
fn key() -> Result<&'static EcdsaKeyPair, String> {
    static KEY: OnceLock<Result<EcdsaKeyPair, String>> = OnceLock::new();
    KEY.get_or_init(generate).as_ref().map_err(Clone::clone)
}

fn generate() -> Result<EcdsaKeyPair, String> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| e.to_string())?;
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|e| e.to_string())
}
