//! One private key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use ring::{hmac, rsa::PublicKeyComponents};
use serde_json::{Value, json};

/// Nothing but the tests is signed with it.
const RSA_PEM: &str = include_str!("rsa-2048.pem");

/// A private key and the algorithm it is used with.
pub struct Signer(Key);

enum Key {
    Rsa(&'static dyn RsaEncoding, Box<RsaKeyPair>),
    Ec(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Symmetric(Vec<u8>),
}

impl Signer {
    /// RS256 with the one RSA key there is: ring makes none.
    ///
    /// # Errors
    /// The key in the repository is broken.
    pub fn rs256() -> Result<Self, String> {
        Self::rsa(&RSA_PKCS1_SHA256)
    }

    /// PS256 with the same key as [`Signer::rs256`].
    ///
    /// # Errors
    /// The key in the repository is broken.
    pub fn ps256() -> Result<Self, String> {
        Self::rsa(&RSA_PSS_SHA256)
    }

    /// ES256 with a new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn es256() -> Result<Self, String> {
        Self::ec("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    /// ES384 with a new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn es384() -> Result<Self, String> {
        Self::ec("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    /// EdDSA with a new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn ed25519() -> Result<Self, String> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(text)?;
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(text)?;
        Ok(Self(Key::Ed25519(pair)))
    }

    /// HS256 with that secret.
    #[must_use]
    pub fn hs256(secret: &[u8]) -> Self {
        Self(Key::Symmetric(secret.to_vec()))
    }

    fn rsa(encoding: &'static dyn RsaEncoding) -> Result<Self, String> {
        let lines = RSA_PEM.lines().filter(|line| !line.starts_with('-'));
        let document = STANDARD.decode(lines.collect::<String>()).map_err(text)?;
        let pair = RsaKeyPair::from_pkcs8(&document).map_err(text)?;
        Ok(Self(Key::Rsa(encoding, Box::new(pair))))
    }

    fn ec(curve: &'static str, algorithm: &'static EcdsaSigningAlgorithm) -> Result<Self, String> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(text)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
        Ok(Self(Key::Ec(curve, pair.map_err(text)?)))
    }

    /// The signature as a JWS has it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        match &self.0 {
            Key::Rsa(encoding, pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .map_err(text)?;
                Ok(signature)
            }
            Key::Ec(_, pair) => Ok(pair.sign(&random, message).map_err(text)?.as_ref().to_vec()),
            Key::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Key::Symmetric(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
        }
    }

    /// What verifies it, as a JWK without `kid`, `alg` and `use`.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.0 {
            Key::Rsa(_, pair) => {
                let PublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
                json!({"kty": "RSA", "n": base64(&n), "e": base64(&e)})
            }
            Key::Ec(curve, pair) => {
                // An uncompressed point: a 4, then x and y.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Key::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref())})
            }
            Key::Symmetric(secret) => json!({"kty": "oct", "k": base64(secret)}),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
