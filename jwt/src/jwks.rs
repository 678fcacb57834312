//! Sets of keys (RFC 7517 section 5). A bad key is left out, and said to be; a set
//! without any good one is refused.

use serde_json::{Map, Value};
use sluice_policy::json::{TrailingComma, parse_untrusted};

use crate::algorithm::KeyType;
use crate::jws::Jws;
use crate::key::{Key, is_certificate};
use crate::status::Status;

/// Larger sets are refused. The largest in use, of issuers with hundreds of tenants,
/// have a tenth of it.
pub const MAX_JWKS_BYTES: usize = 1024 * 1024;

/// Sets with more keys are refused: a token without `kid` is tried with each.
pub const MAX_KEYS: usize = 256;

/// The keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<SkippedKey>,
}

/// A key that was left out of its set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Why it is of no use.
    pub status: Status,
}

impl KeySet {
    /// Reads a JWKS, or an object of PEM certificates by `kid`.
    ///
    /// # Errors
    ///
    /// Envoy's status: that of the first bad key if there is no good one.
    pub fn parse(text: &[u8]) -> Result<Self, Status> {
        let set = Self::published(text)?;
        if set.is_empty() {
            let first = set.skipped.first();
            return Err(first.map_or(Status::NoValidKey, |key| key.status));
        }
        Ok(set)
    }

    /// Reads what an issuer publishes. A list without any good key is an empty set then:
    /// the keys that were there have been withdrawn.
    ///
    /// # Errors
    ///
    /// Envoy's status for what is no set.
    pub fn published(text: &[u8]) -> Result<Self, Status> {
        if text.len() > MAX_JWKS_BYTES {
            return Err(Status::JwksTooLarge);
        }
        let Some(Value::Object(set)) = parse_untrusted(text, TrailingComma::Ignored) else {
            return Err(Status::JwksBadJson);
        };
        match set.get("keys") {
            Some(Value::Array(keys)) => Self::of_jwks(keys),
            Some(_) => Err(Status::JwksKeysNotList),
            None => Self::of_certificates(&set),
        }
    }

    fn of_jwks(jwks: &[Value]) -> Result<Self, Status> {
        if jwks.len() > MAX_KEYS {
            return Err(Status::JwksTooLarge);
        }
        let mut found = Found::default();
        for (index, jwk) in jwks.iter().enumerate() {
            // What is no object is no key, not even a bad one, in Envoy.
            let Value::Object(jwk) = jwk else { continue };
            match Key::from_jwk(jwk) {
                Ok(key) => found.keys.push((index, key)),
                Err(status) => found.skip(index, status),
            }
        }
        // First: a public key that is of no use was published all the same.
        if jwks.iter().any(is_public) {
            found.skip_secrets();
        }
        found.skip_ambiguous();
        Ok(found.into_set())
    }

    /// One bad certificate spoils the set, as in Envoy.
    fn of_certificates(certificates: &Map<String, Value>) -> Result<Self, Status> {
        if certificates.is_empty() || !certificates.iter().all(is_named_certificate) {
            return Err(Status::JwksNoKeys);
        }
        if certificates.len() > MAX_KEYS {
            return Err(Status::JwksTooLarge);
        }
        let key = |(id, pem): (&String, &Value)| {
            Key::from_certificate(id, pem.as_str().unwrap_or_default())
        };
        let keys = certificates.iter().map(key).collect::<Result<_, _>>()?;
        let skipped = Vec::new();
        Ok(Self { keys, skipped })
    }

    /// The keys that a token may mean, in their order: those of its `kid`, if both say
    /// one, and of its `alg`, if the key says one. Whether such a key may be used with
    /// the algorithm is another matter.
    pub(crate) fn matching<'k>(&'k self, jws: Jws<'k>) -> impl Iterator<Item = &'k Key> {
        self.keys.iter().filter(move |key| {
            let same_id = jws.key_id.is_empty() || key.id().is_empty() || key.id() == jws.key_id;
            same_id && key.algorithm().is_none_or(|own| own == jws.algorithm)
        })
    }

    /// Each key.
    pub fn iter(&self) -> std::slice::Iter<'_, Key> {
        self.keys.iter()
    }

    /// Keys that were left out, in the order in which they were found.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// How many good keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key has that `kid`.
    pub fn has_key_id(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id() == id)
    }
}

/// Whether an item of a list is a key, good or bad, of a type that has a public half.
fn is_public(jwk: &Value) -> bool {
    jwk.get("kty").is_some_and(|kty| kty != "oct")
}

fn is_named_certificate((id, pem): (&String, &Value)) -> bool {
    !id.is_empty() && matches!(pem, Value::String(pem) if is_certificate(pem))
}

/// A set being read.
#[derive(Default)]
struct Found {
    /// With their places.
    keys: Vec<(usize, Key)>,
    skipped: Vec<SkippedKey>,
}

impl Found {
    fn skip(&mut self, index: usize, status: Status) {
        self.skipped.push(SkippedKey { index, status });
    }

    fn skip_if(&mut self, status: Status, mut is_bad: impl FnMut(&Self, &Key) -> bool) {
        let bad: Vec<bool> = self.keys.iter().map(|(_, key)| is_bad(self, key)).collect();
        let keys = std::mem::take(&mut self.keys);
        for (key, is_bad) in keys.into_iter().zip(bad) {
            if is_bad {
                self.skip(key.0, status);
            } else {
                self.keys.push(key);
            }
        }
    }

    /// Which of two keys does the issuer mean? One of them it did not expect there.
    fn skip_ambiguous(&mut self) {
        self.skip_if(Status::KeyAmbiguous, |found, key| {
            let mut others = found.keys.iter();
            others.any(|(_, other)| key.is_confused_with(other))
        });
    }

    /// A set with public keys is published, and so is a secret in it.
    fn skip_secrets(&mut self) {
        self.skip_if(Status::OctBesidePublic, |_, key| {
            key.key_type() == KeyType::Symmetric
        });
    }

    fn into_set(self) -> KeySet {
        KeySet {
            keys: self.keys.into_iter().map(|(_, key)| key).collect(),
            skipped: self.skipped,
        }
    }
}

#[cfg(test)]
mod tests;
