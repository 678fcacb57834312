//! Signatures verified by code of ours, for algorithms and hosts that have no other.

use p521::ecdsa::signature::hazmat::PrehashVerifier as _;
use ring::signature as ring_signature;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use ring::{digest, hmac};

use crate::algorithm::Algorithm;

/// Whether the signature is that of the text.
///
/// `key` is an `RSAPublicKey` (RFC 8017 appendix A.1.1), an uncompressed point, the 32
/// bytes of Ed25519, or a secret; the caller sees to it that it is of the algorithm's
/// type.
pub fn verify(algorithm: Algorithm, key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    if let Some(hash) = hmac_hash(algorithm) {
        // In constant time.
        return hmac::verify(&hmac::Key::new(hash, key), text, signature).is_ok();
    }
    match by_ring(algorithm) {
        Some(algorithm) => UnparsedPublicKey::new(algorithm, key)
            .verify(text, signature)
            .is_ok(),
        None => is_es512(key, text, signature),
    }
}

/// ring wants the salt of PS* to be as long as the hash (RFC 7518 section 3.5) and
/// ECDSA's numbers in full length (section 3.4).
fn by_ring(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Rs256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &ring_signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &ring_signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDsa => &ring_signature::ED25519,
        Algorithm::Es512 | Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
    })
}

fn hmac_hash(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

/// ring has no P-521, but the hash.
fn is_es512(key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (
        p521::ecdsa::VerifyingKey::from_sec1_bytes(key),
        p521::ecdsa::Signature::from_slice(signature),
    ) else {
        return false;
    };
    let hash = digest::digest(&digest::SHA512, text);
    key.verify_prehash(hash.as_ref(), &signature).is_ok()
}
