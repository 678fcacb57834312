//! Where sluice is stricter than Envoy: a test for each row of
//! `docs/filters/jwt-strictness.md`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{RingHost, Signer};
use crate::{Algorithm, KeySet, KeyType, MAX_KEYS, NoHostCrypto, Status, Token, verify};

const DOCUMENT: &str = include_str!("../../../docs/filters/jwt-strictness.md");
const MADE: &str = include_str!("vectors/made.json");

/// Each test of this file that a row of the document names.
const ROWS: &[(&str, fn())] = &[
    ("dots", dots),
    ("padding", padding),
    ("unused-bits", unused_bits),
    ("white-space", white_space),
    ("crit", crit),
    ("json", json_of_tokens),
    ("key-of-other-type", key_of_other_type),
    ("curve-of-other-algorithm", curve_of_other_algorithm),
    ("ecdsa-length", ecdsa_length),
    ("pss-salt", pss_salt),
    ("use", usage),
    ("key-ops", key_operations),
    ("member-types", member_types),
    ("rsa-algorithms", rsa_algorithms),
    ("rsa-size", rsa_size),
    ("roca", roca),
    ("secret-length", secret_length),
    ("published-secret", published_secret),
    ("ambiguous-kid", ambiguous_kid),
    ("set-size", set_size),
];

#[test]
fn every_row_is_proven() {
    // Each proof is a function of its own, so a backtrace names the row.
    for (_, prove) in ROWS {
        prove();
    }
}

#[test]
fn rows_and_proofs_are_the_same() {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|line| line.split_once('`').map(|(name, _)| name));
    let proofs = ROWS.iter().map(|(name, _)| *name);
    assert_eq!(rows.collect::<Vec<_>>(), proofs.collect::<Vec<_>>());
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A signer of HS256 and its key set.
fn hs256() -> (Signer, KeySet) {
    let signer = Signer::new(KeyType::Symmetric, 1);
    let keys = set(&[json!(signer.jwk())]).unwrap();
    (signer, keys)
}

fn set(keys: &[Value]) -> Result<KeySet, Status> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn verdict(text: &str, keys: &KeySet) -> Result<(), Status> {
    let token = Token::parse(text.as_bytes())?;
    let by_us = verify(&token, keys, &mut NoHostCrypto).0;
    assert_eq!(
        by_us,
        verify(&token, keys, &mut RingHost::default()).0,
        "{text}"
    );
    by_us
}

/// A token of that text before its signature, rightly signed by HS256.
fn signed(text: &str) -> String {
    let signer = Signer::new(KeyType::Symmetric, 1);
    let signature = signer.signature(Algorithm::Hs256, text.as_bytes());
    format!("{text}.{}", encode(&signature))
}

const HEADER: &str = r#"{"alg":"HS256"}"#;

fn with(key: &Map<String, Value>, more: &Value) -> Value {
    let mut key = key.clone();
    key.extend(more.as_object().unwrap().clone());
    Value::Object(key)
}

fn dots() {
    let (signer, keys) = hs256();
    let good = signer.token(Algorithm::Hs256, &json!({}));
    assert_eq!(verdict(&good, &keys), Ok(()));
    for text in [
        format!(".{good}"),
        format!("{good}."),
        format!("..{good}.."),
        good.replacen('.', "..", 1),
    ] {
        assert_eq!(verdict(&text, &keys), Err(Status::BadFormat), "{text}");
    }
}

fn padding() {
    let (_, keys) = hs256();
    let (header, payload) = (encode(HEADER.as_bytes()), encode(b"{\"a\":1}"));
    let (padded_header, padded_payload) = (format!("{header}===="), format!("{payload}=="));
    let table = [
        (signed(&format!("{header}.{payload}")), Ok(())),
        (
            signed(&format!("{padded_header}.{payload}")),
            Err(Status::HeaderBadBase64),
        ),
        (
            signed(&format!("{header}.{padded_payload}")),
            Err(Status::PayloadBadBase64),
        ),
        (
            signed(&format!("{header}.{payload}")) + "=",
            Err(Status::SignatureBadBase64),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(verdict(&text, &keys), expected, "{text}");
    }
}

fn unused_bits() {
    let (signer, keys) = hs256();
    let good = signer.token(Algorithm::Hs256, &json!({}));
    // 32 bytes are 43 characters, the last of which has two bits to spare. The bytes
    // are the same with the next character.
    let mut text = good.into_bytes();
    let last = text.last_mut().unwrap();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.iter().position(|byte| byte == last).unwrap();
    *last = alphabet[at + 1];
    let text = String::from_utf8(text).unwrap();
    assert_eq!(verdict(&text, &keys), Err(Status::SignatureBadBase64));
}

fn white_space() {
    let (_, keys) = hs256();
    let (header, payload) = (encode(HEADER.as_bytes()), encode(b"{}"));
    for space in [" ", "\t", "\n", "\r"] {
        let (start, end) = header.split_at(4);
        let text = signed(&format!("{start}{space}{end}.{payload}"));
        assert_eq!(
            verdict(&text, &keys),
            Err(Status::HeaderBadBase64),
            "{text}"
        );
        let text = signed(&format!("{header}.{payload}{space}"));
        assert_eq!(
            verdict(&text, &keys),
            Err(Status::PayloadBadBase64),
            "{text}"
        );
    }
}

fn crit() {
    let (signer, keys) = hs256();
    for crit in [json!(["exp"]), json!([]), json!("b64"), json!(null)] {
        let header = json!({"alg": "HS256", "crit": crit, "exp": 1});
        let text = signer.sign(Algorithm::Hs256, &header, &json!({}));
        assert_eq!(
            verdict(&text, &keys),
            Err(Status::HeaderCritical),
            "{header}"
        );
    }
}

fn json_of_tokens() {
    let (_, keys) = hs256();
    let of = |header: &str, payload: &str| {
        signed(&format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(payload.as_bytes())
        ))
    };
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let table = [
        (of(HEADER, r#"{"a":[1]}"#), Ok(())),
        (of(r#"{"alg":"HS256",}"#, "{}"), Err(Status::HeaderBadJson)),
        (of(HEADER, r#"{"a":[1,]}"#), Err(Status::PayloadBadJson)),
        (of(HEADER, &deep(47)), Ok(())),
        (of(HEADER, &deep(48)), Err(Status::PayloadBadJson)),
    ];
    for (text, expected) in table {
        assert_eq!(verdict(&text, &keys), expected, "{text}");
    }
}

/// A token signed rightly for its key, which says that it is of another algorithm.
fn key_of_other_type() {
    for (key_type, used, claimed) in [
        (KeyType::P256, Algorithm::Es256, Algorithm::Hs256),
        (KeyType::P256, Algorithm::Es256, Algorithm::Rs256),
        (KeyType::Symmetric, Algorithm::Hs256, Algorithm::Rs256),
        (KeyType::Symmetric, Algorithm::Hs256, Algorithm::Es256),
        (KeyType::Ed25519, Algorithm::EdDsa, Algorithm::Hs256),
    ] {
        let signer = Signer::new(key_type, 1);
        let keys = set(&[json!(signer.jwk())]).unwrap();
        assert_eq!(verdict(&signer.token(used, &json!({})), &keys), Ok(()));
        let text = signer.sign(used, &json!({"alg": claimed.name()}), &json!({}));
        let result = verdict(&text, &keys);
        assert_eq!(
            result,
            Err(Status::VerificationFailed),
            "{key_type:?} {claimed:?}"
        );
    }
}

fn curve_of_other_algorithm() {
    for (key_type, used, claimed) in [
        (KeyType::P384, Algorithm::Es384, Algorithm::Es256),
        (KeyType::P384, Algorithm::Es384, Algorithm::Es512),
        (KeyType::P521, Algorithm::Es512, Algorithm::Es384),
        (KeyType::P256, Algorithm::Es256, Algorithm::Es384),
    ] {
        let signer = Signer::new(key_type, 1);
        let keys = set(&[json!(signer.jwk())]).unwrap();
        let text = signer.sign(used, &json!({"alg": claimed.name()}), &json!({}));
        let token = Token::parse(text.as_bytes()).unwrap();
        // Refused before a host, which would take the digest from us, is asked.
        let mut host = RingHost::default();
        let refused = (Err(Status::VerificationFailed), None);
        assert_eq!(
            verify(&token, &keys, &mut host),
            refused,
            "{key_type:?} {claimed:?}"
        );
        assert_eq!(host.calls, 0);
    }
}

fn ecdsa_length() {
    let signer = Signer::new(KeyType::P256, 1);
    let keys = set(&[json!(signer.jwk())]).unwrap();
    let text = signer.token(Algorithm::Es256, &json!({}));
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let longer = [&[0], r, &[0], s].concat();
    for signature in [longer, [&signature[..], &[0]].concat()] {
        let text = format!("{signed}.{}", encode(&signature));
        assert_eq!(verdict(&text, &keys), Err(Status::VerificationFailed));
    }
}

/// A token with a salt of 20 bytes, signed with the RSA key of `made.json`.
const SALT_OF_20: &str = include_str!("vectors/ps256-salt-20.txt");

fn pss_salt() {
    let vectors: Vec<Value> = serde_json::from_str(MADE).unwrap();
    let keys = set(&[vectors[0]["jwk"].clone()]).unwrap();
    let ps256 = vectors
        .iter()
        .find(|vector| vector["algorithm"] == "PS256")
        .unwrap();
    assert_eq!(verdict(ps256["token"].as_str().unwrap(), &keys), Ok(()));
    let result = verdict(SALT_OF_20.trim_end(), &keys);
    assert_eq!(result, Err(Status::VerificationFailed));
}

/// What becomes of a set of one key with more members.
fn alone(key_type: KeyType, more: &Value) -> Result<usize, Status> {
    let signer = Signer::new(key_type, 1);
    set(&[with(signer.jwk(), more)]).map(|set| set.len())
}

fn usage() {
    assert_eq!(alone(KeyType::P256, &json!({"use": "sig"})), Ok(1));
    for usage in [
        json!("enc"),
        json!("SIG"),
        json!(""),
        json!(["sig"]),
        json!(null),
    ] {
        let result = alone(KeyType::P256, &json!({"use": usage}));
        assert_eq!(result, Err(Status::KeyNotForSignatures), "{usage}");
    }
}

fn key_operations() {
    assert_eq!(
        alone(KeyType::P256, &json!({"key_ops": ["sign", "verify"]})),
        Ok(1)
    );
    for operations in [
        json!([]),
        json!(["sign"]),
        json!(["deriveKey"]),
        json!("verify"),
    ] {
        let result = alone(KeyType::P256, &json!({"key_ops": operations}));
        assert_eq!(result, Err(Status::KeyNotForSignatures), "{operations}");
    }
}

fn member_types() {
    assert_eq!(
        alone(KeyType::P256, &json!({"kid": 1})),
        Err(Status::KeyBadId)
    );
    assert_eq!(
        alone(KeyType::P256, &json!({"alg": null})),
        Err(Status::KeyBadAlgorithm)
    );
}

fn rsa_algorithms() {
    assert_eq!(alone(KeyType::Rsa, &json!({"alg": "RS256"})), Ok(1));
    for algorithm in ["RSA-OAEP", "RS1", "RS", "PSS"] {
        let result = alone(KeyType::Rsa, &json!({"alg": algorithm}));
        assert_eq!(result, Err(Status::RsaBadAlgorithm), "{algorithm}");
    }
}

/// A set of one RSA key with such a modulus: odd, and no power of 65537.
fn rsa_of(bytes: usize) -> Result<usize, Status> {
    let mut modulus = vec![0xc5; bytes];
    modulus[bytes - 1] = 1;
    set(&[json!({"kty": "RSA", "n": encode(&modulus), "e": "AQAB"})]).map(|set| set.len())
}

fn rsa_size() {
    let table = [
        (128, Err(Status::RsaTooSmall)),
        (255, Err(Status::RsaTooSmall)),
        (256, Ok(1)),
        (1024, Ok(1)),
        (1025, Err(Status::RsaTooLarge)),
    ];
    for (bytes, expected) in table {
        assert_eq!(rsa_of(bytes), expected, "{bytes}");
    }
}

/// 65537 times a number in big-endian bytes.
fn times_65537(number: &[u8]) -> Vec<u8> {
    let shifted = [&[0], number, &[0, 0]].concat();
    let mut product = vec![0; shifted.len()];
    let mut carry = 0;
    for (at, digit) in product.iter_mut().enumerate().rev() {
        let other = at.checked_sub(3).map_or(0, |at| number[at]);
        let sum = u16::from(shifted[at]) + u16::from(other) + carry;
        (*digit, carry) = (sum.to_be_bytes()[1], sum >> 8);
    }
    product
}

fn roca() {
    // Both primes of such a modulus are powers of 65537 modulo small primes.
    let modulus = (0..128).fold(vec![1], |power, _| times_65537(&power));
    let key = json!({"kty": "RSA", "n": encode(&modulus), "e": "AQAB"});
    assert_eq!(set(&[key]), Err(Status::RsaWeak));
}

fn secret_length() {
    let table = [
        (31, Algorithm::Hs256, false),
        (32, Algorithm::Hs256, true),
        (47, Algorithm::Hs384, false),
        (48, Algorithm::Hs384, true),
        (63, Algorithm::Hs512, false),
        (64, Algorithm::Hs512, true),
    ];
    for (bytes, algorithm, is_taken) in table {
        let signer = Signer::secret(&vec![7; bytes]);
        let text = signer.token(algorithm, &json!({}));
        // Whether the key says so or the token alone.
        for more in [json!({}), json!({"alg": algorithm.name()})] {
            let result = set(&[with(signer.jwk(), &more)]).and_then(|set| verdict(&text, &set));
            assert_eq!(result.is_ok(), is_taken, "{bytes} {algorithm:?} {more}");
        }
    }
}

fn published_secret() {
    let (secret, public) = (
        Signer::new(KeyType::Symmetric, 1),
        Signer::new(KeyType::P256, 1),
    );
    let text = secret.token(Algorithm::Hs256, &json!({}));
    let both = set(&[json!(secret.jwk()), json!(public.jwk())]).unwrap();
    assert_eq!(verdict(&text, &both), Err(Status::VerificationFailed));
    assert_eq!(
        verdict(&public.token(Algorithm::Es256, &json!({})), &both),
        Ok(())
    );
    assert_eq!(both.skipped()[0].status, Status::OctBesidePublic);
}

fn ambiguous_kid() {
    let key = |seed, more: &Value| with(Signer::new(KeyType::Ed25519, seed).jwk(), more);
    let (first, second) = (key(1, &json!({"kid": "a"})), key(2, &json!({"kid": "a"})));
    assert_eq!(set(&[first.clone(), second]), Err(Status::KeyAmbiguous));
    assert_eq!(set(&[first.clone(), first]).map(|set| set.len()), Ok(2));
}

fn set_size() {
    let (signer, _) = hs256();
    let keys = vec![json!(signer.jwk()); MAX_KEYS + 1];
    assert_eq!(set(&keys), Err(Status::JwksTooLarge));
    assert_eq!(set(&keys[1..]).map(|set| set.len()), Ok(MAX_KEYS));
}

/// What is as doubtful and as in Envoy: what honest issuers do, or what protects
/// nobody.
#[test]
fn nothing_honest_is_refused() {
    let (signer, keys) = hs256();
    // No time, no issuer, other types, fields of others.
    let header =
        json!({"alg": "HS256", "typ": "at+jwt", "cty": "JWT", "jku": "http://evil", "x": 1});
    assert_eq!(
        verdict(&signer.sign(Algorithm::Hs256, &header, &json!({})), &keys),
        Ok(())
    );
    // Padding and zeros in front of the numbers of a key.
    let rsa = Signer::new(KeyType::Rsa, 1);
    let modulus = rsa.jwk()["n"].as_str().unwrap();
    let number = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    let with_zero = [&[0], number.as_slice()].concat();
    let padded = STANDARD
        .encode(&with_zero)
        .replace('+', "-")
        .replace('/', "_");
    for modulus in [encode(&with_zero), padded] {
        let set = set(&[with(
            rsa.jwk(),
            &json!({"n": modulus, "x5c": ["?"], "x5t": 1}),
        )])
        .unwrap();
        assert_eq!(
            verdict(&rsa.token(Algorithm::Rs256, &json!({})), &set),
            Ok(())
        );
    }
    // A curve that is not named.
    let elliptic = Signer::new(KeyType::P256, 1);
    let mut nameless = elliptic.jwk().clone();
    nameless.remove("crv");
    for more in [json!({}), json!({"alg": "ES256"})] {
        let set = set(&[with(&nameless, &more)]).unwrap();
        assert_eq!(
            verdict(&elliptic.token(Algorithm::Es256, &json!({})), &set),
            Ok(())
        );
    }
}
