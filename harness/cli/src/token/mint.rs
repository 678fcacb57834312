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
    named(text, |_| true)
}

/// The same of an algorithm to sign with: others have names too, but are not proposed.
///
/// # Errors
/// There is none of that name.
pub fn signing_algorithm(text: &str) -> Result<Algorithm, String> {
    named(text, PrivateKey::can_sign_with)
}

fn named(text: &str, is_proposed: impl Fn(Algorithm) -> bool) -> Result<Algorithm, String> {
    let all = || Algorithm::ALL.iter().copied();
    let found = all().find(|algorithm| algorithm.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let proposed = all().filter(|algorithm| is_proposed(*algorithm));
        let names: Vec<&str> = proposed.map(Algorithm::name).collect();
        let help = suggest(text, names.iter().copied()).map(|help| format!("; {help}"));
        format!(
            "found {}, expected {}{} [unknown-algorithm]",
            quote(text),
            one_of(names.iter().copied()),
            help.unwrap_or_default()
        )
    })
}

/// Whether an algorithm can be used with a key: never two kinds of key with one, and
/// no secret that is shorter than the hash (RFC 7518 section 3.2).
///
/// # Errors
/// It cannot.
pub fn check_algorithm(algorithm: Algorithm, key: &PublicKey) -> Result<(), Failure> {
    let fits = |algorithm: Algorithm| {
        algorithm.key_type() == key.kind
            && key.secret_bytes().unwrap_or_default() >= algorithm.least_secret_bytes()
    };
    if fits(algorithm) {
        return Ok(());
    }
    let all = Algorithm::ALL.iter().copied();
    let fitting: Vec<&str> = all.filter(|a| fits(*a)).map(Algorithm::name).collect();
    let expected = match (key.secret_bytes(), fitting.as_slice()) {
        (Some(bytes), []) => format!("a secret of at least 32 bytes, and this has {bytes}"),
        (Some(bytes), some) => format!(
            "for a secret of {bytes} bytes {}",
            one_of(some.iter().copied())
        ),
        (None, some) => format!("for this key {}", one_of(some.iter().copied())),
    };
    let found = quote(algorithm.name());
    Err(Failure::new(
        "--algorithm",
        found,
        &expected,
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
    /// `kid`; by default the key's own, and none if it is empty.
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
    let key_id = heading.key_id.or_else(|| key.public().name());
    let header = Header {
        kid: key_id.filter(|key_id| !key_id.is_empty()),
        typ: heading.kind,
        ..Header::default()
    };
    key.sign(algorithm, header, claims).map_err(|found| {
        let expected = "a key and an algorithm that sign";
        Failure::new("--key", found, expected, "cannot-sign")
    })
}
