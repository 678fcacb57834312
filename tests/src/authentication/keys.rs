//! The keys of the table.

use serde_json::{Value, json};

use crate::tokens::Signer;

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// ES256, in every key set as `es`.
    Es256,
    /// ES384, as `p384`.
    Es384,
    /// RS256, as `rsa`.
    Rs256,
    /// PS256 with the key `rsa`, which names no `alg`.
    Ps256,
    /// EdDSA, as `ed`.
    Ed25519,
    /// HS256, as `hs`.
    Hs256,
    /// ES256 with a key that is in no key set.
    Stranger,
}

/// One signer each.
pub struct Keys {
    es256: Signer,
    es384: Signer,
    rs256: Signer,
    ps256: Signer,
    ed25519: Signer,
    hs256: Signer,
    stranger: Signer,
}

impl Keys {
    /// Makes those that can be made.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> Result<Self, String> {
        Ok(Self {
            es256: Signer::es256()?,
            es384: Signer::es384()?,
            rs256: Signer::rs256()?,
            ps256: Signer::ps256()?,
            ed25519: Signer::ed25519()?,
            hs256: Signer::hs256(b"a secret of thirty-two bytes, no less"),
            stranger: Signer::es256()?,
        })
    }

    /// The private key.
    #[must_use]
    pub fn signer(&self, key: Key) -> &Signer {
        match key {
            Key::Es256 => &self.es256,
            Key::Es384 => &self.es384,
            Key::Rs256 => &self.rs256,
            Key::Ps256 => &self.ps256,
            Key::Ed25519 => &self.ed25519,
            Key::Hs256 => &self.hs256,
            Key::Stranger => &self.stranger,
        }
    }

    /// The public key with these fields beside.
    #[must_use]
    pub fn jwk(&self, key: Key, fields: Value) -> Value {
        let mut jwk = self.signer(key).jwk();
        if let (Value::Object(jwk), Value::Object(fields)) = (&mut jwk, fields) {
            jwk.extend(fields);
        }
        jwk
    }

    /// What most setups trust.
    #[must_use]
    pub fn usual(&self) -> Vec<Value> {
        vec![
            self.jwk(Key::Es256, json!({"kid": "es", "alg": "ES256"})),
            self.jwk(Key::Es384, json!({"kid": "p384", "alg": "ES384"})),
            self.jwk(Key::Rs256, json!({"kid": "rsa"})),
            self.jwk(Key::Ed25519, json!({"kid": "ed", "alg": "EdDSA"})),
            self.jwk(Key::Hs256, json!({"kid": "hs", "alg": "HS256"})),
        ]
    }
}
