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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::algorithm::KeyType;
    use crate::host_crypto::NoHostCrypto;
    use crate::testing::{RingHost, Signer};

    /// A host that always says the same.
    struct Says(Option<bool>);

    impl HostCrypto for Says {
        fn verify_signature(&mut self, _: &[u8]) -> Option<bool> {
            self.0
        }
    }

    fn set(signer: &Signer, more: &Value) -> KeySet {
        KeySet::parse(signer.jwks(more).as_bytes()).unwrap()
    }

    fn token(signer: &Signer, algorithm: Algorithm) -> Token {
        Token::parse(signer.token(algorithm, &json!({"iss": "a"})).as_bytes()).unwrap()
    }

    #[test]
    fn the_host_comes_first_and_its_word_is_final() {
        let signer = Signer::new(KeyType::P256, 1);
        let (keys, token) = (set(&signer, &json!({})), token(&signer, Algorithm::Es256));
        let table = [
            (Says(Some(true)), Ok(()), Tier::Host),
            (
                Says(Some(false)),
                Err(Status::VerificationFailed),
                Tier::Host,
            ),
            (Says(None), Ok(()), Tier::InVm),
        ];
        for (mut host, result, tier) in table {
            assert_eq!(verify(&token, &keys, &mut host), (result, Some(tier)));
        }
    }

    #[test]
    fn a_host_without_a_function_lets_nothing_else_pass() {
        let (signer, other) = (Signer::new(KeyType::P256, 1), Signer::new(KeyType::P256, 2));
        let (keys, token) = (set(&signer, &json!({})), token(&other, Algorithm::Es256));
        let refused = (Err(Status::VerificationFailed), Some(Tier::InVm));
        assert_eq!(verify(&token, &keys, &mut Says(None)), refused);
    }

    #[test]
    fn hosts_are_not_asked_what_they_cannot_know() {
        for (key_type, algorithm) in [
            (KeyType::Rsa, Algorithm::Ps256),
            (KeyType::Ed25519, Algorithm::EdDsa),
            (KeyType::Symmetric, Algorithm::Hs256),
        ] {
            let signer = Signer::new(key_type, 1);
            let (keys, token) = (set(&signer, &json!({})), token(&signer, algorithm));
            let by_us = (Ok(()), Some(Tier::InVm));
            assert_eq!(verify(&token, &keys, &mut Says(Some(false))), by_us);
            let other = Signer::new(key_type, 2);
            let forged = if key_type == KeyType::Rsa {
                Token::parse(
                    other
                        .sign(Algorithm::Rs256, &json!({"alg": "PS256"}), &json!({}))
                        .as_bytes(),
                )
            } else {
                Token::parse(other.token(algorithm, &json!({})).as_bytes())
            };
            let result = verify(&forged.unwrap(), &keys, &mut Says(Some(true)));
            assert_eq!(result.0, Err(Status::VerificationFailed), "{algorithm:?}");
        }
    }

    #[test]
    fn keys_are_tried_until_one_fits() {
        let signers: Vec<Signer> = (1..4)
            .map(|seed| Signer::new(KeyType::Ed25519, seed))
            .collect();
        let keys: Vec<&serde_json::Map<String, Value>> = signers.iter().map(Signer::jwk).collect();
        let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap();
        for signer in &signers {
            let token = token(signer, Algorithm::EdDsa);
            assert_eq!(verify(&token, &set, &mut NoHostCrypto).0, Ok(()));
        }
        let stranger = token(&Signer::new(KeyType::Ed25519, 9), Algorithm::EdDsa);
        let refused = (Err(Status::VerificationFailed), Some(Tier::InVm));
        assert_eq!(verify(&stranger, &set, &mut NoHostCrypto), refused);
    }

    #[test]
    fn keys_of_other_types_are_passed_over() {
        let signers = [
            (Algorithm::Rs256, Signer::new(KeyType::Rsa, 1)),
            (Algorithm::Es256, Signer::new(KeyType::P256, 1)),
            (Algorithm::EdDsa, Signer::new(KeyType::Ed25519, 1)),
        ];
        let mut keys = signers.each_ref().map(|(_, signer)| signer.jwk());
        for _ in 0..keys.len() {
            keys.rotate_left(1);
            let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap();
            for (algorithm, signer) in &signers {
                let token = token(signer, *algorithm);
                let result = verify(&token, &set, &mut NoHostCrypto).0;
                assert_eq!(result, Ok(()), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn without_a_candidate_nothing_is_verified() {
        let signer = Signer::new(KeyType::P256, 1);
        let header = json!({"alg": "ES256", "kid": "a"});
        let named = signer.sign(Algorithm::Es256, &header, &json!({}));
        let named = Token::parse(named.as_bytes()).unwrap();
        let table = [
            (json!({"kid": "a"}), Ok(()), 1),
            (json!({}), Ok(()), 1),
            (json!({"kid": "b"}), Err(Status::NoMatchingKey), 0),
            (json!({"kid": "A"}), Err(Status::NoMatchingKey), 0),
        ];
        for (more, result, calls) in table {
            let mut host = RingHost::default();
            assert_eq!(
                verify(&named, &set(&signer, &more), &mut host).0,
                result,
                "{more}"
            );
            assert_eq!(host.calls, calls, "{more}");
        }
        let rsa = set(&Signer::new(KeyType::Rsa, 1), &json!({"alg": "RS256"}));
        let refused = (Err(Status::NoMatchingKey), None);
        assert_eq!(verify(&named, &rsa, &mut NoHostCrypto), refused);
        let rsa = set(&Signer::new(KeyType::Rsa, 1), &json!({}));
        let refused = (Err(Status::VerificationFailed), None);
        assert_eq!(verify(&named, &rsa, &mut NoHostCrypto), refused);
    }

    #[test]
    fn signatures_of_a_wrong_length_are_no_signatures() {
        for (key_type, algorithm, status) in [
            (
                KeyType::Ed25519,
                Algorithm::EdDsa,
                Status::SignatureWrongLength,
            ),
            (KeyType::P256, Algorithm::Es256, Status::VerificationFailed),
            (KeyType::P384, Algorithm::Es384, Status::VerificationFailed),
            (KeyType::P521, Algorithm::Es512, Status::VerificationFailed),
        ] {
            let signer = Signer::new(key_type, 1);
            let keys = set(&signer, &json!({}));
            let text = signer.token(algorithm, &json!({}));
            let longer = Token::parse(format!("{text}AAAA").as_bytes());
            let (signed, _) = text.rsplit_once('.').unwrap();
            let shorter = Token::parse(format!("{signed}.AAAA").as_bytes());
            for token in [longer, shorter] {
                // Not even the host is asked.
                let result = verify(&token.unwrap(), &keys, &mut Says(Some(true)));
                assert_eq!(result, (Err(status), None), "{algorithm:?}");
            }
        }
    }
}
