//! The half of a key that anybody may know.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::RsaPublicKey;
use rsa::pkcs8::SubjectPublicKeyInfoRef;
use rsa::pkcs8::der::Decode;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sluice_jwt::{Algorithm, KeyType};

use super::private_key::{CURVES, EC, ED25519, RSA};

/// What an algorithm's key is made of, as a JWK has it. Of a symmetric key that is the
/// secret, which is why members are not shown to debug.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Type and curve.
    pub kind: KeyType,
    /// The members that make the key, `kty` among them (RFC 7638 section 3.2).
    members: BTreeMap<&'static str, String>,
    /// `kid`, where the file says one.
    pub key_id: Option<String>,
    /// `alg`, where the file says one.
    pub algorithm: Option<Algorithm>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kind", &self.kind)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl PublicKey {
    /// A key of these members.
    pub fn new(kind: KeyType, members: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self {
            kind,
            members: members.into_iter().collect(),
            key_id: None,
            algorithm: None,
        }
    }

    /// An RSA key of its big-endian numbers.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        let members = [
            ("kty", "RSA".to_owned()),
            ("n", URL_SAFE_NO_PAD.encode(modulus)),
            ("e", URL_SAFE_NO_PAD.encode(exponent)),
        ];
        Self::new(KeyType::Rsa, members)
    }

    /// A key on a curve; none if the point is not an uncompressed one of it.
    pub fn elliptic(kind: KeyType, point: &[u8]) -> Option<Self> {
        let (crv, coordinate_bytes) = CURVES
            .iter()
            .find(|curve| curve.kind == kind)
            .map(|curve| (curve.name, curve.coordinate_bytes))?;
        // SEC 1 section 2.3.3: 4, then x and y.
        let (x, y) = point
            .strip_prefix(&[4])?
            .split_at_checked(coordinate_bytes)?;
        let members = [
            ("kty", "EC".to_owned()),
            ("crv", crv.to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(x)),
            ("y", URL_SAFE_NO_PAD.encode(y)),
        ];
        (y.len() == coordinate_bytes).then(|| Self::new(kind, members))
    }

    /// A key on Ed25519.
    pub fn ed25519(point: &[u8]) -> Self {
        let members = [
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(point)),
        ];
        Self::new(KeyType::Ed25519, members)
    }

    /// The key of a `SubjectPublicKeyInfo`; none if it is of no kind that signs tokens.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        let Ok(info) = SubjectPublicKeyInfoRef::from_der(der) else {
            return None;
        };
        let bits = info.subject_public_key.as_bytes()?;
        match info.algorithm.oid {
            RSA => {
                let Ok(key) = RsaPublicKey::from_der(bits) else {
                    return None;
                };
                Some(Self::rsa(
                    key.modulus.as_bytes(),
                    key.public_exponent.as_bytes(),
                ))
            }
            EC => {
                let Ok(oid) = info.algorithm.parameters_oid() else {
                    return None;
                };
                let curve = CURVES.iter().find(|curve| curve.oid == oid)?;
                Self::elliptic(curve.kind, bits)
            }
            ED25519 => Some(Self::ed25519(bits)),
            _ => None,
        }
    }

    /// How long the secret is, if it is one.
    pub fn secret_bytes(&self) -> Option<usize> {
        // What `new` got is base64url: 4 characters for 3 bytes, without padding.
        let secret = self.members.get("k")?;
        Some(secret.len() * 3 / 4)
    }

    /// SHA-256 thumbprint of RFC 7638, which names the key wherever it is written.
    pub fn thumbprint(&self) -> String {
        // A BTreeMap is in lexicographic order and compact JSON has no spaces: section 3.3.
        let canonical = json!(self.members).to_string();
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    /// What the key is called: what its file says, else its thumbprint. A secret is
    /// not called by its digest, which would help to guess it.
    pub fn name(&self) -> Option<String> {
        let thumbprint = || (self.kind != KeyType::Symmetric).then(|| self.thumbprint());
        self.key_id.clone().or_else(thumbprint)
    }

    /// The JWK.
    pub fn to_jwk(&self, algorithm: Algorithm) -> Value {
        let members = self.members.iter();
        let mut jwk: Map<String, Value> = members
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        if let Some(name) = self.name() {
            jwk.insert("kid".to_owned(), json!(name));
        }
        jwk.insert("alg".to_owned(), json!(algorithm.name()));
        jwk.insert("use".to_owned(), json!("sig"));
        Value::Object(jwk)
    }
}
