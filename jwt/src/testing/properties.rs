//! Properties of tokens, keys and signatures, on generated ones.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::{RingHost, Signer};
use crate::{Algorithm, KeySet, KeyType, NoHostCrypto, Status, Token, verify};

const KEY_TYPES: [KeyType; 6] = [
    KeyType::Rsa,
    KeyType::P256,
    KeyType::P384,
    KeyType::P521,
    KeyType::Ed25519,
    KeyType::Symmetric,
];

/// A key of each type.
static SIGNERS: LazyLock<Vec<(KeyType, Signer)>> = LazyLock::new(|| {
    let signers = KEY_TYPES.map(|key_type| (key_type, Signer::new(key_type, 1)));
    signers.into()
});

fn signer(key_type: KeyType) -> &'static Signer {
    let mut signers = SIGNERS.iter();
    &signers.find(|(of, _)| *of == key_type).unwrap().1
}

fn keys(key_type: KeyType, more: &Value) -> KeySet {
    KeySet::parse(signer(key_type).jwks(more).as_bytes()).unwrap()
}

/// What both tiers say, which is the same.
fn verdict(text: &str, keys: &KeySet) -> Result<(), Status> {
    let token = Token::parse(text.as_bytes())?;
    let by_us = verify(&token, keys, &mut NoHostCrypto).0;
    let by_host = verify(&token, keys, &mut RingHost::default()).0;
    assert_eq!(by_us, by_host, "{text}");
    by_us
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    select(Algorithm::ALL)
}

/// Any JSON, not deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let keys = prop_oneof![
            select(
                &[
                    "alg", "kid", "iss", "sub", "aud", "exp", "nbf", "iat", "jti"
                ][..]
            )
            .prop_map(str::to_owned),
            ".{0,4}",
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..4)
                .prop_map(|object| Value::Object(Map::from_iter(object))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies(algorithm in any_algorithm(), sub in ".{0,20}") {
        let key_type = algorithm.key_type();
        let text = signer(key_type).token(algorithm, &json!({"sub": sub}));
        for more in [json!({}), json!({"alg": algorithm.name()})] {
            prop_assert_eq!(verdict(&text, &keys(key_type, &more)), Ok(()));
        }
    }

    #[test]
    fn no_flipped_bit_of_any_part_verifies(
        algorithm in any_algorithm(),
        part in 0_usize..3,
        bit in any::<Index>(),
    ) {
        let text = signer(algorithm.key_type()).token(algorithm, &json!({"iss": "i", "exp": 9}));
        let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let mut bytes = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        parts[part] = URL_SAFE_NO_PAD.encode(bytes);
        let verdict = verdict(&parts.join("."), &keys(algorithm.key_type(), &json!({})));
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn whatever_crit_is_it_refuses(algorithm in any_algorithm(), crit in any_json()) {
        let header = json!({"alg": algorithm.name(), "crit": crit});
        let text = signer(algorithm.key_type()).sign(algorithm, &header, &json!({}));
        prop_assert_eq!(Token::parse(text.as_bytes()), Err(Status::HeaderCritical));
    }

    #[test]
    fn any_claims_are_taken_or_refused(header in any_json(), claims in any_json()) {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}.AA", encode(&header), encode(&claims));
        if let Ok(token) = Token::parse(text.as_bytes()) {
            prop_assert_eq!(header["alg"].as_str(), Some(token.algorithm().name()));
            prop_assert_eq!(claims["iss"].as_str().unwrap_or_default(), token.issuer());
            prop_assert_eq!(claims["sub"].as_str().unwrap_or_default(), token.subject());
            let segment = encode(&claims);
            prop_assert_eq!(token.payload_segment(), segment.as_bytes());
            prop_assert_eq!(token.claims().len(), claims.as_object().unwrap().len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..65_536)) {
        prop_assert!(Token::parse(&bytes).is_err());
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn no_text_panics(
        header in "[A-Za-z0-9_-]{0,40}",
        payload in vec(select(&b"AQJeyw0-_{}[]\":,"[..]), 0..65_536),
        signature in "[A-Za-z0-9_=-]{0,40}",
    ) {
        let encoded = URL_SAFE_NO_PAD.encode(&payload);
        let hs256 = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        for header in [header.as_str(), &hs256] {
            for payload in [&encoded, std::str::from_utf8(&payload).unwrap()] {
                let text = format!("{header}.{payload}.{signature}");
                let Ok(token) = Token::parse(text.as_bytes()) else { continue };
                prop_assert_eq!(token.text(), text.as_bytes());
            }
        }
    }

    #[test]
    fn no_key_panics(key in any_json(), kty in select(&["RSA", "EC", "oct", "OKP"][..])) {
        let mut key = key;
        if let Value::Object(members) = &mut key {
            members.insert("kty".to_owned(), kty.into());
        }
        let set = json!({"keys": [key]}).to_string();
        prop_assert!(KeySet::parse(set.as_bytes()).is_err());
    }
}

/// What a key of that type signs with when the token claims another algorithm: the
/// same hash, if there is a choice.
fn natural(key_type: KeyType, claimed: Algorithm) -> Algorithm {
    let hash = |algorithm: Algorithm| algorithm.name().split_at(2).1;
    let same_hash = |algorithm: &&Algorithm| {
        algorithm.key_type() == key_type && hash(**algorithm) == hash(claimed)
    };
    let any = |algorithm: &&Algorithm| algorithm.key_type() == key_type;
    let mut all = Algorithm::ALL.iter();
    let found = all.clone().find(same_hash).or_else(|| all.find(any));
    *found.unwrap()
}

#[test]
fn an_algorithm_takes_its_own_type_of_key_alone() {
    for claimed in Algorithm::ALL {
        for key_type in KEY_TYPES {
            let header = json!({"alg": claimed.name()});
            let used = natural(key_type, *claimed);
            let text = signer(key_type).sign(used, &header, &json!({}));
            let result = verdict(&text, &keys(key_type, &json!({})));
            let is_own = key_type == claimed.key_type() && used == *claimed;
            assert_eq!(result.is_ok(), is_own, "{claimed:?} {key_type:?} {used:?}");
        }
    }
}

#[test]
fn no_algorithm_verifies_as_another_of_the_same_key() {
    for claimed in Algorithm::ALL {
        let same_key = |used: &&Algorithm| used.key_type() == claimed.key_type();
        for used in Algorithm::ALL.iter().filter(same_key) {
            let header = json!({"alg": claimed.name()});
            let text = signer(claimed.key_type()).sign(*used, &header, &json!({}));
            let result = verdict(&text, &keys(claimed.key_type(), &json!({})));
            assert_eq!(result.is_ok(), used == claimed, "{claimed:?} {used:?}");
        }
    }
}

#[test]
fn no_public_key_is_taken_for_a_secret() {
    for key_type in KEY_TYPES {
        let set = keys(key_type, &json!({}));
        let key = set.iter().next().unwrap();
        let Some(info) = key.subject_public_key_info() else {
            continue;
        };
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(info)
        );
        let jwk = Value::Object(signer(key_type).jwk().clone()).to_string();
        for secret in [info, key.raw(), pem.as_bytes(), jwk.as_bytes()] {
            for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
                let text = Signer::secret(secret).token(algorithm, &json!({}));
                assert_eq!(verdict(&text, &set), Err(Status::VerificationFailed));
            }
        }
    }
}
