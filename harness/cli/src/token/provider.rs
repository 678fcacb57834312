//! `ring` as the cryptography of `jsonwebtoken`.
//!
//! The bytes of a private key are what stands inside its PKCS#8: `RSAPrivateKey`
//! (RFC 8017), `ECPrivateKey` (RFC 5915), the seed of Ed25519 (RFC 8410), or the
//! secret itself.

use std::fmt;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    self as ring_signature, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding,
    RsaKeyPair, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use sec1::EcPrivateKey;
use sec1::der::Decode;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // Key sets are written by `jwk`, not by the crate.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `ring` the cryptography of this process, once.
pub fn install() {
    // A second call changes nothing: there is only this one.
    let _ = PROVIDER.install_default();
}

/// How an algorithm is called in `ring`.
enum Method {
    Rsa(&'static dyn RsaEncoding, &'static RsaParameters),
    Ecdsa(
        &'static EcdsaSigningAlgorithm,
        &'static dyn VerificationAlgorithm,
    ),
    Ed25519,
    Hmac(hmac::Algorithm),
}

fn method(algorithm: Algorithm) -> Result<Method, Error> {
    use Method::{Ecdsa, Ed25519, Hmac, Rsa};
    use ring_signature as r;
    Ok(match algorithm {
        Algorithm::RS256 => Rsa(&r::RSA_PKCS1_SHA256, &r::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Rsa(&r::RSA_PKCS1_SHA384, &r::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Rsa(&r::RSA_PKCS1_SHA512, &r::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Rsa(&r::RSA_PSS_SHA256, &r::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Rsa(&r::RSA_PSS_SHA384, &r::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Rsa(&r::RSA_PSS_SHA512, &r::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Ecdsa(
            &r::ECDSA_P256_SHA256_FIXED_SIGNING,
            &r::ECDSA_P256_SHA256_FIXED,
        ),
        Algorithm::ES384 => Ecdsa(
            &r::ECDSA_P384_SHA384_FIXED_SIGNING,
            &r::ECDSA_P384_SHA384_FIXED,
        ),
        Algorithm::EdDSA => Ed25519,
        Algorithm::HS256 => Hmac(hmac::HMAC_SHA256),
        Algorithm::HS384 => Hmac(hmac::HMAC_SHA384),
        Algorithm::HS512 => Hmac(hmac::HMAC_SHA512),
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    })
}

/// A private key that is ready to sign.
enum SigningKey {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

struct RingSigner {
    algorithm: Algorithm,
    key: SigningKey,
}

/// The reasons that `ring` gives say what is wrong with a key.
fn rejected(reason: impl fmt::Display) -> Error {
    ErrorKind::InvalidRsaKey(reason.to_string()).into()
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let bytes = key.as_bytes();
    let key = match method(*algorithm)? {
        Method::Rsa(encoding, _) => {
            SigningKey::Rsa(RsaKeyPair::from_der(bytes).map_err(rejected)?, encoding)
        }
        Method::Ecdsa(signing, _) => SigningKey::Ecdsa(ecdsa_key(signing, bytes)?),
        Method::Ed25519 => {
            SigningKey::Ed25519(Ed25519KeyPair::from_seed_unchecked(bytes).map_err(rejected)?)
        }
        Method::Hmac(digest) => SigningKey::Hmac(hmac::Key::new(digest, bytes)),
    };
    let algorithm = *algorithm;
    Ok(Box::new(RingSigner { algorithm, key }))
}

fn ecdsa_key(signing: &'static EcdsaSigningAlgorithm, bytes: &[u8]) -> Result<EcdsaKeyPair, Error> {
    let key = EcPrivateKey::from_der(bytes).map_err(rejected)?;
    let public = key.public_key.ok_or(ErrorKind::InvalidEcdsaKey)?;
    EcdsaKeyPair::from_private_key_and_public_key(
        signing,
        key.private_key,
        public,
        &SystemRandom::new(),
    )
    .map_err(rejected)
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let random = SystemRandom::new();
        let unspecified = |_| signature::Error::new();
        Ok(match &self.key {
            SigningKey::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(*encoding, &random, message, &mut signature)
                    .map_err(unspecified)?;
                signature
            }
            SigningKey::Ecdsa(key) => {
                let signature = key.sign(&random, message).map_err(unspecified)?;
                signature.as_ref().to_vec()
            }
            SigningKey::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            SigningKey::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let (algorithm, key) = (*algorithm, key.clone());
    Ok(Box::new(RingVerifier { algorithm, key }))
}

impl RingVerifier {
    fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        let bytes = || self.key.try_get_as_bytes();
        match (method(self.algorithm)?, self.key.kind()) {
            (Method::Rsa(_, parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)?;
            }
            (Method::Rsa(_, parameters), DecodingKeyKind::SecretOrDer(der)) => {
                UnparsedPublicKey::new(parameters, der).verify(message, signature)?;
            }
            (Method::Ecdsa(_, verification), _) => {
                UnparsedPublicKey::new(verification, bytes()?).verify(message, signature)?;
            }
            (Method::Ed25519, _) => {
                UnparsedPublicKey::new(&ring_signature::ED25519, bytes()?)
                    .verify(message, signature)?;
            }
            (Method::Hmac(digest), _) => {
                hmac::verify(&hmac::Key::new(digest, bytes()?), message, signature)?;
            }
        }
        Ok(())
    }
}

/// Not verified, for whatever reason.
struct Unverified;

impl From<ring::error::Unspecified> for Unverified {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

impl From<Error> for Unverified {
    fn from(_: Error) -> Self {
        Self
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.check(message, signature)
            .map_err(|Unverified| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
