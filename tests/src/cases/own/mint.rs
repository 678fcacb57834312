//! Valid tokens for cases that name only the claims.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::tokens::{self, Signer};

/// A token of these claims.
///
/// # Errors
/// The system has no randomness.
pub fn token(claims: &Map<String, Value>) -> Result<String, String> {
    let payload = Value::Object(claims.clone());
    tokens::mint(signer()?, &json!({"alg": "ES256"}), &payload)
}

/// The key set that verifies every token of this process.
///
/// # Errors
/// The system has no randomness.
pub fn key_set() -> Result<Value, String> {
    Ok(json!({"keys": [signer()?.jwk()]}))
}

/// One for all, so that equal cases have equal configurations.
fn signer() -> Result<&'static Signer, String> {
    static SIGNER: OnceLock<Result<Signer, String>> = OnceLock::new();
    SIGNER
        .get_or_init(Signer::es256)
        .as_ref()
        .map_err(Clone::clone)
}
