//! Keys as JSON objects (RFC 7517, RFC 7518 section 6, RFC 8037), with Envoy's
//! statuses in Envoy's order.

use serde_json::{Map, Value};

use super::Key;
use crate::algorithm::{Algorithm, KeyType};
use crate::base64url;
use crate::status::Status;

type Jwk = Map<String, Value>;

impl Key {
    /// Reads a JWK.
    ///
    /// # Errors
    ///
    /// Why it is of no use.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, Status> {
        let key_type = required(jwk, "kty", Status::KeyMissingType, Status::KeyBadType)?;
        let id = optional(jwk, "kid", Status::KeyBadId)?;
        let algorithm = optional(jwk, "alg", Status::KeyBadAlgorithm)?;
        let key = match key_type {
            "RSA" => rsa(jwk, algorithm),
            "EC" => elliptic(jwk, algorithm),
            "oct" => secret(jwk, algorithm),
            "OKP" => edwards(jwk, algorithm),
            _ => Err(Status::KeyTypeNotSupported),
        }?;
        if !is_for_signatures(jwk) {
            return Err(Status::KeyNotForSignatures);
        }
        Ok(key.named(id, Algorithm::from_name(algorithm)))
    }
}

/// A text that may be absent; empty then.
fn optional<'j>(jwk: &'j Jwk, name: &str, bad: Status) -> Result<&'j str, Status> {
    match jwk.get(name) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(bad),
    }
}

fn required<'j>(jwk: &'j Jwk, name: &str, missing: Status, bad: Status) -> Result<&'j str, Status> {
    match jwk.get(name) {
        None => Err(missing),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(bad),
    }
}

/// `use` is `sig` and `key_ops` has `verify`, where they are there (RFC 7517 sections
/// 4.2 and 4.3).
fn is_for_signatures(jwk: &Jwk) -> bool {
    let is_used = match jwk.get("use") {
        None => true,
        Some(usage) => usage == "sig",
    };
    let may_verify = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    is_used && may_verify
}

/// Whether `alg` is absent or one of those that take such a key.
fn suits(algorithm: &str, key_type: KeyType) -> bool {
    let known = Algorithm::from_name(algorithm);
    algorithm.is_empty() || known.is_some_and(|known| known.key_type() == key_type)
}

fn rsa(jwk: &Jwk, algorithm: &str) -> Result<Key, Status> {
    if !suits(algorithm, KeyType::Rsa) {
        return Err(Status::RsaBadAlgorithm);
    }
    let modulus = required(jwk, "n", Status::RsaMissingModulus, Status::RsaBadModulus)?;
    let exponent = required(jwk, "e", Status::RsaMissingExponent, Status::RsaBadExponent)?;
    match (
        base64url::decode_key(modulus),
        base64url::decode_key(exponent),
    ) {
        (Some(modulus), Some(exponent)) => Key::rsa(&modulus, &exponent),
        _ => Err(Status::RsaInvalid),
    }
}

fn elliptic(jwk: &Jwk, algorithm: &str) -> Result<Key, Status> {
    if !algorithm.is_empty() && !algorithm.starts_with("ES") {
        return Err(Status::EcBadAlgorithm);
    }
    let curve = curve(algorithm, optional(jwk, "crv", Status::EcBadCurve)?)?;
    let x = required(jwk, "x", Status::EcMissingX, Status::EcBadX)?;
    let y = required(jwk, "y", Status::EcMissingY, Status::EcBadY)?;
    match (base64url::decode_key(x), base64url::decode_key(y)) {
        (Some(x), Some(y)) => Key::elliptic(curve, &x, &y),
        _ => Err(Status::EcBadBase64),
    }
}

/// The curves with the one algorithm of each.
const CURVES: [(&str, &str, KeyType); 3] = [
    ("ES256", "P-256", KeyType::P256),
    ("ES384", "P-384", KeyType::P384),
    ("ES512", "P-521", KeyType::P521),
];

/// The curve, of which Envoy also learns by `alg`. Without either it is P-256.
fn curve(algorithm: &str, name: &str) -> Result<KeyType, Status> {
    let row = |fits: &dyn Fn(&str, &str) -> bool, otherwise| {
        let row = CURVES.iter().find(|(of, curve, _)| fits(of, curve));
        row.map(|(_, _, curve)| *curve).ok_or(otherwise)
    };
    match (algorithm, name) {
        ("", "") => Ok(KeyType::P256),
        ("", _) => row(&|_, curve| curve == name, Status::EcNotSupported),
        (_, "") => row(&|of, _| of == algorithm, Status::EcNotSupported),
        _ => row(
            &|of, curve| of == algorithm && curve == name,
            Status::EcAlgorithmOfOtherCurve,
        ),
    }
}

fn secret(jwk: &Jwk, algorithm: &str) -> Result<Key, Status> {
    if !suits(algorithm, KeyType::Symmetric) {
        return Err(Status::OctBadAlgorithm);
    }
    let secret = required(jwk, "k", Status::OctMissingKey, Status::OctBadKey)?;
    let secret = base64url::decode_key(secret).filter(|secret| !secret.is_empty());
    let secret = secret.ok_or(Status::OctBadBase64)?;
    let algorithm = Algorithm::from_name(algorithm).unwrap_or(Algorithm::Hs256);
    if secret.len() < algorithm.least_secret_bytes() {
        return Err(Status::OctTooShort);
    }
    Ok(Key::bare(KeyType::Symmetric, secret))
}

fn edwards(jwk: &Jwk, algorithm: &str) -> Result<Key, Status> {
    if !suits(algorithm, KeyType::Ed25519) {
        return Err(Status::OkpBadAlgorithm);
    }
    let curve = required(jwk, "crv", Status::OkpMissingCurve, Status::OkpBadCurve)?;
    if curve != "Ed25519" {
        return Err(Status::OkpNotSupported);
    }
    let point = required(jwk, "x", Status::OkpMissingX, Status::OkpBadX)?;
    let point = base64url::decode_key(point).ok_or(Status::OkpBadBase64)?;
    if point.len() != 32 {
        return Err(Status::OkpWrongLength);
    }
    Ok(Key::bare(KeyType::Ed25519, point))
}

#[cfg(test)]
mod tests;
