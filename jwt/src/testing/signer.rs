//! Keys with both halves.

#![expect(
    clippy::expect_used,
    reason = "only tests sign, and a key that cannot is a fault of theirs"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p521::ecdsa::signature::Signer as _;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    self as ring_signature, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    RsaEncoding, RsaKeyPair,
};
use serde_json::{Map, Value, json};

use crate::algorithm::{Algorithm, KeyType};

/// Made for these tests with `openssl genpkey -algorithm RSA`; it guards nothing.
const RSA: &[u8] = include_bytes!("signer/rsa-2048.der");

/// Signs tokens with one key.
pub struct Signer {
    pair: Pair,
    jwk: Map<String, Value>,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Signer {
    /// A key of that type, the same for the same seed where that is possible: RSA has
    /// one key, P-256 and P-384 a new one each time.
    ///
    /// # Panics
    ///
    /// When the system has no randomness.
    pub fn new(key_type: KeyType, seed: u8) -> Self {
        let (pair, jwk) = match key_type {
            KeyType::Rsa => rsa(),
            KeyType::P256 => ecdsa("P-256", &ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            KeyType::P384 => ecdsa("P-384", &ring_signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            KeyType::P521 => p521(seed),
            KeyType::Ed25519 => ed25519(seed),
            KeyType::Symmetric => secret(&[seed; 64]),
        };
        Self::of(pair, jwk)
    }

    /// A key of type `oct`.
    pub fn secret(secret_bytes: &[u8]) -> Self {
        let (pair, jwk) = secret(secret_bytes);
        Self::of(pair, jwk)
    }

    fn of(pair: Pair, jwk: Value) -> Self {
        let Value::Object(jwk) = jwk else {
            unreachable!("a JWK is an object")
        };
        Self { pair, jwk }
    }

    /// The public key, or the secret.
    pub fn jwk(&self) -> &Map<String, Value> {
        &self.jwk
    }

    /// A key set of that key alone, with more members.
    pub fn jwks(&self, more: &Value) -> String {
        let mut jwk = self.jwk.clone();
        if let Value::Object(more) = more {
            jwk.extend(more.clone());
        }
        json!({ "keys": [jwk] }).to_string()
    }

    /// A token with that payload and `alg`.
    pub fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.sign(algorithm, &json!({"alg": algorithm.name()}), claims)
    }

    /// A token with that header and payload, whatever the header says of the algorithm.
    ///
    /// # Panics
    ///
    /// When the key cannot sign like that.
    pub fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signature(algorithm, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(super) fn signature(&self, algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    padding(algorithm),
                    &SystemRandom::new(),
                    text,
                    &mut signature,
                )
                .expect("an RSA signature");
                signature
            }
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&SystemRandom::new(), text);
                signature.expect("an ECDSA signature").as_ref().to_vec()
            }
            Pair::P521(pair) => {
                let signature: p521::ecdsa::Signature = pair.sign(text);
                signature.to_bytes().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(text).as_ref().to_vec(),
            Pair::Secret(secret) => hmac::sign(&hmac::Key::new(hash(algorithm), secret), text)
                .as_ref()
                .to_vec(),
        }
    }
}

fn padding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Rs384 => &ring_signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &ring_signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &ring_signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &ring_signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &ring_signature::RSA_PSS_SHA512,
        _ => &ring_signature::RSA_PKCS1_SHA256,
    }
}

fn hash(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa() -> (Pair, Value) {
    let pair = RsaKeyPair::from_der(RSA).expect("a key of ours");
    let components = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let jwk = json!({"kty": "RSA", "n": encoded(&components.n), "e": encoded(&components.e)});
    (Pair::Rsa(Box::new(pair)), jwk)
}

fn ecdsa(curve: &str, algorithm: &'static EcdsaSigningAlgorithm) -> (Pair, Value) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("randomness");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a new key");
    let jwk = elliptic(curve, pair.public_key().as_ref());
    (Pair::Ecdsa(pair), jwk)
}

/// The JWK of a point that is not compressed.
fn elliptic(curve: &str, point: &[u8]) -> Value {
    let (_, coordinates) = point.split_at(1);
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
}

fn p521(seed: u8) -> (Pair, Value) {
    let mut scalar = [seed; 66];
    // Below the order of the curve, which has 521 bits.
    scalar[0] = 0;
    let pair = p521::ecdsa::SigningKey::from_slice(&scalar).expect("a scalar in range");
    let point = p521::ecdsa::VerifyingKey::from(&pair).to_sec1_point(false);
    let jwk = elliptic("P-521", point.as_bytes());
    (Pair::P521(Box::new(pair)), jwk)
}

fn ed25519(seed: u8) -> (Pair, Value) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes");
    let public = encoded(pair.public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public});
    (Pair::Ed25519(pair), jwk)
}

fn secret(secret: &[u8]) -> (Pair, Value) {
    let jwk = json!({"kty": "oct", "k": encoded(secret)});
    (Pair::Secret(secret.to_vec()), jwk)
}
