//! Keys that sign.

use jsonwebtoken::{Algorithm as Signing, EncodingKey, Header};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rsa::pkcs1::RsaPrivateKey;
use rsa::pkcs8::der::Decode;
use rsa::pkcs8::der::asn1::OctetStringRef;
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use sec1::{EcParameters, EcPrivateKey};
use serde_json::{Map, Value};
use sluice_jwt::{Algorithm, KeyType};
use std::fmt;

use super::provider;
use super::public_key::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// rsaEncryption (RFC 8017).
pub const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480).
pub const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-Ed25519 (RFC 8410).
pub const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A curve by its three names.
pub struct Curve {
    /// Ours.
    pub kind: KeyType,
    /// In a JWK.
    pub name: &'static str,
    /// In DER.
    pub oid: ObjectIdentifier,
    /// Bytes of x, and of y.
    pub coordinate_bytes: usize,
}

/// The curves of RFC 7518 section 6.2.1.1.
pub const CURVES: [Curve; 3] = [
    Curve {
        kind: KeyType::P256,
        name: "P-256",
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        coordinate_bytes: 32,
    },
    Curve {
        kind: KeyType::P384,
        name: "P-384",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        coordinate_bytes: 48,
    },
    Curve {
        kind: KeyType::P521,
        name: "P-521",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        coordinate_bytes: 66,
    },
];

/// A key that signs. What it is made of is not shown, not even to debug.
#[derive(Clone)]
pub struct PrivateKey {
    key: EncodingKey,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Why bytes are no key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError {
    /// What was found.
    pub found: &'static str,
    /// A way out.
    pub help: Option<&'static str>,
}

/// Bytes of another form.
pub const MALFORMED: KeyError = KeyError {
    found: "a malformed key",
    help: None,
};

const NO_PUBLIC: KeyError = KeyError {
    found: "an EC key without its public half",
    help: Some("write it anew with `openssl pkcs8 -topk8 -nocrypt`"),
};

const OF_ANOTHER_KIND: KeyError = KeyError {
    found: "a key of another kind",
    help: None,
};

impl PrivateKey {
    /// The key of a PKCS#8 document (RFC 5958).
    ///
    /// # Errors
    /// It is malformed or of no kind that signs tokens.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::from_der(der).map_err(|_| MALFORMED)?;
        match info.algorithm.oid {
            RSA => Self::from_pkcs1(info.private_key),
            EC => {
                let oid = info.algorithm.parameters_oid().map_err(|_| MALFORMED)?;
                let curve = CURVES.iter().find(|curve| curve.oid == oid);
                let curve = curve.ok_or(OF_ANOTHER_KIND)?;
                Self::elliptic(curve.kind, info.private_key)
            }
            ED25519 => {
                // RFC 8410 section 7: an octet string within.
                let seed = OctetStringRef::from_der(info.private_key).map_err(|_| MALFORMED)?;
                Self::ed25519(seed.as_bytes())
            }
            _ => Err(OF_ANOTHER_KIND),
        }
    }

    /// The key of an `RSAPrivateKey`.
    ///
    /// # Errors
    /// It is malformed.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPrivateKey::from_der(der).map_err(|_| MALFORMED)?;
        let public = PublicKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes());
        Ok(Self {
            key: EncodingKey::from_rsa_der(der),
            public,
        })
    }

    /// The key of an `ECPrivateKey` that names its curve.
    ///
    /// # Errors
    /// It is malformed, of another curve or without its public half.
    pub fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der).map_err(|_| MALFORMED)?;
        let oid = key.parameters.and_then(EcParameters::named_curve);
        let curve = CURVES.iter().find(|curve| Some(curve.oid) == oid);
        Self::elliptic(curve.ok_or(OF_ANOTHER_KIND)?.kind, der)
    }

    /// The key of an `ECPrivateKey` on this curve.
    ///
    /// # Errors
    /// It is malformed or without its public half.
    pub fn elliptic(kind: KeyType, der: &[u8]) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der).map_err(|_| MALFORMED)?;
        let point = key.public_key.ok_or(NO_PUBLIC)?;
        Ok(Self {
            key: EncodingKey::from_ec_der(der),
            public: PublicKey::elliptic(kind, point).ok_or(MALFORMED)?,
        })
    }

    /// The key of an Ed25519 seed.
    ///
    /// # Errors
    /// It has not 32 bytes.
    pub fn ed25519(seed: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| MALFORMED)?;
        Ok(Self {
            key: EncodingKey::from_ed_der(seed),
            public: PublicKey::ed25519(pair.public_key().as_ref()),
        })
    }

    /// A secret that signer and verifier share.
    pub fn symmetric(secret: &[u8]) -> Self {
        let members = [
            ("kty", "oct".to_owned()),
            ("k", URL_SAFE_NO_PAD.encode(secret)),
        ];
        Self {
            key: EncodingKey::from_secret(secret),
            public: PublicKey::new(KeyType::Symmetric, members),
        }
    }

    /// With the name and the algorithm that its file gives.
    pub fn called(mut self, key_id: Option<String>, algorithm: Option<Algorithm>) -> Self {
        self.public.key_id = key_id;
        self.public.algorithm = algorithm;
        self
    }

    /// The other half. Of a symmetric key it is the secret itself.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether some key can sign with it here.
    pub fn can_sign_with(algorithm: Algorithm) -> bool {
        algorithm.name().parse::<Signing>().is_ok()
    }

    /// A token of this header and these claims.
    ///
    /// # Errors
    /// Why the key cannot make it, in words.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        header: Header,
        claims: &Map<String, Value>,
    ) -> Result<String, String> {
        provider::install();
        let alg: Signing = algorithm.name().parse().map_err(|_| {
            format!(
                "the algorithm {}, which this command cannot sign with",
                algorithm.name()
            )
        })?;
        let header = Header { alg, ..header };
        jsonwebtoken::encode(&header, claims, &self.key)
            .map_err(|error| format!("a key that does not sign ({error})"))
    }
}
