//! Whether a signature is that of a token, by one of the keys of its issuer.

use crate::algorithm::Algorithm;
use crate::host_crypto::{self, HostCrypto};
use crate::in_vm;
use crate::jwks::KeySet;
use crate::jws::Jws;
use crate::key::Key;
use crate::status::Status;
use crate::token::Token;

/// Length of an Ed25519 signature in bytes (RFC 8032 section 5.1.6).
const ED25519_BYTES: usize = 64;

/// Who verified a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Envoy's foreign function.
    Host,
    /// Code of ours.
    InVm,
}

/// Verifies the signature of a token with each key that it may mean, until one fits.
///
/// A key is used with the algorithms of its own type and curve alone: Envoy takes the
/// digest from the token and the rest from the key, so that a token with `alg: HS256`
/// passes by an EC key.
///
/// Also returns who did the last verification, if there was one.
///
/// # Errors
///
/// [`Status::NoMatchingKey`], [`Status::VerificationFailed`] or, for a signature that
/// cannot be one, [`Status::SignatureWrongLength`].
pub fn verify(
    token: &Token,
    keys: &KeySet,
    host: &mut dyn HostCrypto,
) -> (Result<(), Status>, Option<Tier>) {
    verify_jws(&token.jws(), keys, host)
}

/// [`verify`] without the claims.
pub(crate) fn verify_jws(
    jws: &Jws<'_>,
    keys: &KeySet,
    host: &mut dyn HostCrypto,
) -> (Result<(), Status>, Option<Tier>) {
    let mut status = Status::NoMatchingKey;
    let mut last_tier = None;
    for key in keys.matching(*jws) {
        status = Status::VerificationFailed;
        if !key.serves(jws.algorithm) {
            continue;
        }
        if !has_right_length(jws) {
            return (Err(wrong_length(jws.algorithm)), last_tier);
        }
        let (is_right, tier) = is_signed_by(key, jws, host);
        last_tier = Some(tier);
        if is_right {
            return (Ok(()), last_tier);
        }
    }
    (Err(status), last_tier)
}

fn is_signed_by(key: &Key, jws: &Jws<'_>, host: &mut dyn HostCrypto) -> (bool, Tier) {
    let Jws {
        algorithm,
        signed,
        signature,
        ..
    } = *jws;
    let by_host = key
        .subject_public_key_info()
        .and_then(|info| host_crypto::verify(host, algorithm, info, signed, signature));
    match by_host {
        Some(is_right) => (is_right, Tier::Host),
        None => (
            in_vm::verify(algorithm, key.raw(), signed, signature),
            Tier::InVm,
        ),
    }
}

/// Whether the signature is as long as all of its algorithm are, where they are. Envoy
/// cuts those of ECDSA in halves, however long they are (RFC 7518 section 3.4).
fn has_right_length(jws: &Jws<'_>) -> bool {
    let expected = match jws.algorithm {
        Algorithm::EdDsa => Some(ED25519_BYTES),
        algorithm => algorithm.key_type().coordinate_bytes().map(|size| 2 * size),
    };
    expected.is_none_or(|expected| jws.signature.len() == expected)
}

fn wrong_length(algorithm: Algorithm) -> Status {
    match algorithm {
        Algorithm::EdDsa => Status::SignatureWrongLength,
        _ => Status::VerificationFailed,
    }
}
