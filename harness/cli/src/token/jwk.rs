//! Private keys as JWKs (RFC 7517, RFC 7518 section 6, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::{RsaPrivateKey, UintRef};
use rsa::pkcs8::der::Encode;
use sec1::EcPrivateKey;
use serde_json::{Map, Value};
use sluice_jwt::Algorithm;

use super::private_key::{CURVES, KeyError, MALFORMED, PrivateKey};
use super::public_key::PublicKey;

/// What a JWK may be.
#[derive(Debug, Clone)]
pub enum Key {
    /// Both halves, or a secret.
    Private(PrivateKey),
    /// The public half alone.
    Public(PublicKey),
}

impl Key {
    /// The public half.
    pub fn public(&self) -> &PublicKey {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => key,
        }
    }
}

const UNKNOWN: KeyError = KeyError {
    found: "a JWK of another `kty` or `crv`",
    help: None,
};

/// `d` alone would do in theory, but nobody here computes primes from it.
const NO_PRIMES: KeyError = KeyError {
    found: "an RSA key without `p`, `q`, `dp`, `dq` and `qi`",
    help: None,
};

type Object = Map<String, Value>;

/// Reads one JWK.
///
/// # Errors
/// It is malformed or of no kind that signs tokens.
pub fn read(jwk: &Object) -> Result<Key, KeyError> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let key_id = text("kid").map(str::to_owned);
    let algorithm = text("alg").and_then(Algorithm::from_name);
    let key = match text("kty") {
        Some("RSA") => rsa(jwk),
        Some("EC") => elliptic(jwk),
        Some("OKP") => ed25519(jwk),
        Some("oct") => Ok(Key::Private(PrivateKey::symmetric(&bytes(jwk, "k")?))),
        _ => Err(UNKNOWN),
    };
    Ok(match key? {
        Key::Private(key) => Key::Private(key.called(key_id, algorithm)),
        Key::Public(mut key) => {
            key.key_id = key_id;
            key.algorithm = algorithm;
            Key::Public(key)
        }
    })
}

fn bytes(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyError> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(MALFORMED)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED)
}

fn rsa(jwk: &Object) -> Result<Key, KeyError> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    if !jwk.contains_key("d") {
        return Ok(Key::Public(PublicKey::rsa(&n, &e)));
    }
    if ["p", "q", "dp", "dq", "qi"]
        .iter()
        .any(|name| !jwk.contains_key(*name))
    {
        return Err(NO_PRIMES);
    }
    let part = |name: &str| bytes(jwk, name);
    let (d, p, q) = (part("d")?, part("p")?, part("q")?);
    let (dp, dq, qi) = (part("dp")?, part("dq")?, part("qi")?);
    let number = |bytes| UintRef::new(bytes).map_err(|_| MALFORMED);
    let key = RsaPrivateKey {
        modulus: number(&n)?,
        public_exponent: number(&e)?,
        private_exponent: number(&d)?,
        prime1: number(&p)?,
        prime2: number(&q)?,
        exponent1: number(&dp)?,
        exponent2: number(&dq)?,
        coefficient: number(&qi)?,
        other_prime_infos: None,
    };
    let der = key.to_der().map_err(|_| MALFORMED)?;
    PrivateKey::from_pkcs1(&der).map(Key::Private)
}

fn elliptic(jwk: &Object) -> Result<Key, KeyError> {
    let name = jwk.get("crv").and_then(Value::as_str);
    let curve = CURVES.iter().find(|curve| Some(curve.name) == name);
    let kind = curve.ok_or(UNKNOWN)?.kind;
    let point = [&[4][..], &bytes(jwk, "x")?, &bytes(jwk, "y")?].concat();
    let public = PublicKey::elliptic(kind, &point).ok_or(MALFORMED)?;
    if !jwk.contains_key("d") {
        return Ok(Key::Public(public));
    }
    let key = EcPrivateKey {
        private_key: &bytes(jwk, "d")?,
        parameters: None,
        public_key: Some(&point),
    };
    let der = key.to_der().map_err(|_| MALFORMED)?;
    PrivateKey::elliptic(kind, &der).map(Key::Private)
}

fn ed25519(jwk: &Object) -> Result<Key, KeyError> {
    if jwk.get("crv").and_then(Value::as_str) != Some("Ed25519") {
        return Err(UNKNOWN);
    }
    let public = PublicKey::ed25519(&bytes(jwk, "x")?);
    if !jwk.contains_key("d") {
        return Ok(Key::Public(public));
    }
    let key = PrivateKey::ed25519(&bytes(jwk, "d")?)?;
    // A seed with another key's public half would sign what nobody verifies.
    if *key.public() != public {
        return Err(KeyError {
            found: "a JWK whose `d` and `x` do not belong together",
            help: None,
        });
    }
    Ok(Key::Private(key))
}
