//! From a key and claims to a token.

use jsonwebtoken::Header;
use serde_json::{Map, Value};
use sluice_jwt::{Algorithm, KeyType};
use sluice_policy::diagnostic::{quote, suggest};
use sluice_policy::json::one_of;

use super::jwk::Key;
use super::private_key::PrivateKey;
use super::public_key::PublicKey;
use crate::failure::Failure;

/// The algorithm of a key when nothing says which.
pub fn usual_algorithm(key: &PublicKey) -> Algorithm {
    let usual = match key.kind {
        KeyType::Rsa => Algorithm::Rs256,
        KeyType::P256 => Algorithm::Es256,
        KeyType::P384 => Algorithm::Es384,
        KeyType::P521 => Algorithm::Es512,
        KeyType::Ed25519 => Algorithm::EdDsa,
        KeyType::Symmetric => Algorithm::Hs256,
    };
    key.algorithm.unwrap_or(usual)
}

/// Reads the name of an algorithm; case does not matter here.
///
/// # Errors
/// There is none of that name.
pub fn algorithm(text: &str) -> Result<Algorithm, String> {
    let all = Algorithm::ALL.iter();
    let found = all
        .copied()
        .find(|algorithm| algorithm.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let names = || Algorithm::ALL.iter().map(|algorithm| algorithm.name());
        let help = suggest(text, names()).map(|help| format!("; {help}"));
        format!(
            "found {}, expected {}{} [unknown-algorithm]",
            quote(text),
            one_of(names()),
            help.unwrap_or_default()
        )
    })
}

/// Whether an algorithm can be used with a key: never two kinds of key with one.
///
/// # Errors
/// It cannot.
pub fn check_algorithm(algorithm: Algorithm, key: &PublicKey) -> Result<(), Failure> {
    if algorithm.key_type() == key.kind {
        return Ok(());
    }
    let fitting = Algorithm::ALL
        .iter()
        .filter(|other| other.key_type() == key.kind);
    Err(Failure::new(
        "--algorithm",
        quote(algorithm.name()),
        &format!(
            "for this key {}",
            one_of(fitting.map(|fitting| fitting.name()))
        ),
        "algorithm-does-not-fit",
    ))
}

/// The key to sign with: the only private one, or the one of that `kid`.
///
/// # Errors
/// There is none, or more than one.
pub fn choose(path: &str, keys: Vec<Key>, key_id: Option<&str>) -> Result<PrivateKey, Failure> {
    let private = keys.into_iter().filter_map(|key| match key {
        Key::Private(key) => Some(key),
        Key::Public(_) => None,
    });
    let mut keys: Vec<PrivateKey> = private.collect();
    if keys.len() > 1 {
        keys.retain(|key| key_id.is_some() && key.public().key_id.as_deref() == key_id);
    }
    let count = keys.len();
    match (keys.pop(), count) {
        (Some(key), 1) => Ok(key),
        (None, _) => Err(Failure::with_help(
            path,
            "no private key to sign with",
            "exactly one",
            "name one of several by --kid",
            "no-private-key",
        )),
        _ => Err(Failure::new(
            path,
            "two keys of that kid",
            "one",
            "ambiguous-key",
        )),
    }
}

/// What the header of a token says beside the algorithm.
#[derive(Debug, Clone, Default)]
pub struct Heading {
    /// `kid`; by default the key's own.
    pub key_id: Option<String>,
    /// `typ`.
    pub kind: Option<String>,
}

/// Signs a token.
///
/// # Errors
/// The key cannot be used with the algorithm.
pub fn mint(
    key: &PrivateKey,
    algorithm: Algorithm,
    heading: Heading,
    claims: &Map<String, Value>,
) -> Result<String, Failure> {
    check_algorithm(algorithm, key.public())?;
    let header = Header {
        kid: heading.key_id.or_else(|| key.public().name()),
        typ: heading.kind,
        ..Header::default()
    };
    key.sign(algorithm, header, claims).map_err(|found| {
        let expected = "a key and an algorithm that sign";
        Failure::new("--key", found, expected, "cannot-sign")
    })
}
