//! One key, in the forms in which the two tiers take it.

mod certificate;
mod curve;
mod jwk;
mod weak;

pub(crate) use certificate::is_certificate;

use crate::algorithm::{Algorithm, KeyType};
use crate::der;
use crate::status::Status;

/// RFC 7518 section 3.3. In whole bytes: some tools make moduli of 2,047 bits.
const LEAST_RSA_BYTES: usize = 2048 / 8;
/// Larger ones cost more time than a request should; nobody makes them.
const MOST_RSA_BYTES: usize = 8192 / 8;
/// The only public exponents in use, and the only ones that Envoy takes.
const RSA_EXPONENTS: [&[u8]; 2] = [&[3], &[1, 0, 1]];

/// `AlgorithmIdentifier` of `rsaEncryption` (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// `AlgorithmIdentifier` of `id-ecPublicKey` with the curve (RFC 5480 section 2.1.1).
const EC_P256: &[u8] =
    b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const EC_P384: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const EC_P521: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";

/// A key that signatures can be verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    algorithm: Option<Algorithm>,
    key_type: KeyType,
    /// `SubjectPublicKeyInfo` if there is one, else what `raw` is.
    encoded: Vec<u8>,
    /// Where in there is what code of ours takes.
    raw_at: usize,
}

/// Without the key itself, which may be a secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("key_type", &self.key_type)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// `kid`; empty if there is none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `alg`: the only algorithm that the issuer uses it with.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Whether signatures of that algorithm may be verified with it. Its own kind
    /// decides, never the token alone.
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.key_type == algorithm.key_type()
            && self.algorithm.is_none_or(|own| own == algorithm)
            && self.raw().len() >= algorithm.least_secret_bytes()
    }

    /// Whether it and the other are two different keys that a token could mean alike.
    pub(crate) fn is_confused_with(&self, other: &Self) -> bool {
        let same_algorithm = match (self.algorithm, other.algorithm) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        !self.id.is_empty()
            && self.id == other.id
            && self.key_type == other.key_type
            && same_algorithm
            && self.encoded != other.encoded
    }

    /// `SubjectPublicKeyInfo` (RFC 5280 section 4.1), which hosts take; `None` for
    /// keys that hosts cannot use.
    pub fn subject_public_key_info(&self) -> Option<&[u8]> {
        (self.raw_at > 0).then_some(self.encoded.as_slice())
    }

    /// `RSAPublicKey`, an uncompressed point, Ed25519's 32 bytes or a secret.
    pub(crate) fn raw(&self) -> &[u8] {
        self.encoded.get(self.raw_at..).unwrap_or_default()
    }

    fn named(mut self, id: &str, algorithm: Option<Algorithm>) -> Self {
        id.clone_into(&mut self.id);
        self.algorithm = algorithm;
        self
    }

    fn bare(key_type: KeyType, raw: Vec<u8>) -> Self {
        Self {
            id: String::new(),
            algorithm: None,
            key_type,
            encoded: raw,
            raw_at: 0,
        }
    }

    fn public(key_type: KeyType, algorithm_identifier: &[u8], raw: &[u8]) -> Self {
        // No bit of the last byte is unused.
        let bits = der::element(der::BIT_STRING, &[&[0], raw].concat());
        let encoded = der::element(der::SEQUENCE, &[algorithm_identifier, &bits].concat());
        let raw_at = encoded.len() - raw.len();
        Self {
            raw_at,
            ..Self::bare(key_type, encoded)
        }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Status> {
        let modulus = der::without_leading_zeros(modulus);
        let exponent = der::without_leading_zeros(exponent);
        // A product of two odd primes is odd.
        let is_odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
        if !is_odd || !RSA_EXPONENTS.contains(&exponent) {
            return Err(Status::RsaInvalid);
        }
        if modulus.len() < LEAST_RSA_BYTES {
            return Err(Status::RsaTooSmall);
        }
        if modulus.len() > MOST_RSA_BYTES {
            return Err(Status::RsaTooLarge);
        }
        if weak::is_roca(modulus) {
            return Err(Status::RsaWeak);
        }
        let numbers = [der::integer(modulus), der::integer(exponent)].concat();
        let raw = der::element(der::SEQUENCE, &numbers);
        Ok(Self::public(KeyType::Rsa, RSA_ENCRYPTION, &raw))
    }

    fn elliptic(curve: KeyType, x: &[u8], y: &[u8]) -> Result<Self, Status> {
        let (Some(size), identifier) = (curve.coordinate_bytes(), curve_identifier(curve)) else {
            return Err(Status::EcNotSupported);
        };
        let x = coordinate(x, size)?;
        let y = coordinate(y, size)?;
        if !curve::has_point(curve, &x, &y) {
            return Err(Status::EcInvalid);
        }
        // The form of a point that is not compressed (SEC 1 section 2.3.3).
        let point = [&[4], x.as_slice(), &y].concat();
        Ok(Self::public(curve, identifier, &point))
    }
}

fn curve_identifier(curve: KeyType) -> &'static [u8] {
    match curve {
        KeyType::P384 => EC_P384,
        KeyType::P521 => EC_P521,
        _ => EC_P256,
    }
}

/// RFC 7518 section 6.2.1.2 wants coordinates in full length. Envoy takes them for
/// numbers, and some issuers leave zeros out.
fn coordinate(number: &[u8], size: usize) -> Result<Vec<u8>, Status> {
    let digits = der::without_leading_zeros(number);
    let zeros = size.checked_sub(digits.len()).ok_or(Status::EcInvalid)?;
    let mut coordinate = vec![0; zeros];
    coordinate.extend_from_slice(digits);
    Ok(coordinate)
}
