//! Keys that sign tokens, and their public halves as a key set.
//!
//! Anything can be signed, well-formed or not: the tests need both.

mod signer;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub use signer::Signer;

/// A token of that header and payload.
///
/// # Errors
/// The system has no randomness.
pub fn mint(signer: &Signer, header: &Value, payload: &Value) -> Result<String, String> {
    sign(signer, &header.to_string(), &payload.to_string())
}

/// A token of a header and a payload that may be anything.
///
/// # Errors
/// The system has no randomness.
pub fn sign(signer: &Signer, header: &str, payload: &str) -> Result<String, String> {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

/// A JWKS document of these keys.
#[must_use]
pub fn key_set(keys: impl IntoIterator<Item = Value>) -> String {
    let keys: Vec<Value> = keys.into_iter().collect();
    json!({"keys": keys}).to_string()
}
