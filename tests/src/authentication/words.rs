//! Tokens by name, and texts in which they are named.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::keys::{Key, Keys};
use crate::tokens;

/// A token that the table can name: who signs it, its header, its payload.
///
/// In a payload `$one` and `$two` are the usual claims of an issuer, and `$now` with a
/// number behind it a time so many seconds from now.
type Minted = (&'static str, Key, &'static str, &'static str);

const ES: &str = r#"{"alg":"ES256","kid":"es"}"#;
const ONE: &str = r#""iss":"https://one.test","sub":"alice","exp":4102444800"#;
const TWO: &str = r#""iss":"https://two.test","sub":"bob","exp":4102444800"#;
/// Without `exp`, so that a row can have its own.
const BARE: &str = r#""iss":"https://one.test","sub":"alice""#;

#[rustfmt::skip]
const MINTED: &[Minted] = &[
    ("good", Key::Es256, ES, r"{$one}"),
    ("two", Key::Es256, ES, r"{$two}"),
    ("three", Key::Es256, ES, r#"{"iss":"https://three.test","sub":"carol","exp":4102444800}"#),
    // Algorithms.
    ("rs256", Key::Rs256, r#"{"alg":"RS256","kid":"rsa"}"#, r"{$one}"),
    ("ps256", Key::Ps256, r#"{"alg":"PS256","kid":"rsa"}"#, r"{$one}"),
    ("es384", Key::Es384, r#"{"alg":"ES384","kid":"p384"}"#, r"{$one}"),
    ("eddsa", Key::Ed25519, r#"{"alg":"EdDSA","kid":"ed"}"#, r"{$one}"),
    ("hs256", Key::Hs256, r#"{"alg":"HS256","kid":"hs"}"#, r"{$one}"),
    ("none", Key::Es256, r#"{"alg":"none"}"#, r"{$one}"),
    ("unknown-alg", Key::Es256, r#"{"alg":"ES256K","kid":"es"}"#, r"{$one}"),
    // Times.
    ("expired", Key::Es256, ES, r#"{$bare,"exp":1000000000}"#),
    ("expired-in-skew", Key::Es256, ES, r#"{$bare,"exp":$now-20}"#),
    ("expired-past-skew", Key::Es256, ES, r#"{$bare,"exp":$now-90}"#),
    ("early-in-skew", Key::Es256, ES, r#"{$one,"nbf":$now+20}"#),
    ("early", Key::Es256, ES, r#"{$one,"nbf":$now+3600}"#),
    ("never-expires", Key::Es256, ES, r"{$bare}"),
    ("exp-zero", Key::Es256, ES, r#"{$bare,"exp":0}"#),
    ("exp-fraction", Key::Es256, ES, r#"{$bare,"exp":4102444800.75}"#),
    ("exp-null", Key::Es256, ES, r#"{$bare,"exp":null}"#),
    ("exp-text", Key::Es256, ES, r#"{$bare,"exp":"4102444800"}"#),
    ("exp-negative", Key::Es256, ES, r#"{$bare,"exp":-1}"#),
    ("exp-huge", Key::Es256, ES, r#"{$bare,"exp":1e30}"#),
    ("nbf-text", Key::Es256, ES, r#"{$one,"nbf":"1"}"#),
    ("nbf-negative", Key::Es256, ES, r#"{$one,"nbf":-5}"#),
    ("iat-text", Key::Es256, ES, r#"{$one,"iat":"1"}"#),
    ("iat-negative", Key::Es256, ES, r#"{$one,"iat":-5}"#),
    ("iat-future", Key::Es256, ES, r#"{$one,"iat":4102444800}"#),
    // Header and payload.
    ("header-not-json", Key::Es256, r#"{"alg":"ES256""#, r"{$one}"),
    ("header-list", Key::Es256, r#"["ES256"]"#, r"{$one}"),
    ("header-duplicate", Key::Es256, r#"{"alg":"ES256","kid":"es","alg":"ES256"}"#, r"{$one}"),
    ("alg-missing", Key::Es256, r#"{"kid":"es"}"#, r"{$one}"),
    ("alg-number", Key::Es256, r#"{"alg":256}"#, r"{$one}"),
    ("kid-number", Key::Es256, r#"{"alg":"ES256","kid":1}"#, r"{$one}"),
    ("typ-odd", Key::Es256, r#"{"alg":"ES256","kid":"es","typ":"at+jwt","cty":"x"}"#, r"{$one}"),
    ("crit", Key::Es256, r#"{"alg":"ES256","kid":"es","crit":["b64"],"b64":true}"#, r"{$one}"),
    ("payload-not-json", Key::Es256, ES, r"{$one"),
    ("payload-text", Key::Es256, ES, r#""alice""#),
    ("payload-duplicate", Key::Es256, ES, r#"{$one,"sub":"mallory"}"#),
    ("iss-number", Key::Es256, ES, r#"{"iss":1,"sub":"alice"}"#),
    ("iss-missing", Key::Es256, ES, r#"{"sub":"alice"}"#),
    ("sub-number", Key::Es256, ES, r#"{"iss":"https://one.test","sub":1}"#),
    ("sub-missing", Key::Es256, ES, r#"{"iss":"https://one.test"}"#),
    ("jti-number", Key::Es256, ES, r#"{$one,"jti":1}"#),
    ("aud-number", Key::Es256, ES, r#"{$one,"aud":1}"#),
    ("aud-mixed", Key::Es256, ES, r#"{$one,"aud":["one",1]}"#),
    // Audiences.
    ("aud-one", Key::Es256, ES, r#"{$one,"aud":"one"}"#),
    ("aud-one-url", Key::Es256, ES, r#"{$one,"aud":"https://one/"}"#),
    ("aud-one-plain-url", Key::Es256, ES, r#"{$one,"aud":"http://one"}"#),
    ("aud-one-two-slashes", Key::Es256, ES, r#"{$one,"aud":"https://one//"}"#),
    ("aud-upper", Key::Es256, ES, r#"{$one,"aud":"ONE"}"#),
    ("aud-list", Key::Es256, ES, r#"{$one,"aud":["other","one"]}"#),
    ("aud-other", Key::Es256, ES, r#"{$one,"aud":"other"}"#),
    ("aud-empty-list", Key::Es256, ES, r#"{$one,"aud":[]}"#),
    ("aud-other-forged", Key::Stranger, ES, r#"{$one,"aud":"other"}"#),
    // Keys.
    ("forged", Key::Stranger, ES, r"{$one}"),
    ("forged-two", Key::Stranger, ES, r"{$two}"),
    ("unknown-kid", Key::Es256, r#"{"alg":"ES256","kid":"nobody"}"#, r"{$one}"),
    ("other-kid", Key::Es256, r#"{"alg":"ES256","kid":"ed"}"#, r"{$one}"),
    ("no-kid", Key::Es256, r#"{"alg":"ES256"}"#, r"{$one}"),
    ("forged-no-kid", Key::Stranger, r#"{"alg":"ES256"}"#, r"{$one}"),
    ("ec-as-hs256", Key::Es256, r#"{"alg":"HS256","kid":"es"}"#, r"{$one}"),
    ("oct-as-rs256", Key::Hs256, r#"{"alg":"RS256","kid":"hs"}"#, r"{$one}"),
    ("expired-three", Key::Es256, ES, r#"{"iss":"https://three.test","exp":1000000000}"#),
    // Claims.
    ("scopes", Key::Es256, ES, r#"{$one,"scope":"read write","permission":"a b","groups":"x y","roles":"p q"}"#),
    ("claims", Key::Es256, ES, r#"{$one,"text":"plain","whole":42,"huge":12345678901234567890,"fraction":1.5,"negative":-3,"yes":true,"no":false,"none":null,"empty":"","list":[1,"b"],"object":{"a":{"c":"deep"}},"a/b:c":"odd","dotted.name":"hidden"}"#),
    ("newline", Key::Es256, ES, r#"{$one,"text":"one\ntwo"}"#),
];

/// The tokens of one run: a token is the same wherever it is named.
pub struct Words(BTreeMap<&'static str, String>);

impl Words {
    /// Mints every token, now.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn mint(keys: &Keys) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|error| error.to_string())?.as_secs();
        let minted = MINTED.iter().map(|(name, key, header, payload)| {
            let payload = claims(payload, now);
            Ok((*name, tokens::sign(keys.signer(*key), header, &payload)?))
        });
        minted.collect::<Result<_, String>>().map(Self)
    }

    /// `{name}` becomes the token, `{name:0}` its header, `{name:1}` its payload,
    /// `{name:2}` its signature. Other braces stay.
    ///
    /// # Panics
    /// When no token has that name: the table is wrong then.
    #[must_use]
    pub fn expand(&self, text: &str) -> String {
        let mut pieces = text.split('{');
        let mut expanded = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.split_once('}') {
                Some((name, rest)) => expanded.extend([&self.token(name), rest]),
                None => expanded.extend(["{", piece]),
            }
        }
        expanded
    }

    #[expect(clippy::panic, reason = "a table that names no token is a broken test")]
    fn token(&self, word: &str) -> String {
        let (name, part) = word.split_once(':').unwrap_or((word, ""));
        let Some(token) = self.0.get(name) else {
            panic!("no token is called {name:?}");
        };
        let Ok(part) = part.parse() else {
            return token.clone();
        };
        token.split('.').nth(part).unwrap_or_default().to_owned()
    }
}

fn claims(payload: &str, now: u64) -> String {
    let payload = [("$one", ONE), ("$two", TWO), ("$bare", BARE)]
        .iter()
        .fold(payload.to_owned(), |text, (word, claims)| {
            text.replace(word, claims)
        });
    let Some((before, after)) = payload.split_once("$now") else {
        return payload;
    };
    let end = after.find(['}', ',']).unwrap_or(after.len());
    let (offset, rest) = after.split_at(end);
    let time = now.saturating_add_signed(offset.parse().unwrap_or_default());
    format!("{before}{time}{rest}")
}

#[cfg(test)]
mod tests {
    use super::claims;

    #[test]
    fn a_time_is_relative() {
        assert_eq!(claims(r#"{"exp":$now-20}"#, 100), r#"{"exp":80}"#);
        assert_eq!(
            claims(r#"{"nbf":$now+5,"a":1}"#, 100),
            r#"{"nbf":105,"a":1}"#
        );
    }
}
