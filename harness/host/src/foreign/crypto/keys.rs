//! Keys for `verify_signature` and `sign`, on ring.
//!
//! ring has no SHA-224, no P-521 and no P-256 or P-384 with SHA-512, which
//! BoringSSL has; signatures with those do not verify here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    self as algorithms, EcdsaKeyPair, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};

/// A digest, by the name that Envoy knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Names match in any case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let known = [
            ("sha1", Self::Sha1),
            ("sha256", Self::Sha256),
            ("sha384", Self::Sha384),
            ("sha512", Self::Sha512),
        ];
        known
            .into_iter()
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(_, hash)| hash)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
}

/// Object identifiers of RFC 3279 and RFC 5480, as DER contents.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// A public key out of a `SubjectPublicKeyInfo` (RFC 5280 §4.1).
pub(super) struct PublicKey {
    family: Family,
    bytes: Vec<u8>,
}

impl PublicKey {
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let (info, _) = element(der, 0x30)?;
        let (algorithm, rest) = element(info, 0x30)?;
        let (identifier, parameters) = element(algorithm, 0x06)?;
        let family = match identifier {
            RSA_ENCRYPTION => Family::Rsa,
            EC_PUBLIC_KEY => curve(parameters)?,
            _ => return None,
        };
        let (bits, _) = element(rest, 0x03)?;
        // The first byte counts unused bits; a key has none.
        let bytes = bits.strip_prefix(&[0])?.to_vec();
        Some(Self { family, bytes })
    }

    pub(super) fn verify(&self, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = verification(self.family, hash) else {
            return false;
        };
        UnparsedPublicKey::new(algorithm, &self.bytes)
            .verify(text, signature)
            .is_ok()
    }
}

fn curve(parameters: &[u8]) -> Option<Family> {
    match element(parameters, 0x06)?.0 {
        SECP256R1 => Some(Family::P256),
        SECP384R1 => Some(Family::P384),
        _ => None,
    }
}

fn verification(family: Family, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    match (family, hash) {
        (Family::Rsa, Hash::Sha1) => {
            Some(&algorithms::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY)
        }
        (Family::Rsa, Hash::Sha256) => {
            Some(&algorithms::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)
        }
        (Family::Rsa, Hash::Sha384) => Some(&algorithms::RSA_PKCS1_2048_8192_SHA384),
        (Family::Rsa, Hash::Sha512) => {
            Some(&algorithms::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY)
        }
        (Family::P256, Hash::Sha256) => Some(&algorithms::ECDSA_P256_SHA256_ASN1),
        (Family::P256, Hash::Sha384) => Some(&algorithms::ECDSA_P256_SHA384_ASN1),
        (Family::P384, Hash::Sha256) => Some(&algorithms::ECDSA_P384_SHA256_ASN1),
        (Family::P384, Hash::Sha384) => Some(&algorithms::ECDSA_P384_SHA384_ASN1),
        _ => None,
    }
}

/// A private key, as PKCS #8 or, for RSA, as PKCS #1.
pub(super) enum PrivateKey {
    Rsa(Box<RsaKeyPair>),
    P256(Vec<u8>),
    P384(Vec<u8>),
}

impl PrivateKey {
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let rsa = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        if let Ok(key) = rsa {
            return Some(Self::Rsa(Box::new(key)));
        }
        let random = SystemRandom::new();
        if EcdsaKeyPair::from_pkcs8(&algorithms::ECDSA_P256_SHA256_ASN1_SIGNING, der, &random)
            .is_ok()
        {
            return Some(Self::P256(der.to_vec()));
        }
        let p384 =
            EcdsaKeyPair::from_pkcs8(&algorithms::ECDSA_P384_SHA384_ASN1_SIGNING, der, &random);
        p384.is_ok().then(|| Self::P384(der.to_vec()))
    }

    /// ECDSA signatures differ from run to run: their nonce must be secret, so
    /// it does not come from the seed.
    pub(super) fn sign(&self, hash: Hash, text: &[u8]) -> Option<Vec<u8>> {
        match (self, hash) {
            (Self::Rsa(key), hash) => sign_rsa(key, hash, text),
            (Self::P256(der), Hash::Sha256) => {
                sign_ecdsa(&algorithms::ECDSA_P256_SHA256_ASN1_SIGNING, der, text)
            }
            (Self::P384(der), Hash::Sha384) => {
                sign_ecdsa(&algorithms::ECDSA_P384_SHA384_ASN1_SIGNING, der, text)
            }
            _ => None,
        }
    }
}

fn sign_rsa(key: &RsaKeyPair, hash: Hash, text: &[u8]) -> Option<Vec<u8>> {
    let padding: &dyn algorithms::RsaEncoding = match hash {
        Hash::Sha1 => return None,
        Hash::Sha256 => &algorithms::RSA_PKCS1_SHA256,
        Hash::Sha384 => &algorithms::RSA_PKCS1_SHA384,
        Hash::Sha512 => &algorithms::RSA_PKCS1_SHA512,
    };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(padding, &SystemRandom::new(), text, &mut signature)
        .ok()?;
    Some(signature)
}

fn sign_ecdsa(
    algorithm: &'static algorithms::EcdsaSigningAlgorithm,
    der: &[u8],
    text: &[u8],
) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok()?;
    key.sign(&random, text)
        .ok()
        .map(|signature| signature.as_ref().to_vec())
}

/// The DER inside the first PEM block (RFC 7468).
pub(super) fn pem_to_der(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with("-----BEGIN "));
    lines.next()?;
    let mut encoded = String::new();
    for line in lines {
        if line.starts_with("-----END ") {
            return STANDARD.decode(encoded).ok();
        }
        encoded.push_str(line);
    }
    None
}

/// Splits off one DER element of the wanted tag: its contents and the rest.
fn element(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *tag != wanted {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => rest
            .split_first()
            .map(|(byte, rest)| (usize::from(*byte), rest))?,
        0x82 => rest
            .split_first_chunk()
            .map(|(word, rest)| (usize::from(u16::from_be_bytes(*word)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}
