//! Files that hold keys. Nothing of what they hold is ever quoted.

use std::path::Path;

use rsa::pkcs8::{Document, SecretDocument};
use serde_json::{Map, Value};

use super::jwk::{self, Key};
use super::private_key::{KeyError, MALFORMED, PrivateKey};
use super::public_key::PublicKey;
use crate::failure::Failure;

/// The largest key file that is read; a set of hundreds of keys is smaller.
const MAX_BYTES: u64 = 1 << 20;

/// Codes of failures.
const INVALID: &str = "invalid-key";

const EXPECTED: &str = "a key as PEM or JWK";

/// Every key of a file: a PEM block, a JWK or a key set.
///
/// # Errors
/// It cannot be read, or a key of it is none.
pub fn read(path: &Path) -> Result<Vec<Key>, Failure> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path)
        .map_err(|error| Failure::reading(path, &error))?
        .len();
    if size > MAX_BYTES {
        return Err(Failure::new(
            name,
            format_args!("{size} bytes"),
            "at most 1 MiB",
            "too-large",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::reading(path, &error))?;
    if text.trim_start().starts_with('{') {
        return key_set(&name, &text);
    }
    let key = pem(&text).map_err(|error| failure(&name, error))?;
    Ok(vec![key])
}

fn failure(path: &str, error: KeyError) -> Failure {
    match error.help {
        Some(help) => Failure::with_help(path, error.found, EXPECTED, help, INVALID),
        None => Failure::new(path, error.found, EXPECTED, INVALID),
    }
}

fn key_set(name: &str, text: &str) -> Result<Vec<Key>, Failure> {
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Failure::new(name, place(&error), "JSON", INVALID))?;
    let Some(keys) = object.get("keys") else {
        let key = jwk::read(&object).map_err(|error| failure(name, error))?;
        return Ok(vec![key]);
    };
    let expected = "a list of JWKs";
    let malformed = |path: &str| Failure::new(path, "something else", expected, INVALID);
    let keys = keys.as_array();
    let keys = keys.ok_or_else(|| malformed(&format!("{name}: keys")))?;
    let read = |(index, key): (usize, &Value)| {
        let path = format!("{name}: keys[{index}]");
        let key = key.as_object().ok_or_else(|| malformed(&path))?;
        jwk::read(key).map_err(|error| failure(&path, error))
    };
    keys.iter().enumerate().map(read).collect()
}

/// Where JSON ends to be JSON. The words of `serde_json` may quote the file.
fn place(error: &serde_json::Error) -> String {
    format!(
        "no JSON at line {}, column {}",
        error.line(),
        error.column()
    )
}

/// What a PEM block with some label holds.
type Reader = fn(&[u8]) -> Result<Key, KeyError>;

const LABELS: [(&str, Reader); 4] = [
    ("PRIVATE KEY", |der| {
        PrivateKey::from_pkcs8(der).map(Key::Private)
    }),
    ("RSA PRIVATE KEY", |der| {
        PrivateKey::from_pkcs1(der).map(Key::Private)
    }),
    ("EC PRIVATE KEY", |der| {
        PrivateKey::from_sec1(der).map(Key::Private)
    }),
    ("PUBLIC KEY", |der| {
        PublicKey::from_spki(der).map(Key::Public).ok_or(MALFORMED)
    }),
];

/// PEM blocks that are not what people think, and what to do about it.
const HELP: [(&str, KeyError); 2] = [
    (
        "ENCRYPTED PRIVATE KEY",
        KeyError {
            found: "a key that is encrypted",
            help: Some("decrypt it with `openssl pkcs8 -in FILE -out PLAIN`"),
        },
    ),
    (
        "CERTIFICATE",
        KeyError {
            found: "a certificate",
            help: Some("take its key out with `openssl x509 -pubkey -noout -in FILE`"),
        },
    ),
];

fn pem(text: &str) -> Result<Key, KeyError> {
    for (label, read) in LABELS {
        if let Some(block) = block(text, label) {
            let der = decode(label, block)?;
            return read(der.as_bytes());
        }
    }
    let other = HELP.iter().find(|(label, _)| block(text, label).is_some());
    Err(other.map_or(
        KeyError {
            found: "something else",
            help: None,
        },
        |(_, error)| *error,
    ))
}

fn decode(label: &str, block: &str) -> Result<SecretDocument, KeyError> {
    let found = if label == "PUBLIC KEY" {
        Document::from_pem(block).map(|(_, public)| public.into_secret())
    } else {
        SecretDocument::from_pem(block).map(|(_, secret)| secret)
    };
    found.map_err(|_| MALFORMED)
}

/// The block of that label. `openssl ecparam` writes one of parameters before the key.
fn block<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let start = text.find(&format!("-----BEGIN {label}-----"))?;
    let rest = text.get(start..)?;
    let end = format!("-----END {label}-----");
    let length = rest.find(&end)? + end.len();
    rest.get(..length)
}
