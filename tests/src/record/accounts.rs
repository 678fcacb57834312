//! Who issues the tokens of the recording: real OpenID providers, and what becomes of
//! tokens in wrong hands.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::identity_provider::{ALGORITHMS, AUDIENCE, Grant, IdentityProvider};

/// The issuer that the payment service trusts.
pub const ISSUER: &str = "https://accounts.example.com";
/// Another one.
const STRANGER: &str = "https://accounts.elsewhere.example";

/// May read.
const SHOP: &str = "web-shop";
/// May refund as well.
const DESK: &str = "refunds-desk";

/// How wrong the issuer's clock goes to issue what has expired, in seconds.
const TWO_HOURS_AGO: i64 = -7_200;

/// Tokens by name, and the keys that verify the good ones.
pub struct Accounts {
    tokens: BTreeMap<String, String>,
    /// What the issuer publishes at the end: its keys and those before them.
    pub key_set: Value,
}

impl Accounts {
    /// Has every token issued. The issuer changes its keys twice: those before the first
    /// change are published no more, those before the second still are.
    ///
    /// # Errors
    /// When a provider does not start or refuses.
    pub fn open() -> Result<Self> {
        let mut issuer = IdentityProvider::start(ISSUER)?;
        let mut tokens = BTreeMap::new();
        let mut keep = |name: &str, token| tokens.insert(name.to_owned(), token);
        keep("retired", grant(&issuer, SHOP, "ES256")?);
        issuer.rotate()?;
        issuer.retire_old_keys()?;
        for algorithm in ALGORITHMS {
            keep(
                &format!("shop-{algorithm}"),
                grant(&issuer, SHOP, algorithm)?,
            );
        }
        keep("desk", grant(&issuer, DESK, "RS256")?);
        keep("ledger", grant_for("ledger", &issuer, SHOP, "ES256")?);
        issuer.set_clock(TWO_HOURS_AGO)?;
        keep("expired", grant(&issuer, SHOP, "ES256")?);
        issuer.set_clock(0)?;
        issuer.rotate()?;
        for algorithm in ALGORITHMS {
            let token = grant(&issuer, SHOP, algorithm)?;
            keep(&format!("new-shop-{algorithm}"), token);
        }
        let good = grant(&issuer, DESK, "ES256")?;
        for (name, forge) in FORGERIES {
            keep(name, forge(&good).context(name)?);
        }
        keep("new-desk", good);
        keep(
            "stranger",
            grant(&IdentityProvider::start(STRANGER)?, DESK, "ES256")?,
        );
        keep(
            "impostor",
            grant(&IdentityProvider::start(ISSUER)?, DESK, "ES256")?,
        );
        Ok(Self {
            key_set: issuer.key_set()?,
            tokens,
        })
    }

    /// `text` with the token for each name in braces.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, token) in &self.tokens {
            filled = filled.replace(&format!("{{{name}}}"), token);
        }
        filled
    }
}

fn grant(provider: &IdentityProvider, client: &str, algorithm: &str) -> Result<String> {
    grant_for(AUDIENCE, provider, client, algorithm)
}

fn grant_for(
    audience: &str,
    provider: &IdentityProvider,
    client: &str,
    algorithm: &str,
) -> Result<String> {
    provider.grant(&Grant {
        client,
        audience,
        algorithm,
        scope: "read",
    })
}

/// What is made of a good token without the key.
type Forgery = fn(&str) -> Option<String>;

const FORGERIES: [(&str, Forgery); 5] = [
    ("renamed", |good| {
        let (header, rest) = good.split_once('.')?;
        let (payload, signature) = rest.split_once('.')?;
        let payload = edited(payload, "sub", json!("the-owner"))?;
        Some(format!("{header}.{payload}.{signature}"))
    }),
    ("unsigned", |good| {
        let (header, rest) = good.split_once('.')?;
        Some(format!("{}.{rest}", edited(header, "alg", json!("none"))?))
    }),
    ("stripped", |good| {
        good.rsplit_once('.')
            .map(|(signed, _)| format!("{signed}."))
    }),
    ("flipped", |good| {
        let (signed, signature) = good.rsplit_once('.')?;
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
        *bytes.first_mut()? ^= 1;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    }),
    ("cut", |good| {
        good.rsplit_once('.').map(|(signed, _)| signed.to_owned())
    }),
];

/// A part of a token with one member changed.
fn edited(part: &str, member: &str, value: Value) -> Option<String> {
    let mut object: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    *object.get_mut(member)? = value;
    Some(URL_SAFE_NO_PAD.encode(object.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgery_differs_from_the_token_where_it_says() {
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = part(json!({"alg": "ES256"}));
        let payload = part(json!({"sub": "alice"}));
        let good = format!("{header}.{payload}.AAAA");
        let forged: BTreeMap<_, _> = FORGERIES
            .iter()
            .map(|(name, forge)| (*name, forge(&good).unwrap()))
            .collect();
        let owner = part(json!({"sub": "the-owner"}));
        assert_eq!(forged["renamed"], format!("{header}.{owner}.AAAA"));
        let none = part(json!({"alg": "none"}));
        assert_eq!(forged["unsigned"], format!("{none}.{payload}.AAAA"));
        assert_eq!(forged["stripped"], format!("{header}.{payload}."));
        assert_eq!(forged["flipped"], format!("{header}.{payload}.AQAA"));
        assert_eq!(forged["cut"], format!("{header}.{payload}"));
    }

    #[test]
    fn names_in_braces_are_filled() {
        let accounts = Accounts {
            tokens: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            key_set: Value::Null,
        };
        assert_eq!(accounts.fill("Bearer {a} {b}"), "Bearer 1 {b}");
    }
}
