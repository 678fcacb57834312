//! Tests of key sets: what is read, what is left out, what is refused.

use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::algorithm::Algorithm;

const CERTIFICATE: &str = include_str!("../testing/vectors/certificate-rsa.pem");
const P256_CERTIFICATE: &str = include_str!("../testing/vectors/certificate-p256.pem");

fn parse(set: &Value) -> Result<KeySet, Status> {
    KeySet::parse(set.to_string().as_bytes())
}

fn okp(id: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn oct(id: &str, filling: &str) -> Value {
    json!({"kty": "oct", "kid": id, "k": filling.repeat(86)})
}

fn with(mut key: Value, name: &str, value: &str) -> Value {
    key[name] = value.into();
    key
}

fn ids(set: &KeySet) -> Vec<&str> {
    set.iter().map(Key::id).collect()
}

/// What was left out, and why.
fn skipped(set: &KeySet) -> Vec<(usize, Status)> {
    let pairs = set.skipped().iter().map(|key| (key.index, key.status));
    pairs.collect()
}

#[test]
fn a_set_is_an_object_with_keys() {
    let table = [
        ("", Status::JwksBadJson),
        ("[]", Status::JwksBadJson),
        ("{", Status::JwksBadJson),
        (r#"{"keys":[],"keys":[]}"#, Status::JwksBadJson),
        ("{}", Status::JwksNoKeys),
        (r#"{"a":"b"}"#, Status::JwksNoKeys),
        (r#"{"keys":{}}"#, Status::JwksKeysNotList),
        (r#"{"keys":null}"#, Status::JwksKeysNotList),
        (r#"{"keys":[]}"#, Status::NoValidKey),
        (r#"{"keys":[1,"a",null]}"#, Status::NoValidKey),
    ];
    for (text, expected) in table {
        assert_eq!(KeySet::parse(text.as_bytes()), Err(expected), "{text}");
    }
}

#[test]
fn a_trailing_comma_is_no_fault() {
    let text = format!(r#"{{"keys":[{},],}}"#, okp("a"));
    assert_eq!(ids(&KeySet::parse(text.as_bytes()).unwrap()), ["a"]);
}

#[test]
fn bad_keys_are_left_out_and_told() {
    let bad = json!({"kty": "what"});
    let worse = json!({"kid": "x"});
    let set = parse(&json!({"keys": [1, bad, okp("a"), worse, okp("b")]})).unwrap();
    assert_eq!(ids(&set), ["a", "b"]);
    assert_eq!(set.len(), 2);
    assert!(set.has_key_id("b") && !set.has_key_id("x"));
    let expected = [
        (1, Status::KeyTypeNotSupported),
        (3, Status::KeyMissingType),
    ];
    assert_eq!(skipped(&set), expected);
}

#[test]
fn without_a_good_key_the_first_bad_one_is_told() {
    let set = json!({"keys": [1, {"kty": "what"}, {}]});
    assert_eq!(parse(&set), Err(Status::KeyTypeNotSupported));
}

#[test]
fn two_keys_of_one_name_are_of_no_use() {
    let (first, second) = (oct("a", "A"), oct("a", "B"));
    let set = json!({"keys": [first, oct("b", "C"), second]});
    let set = parse(&set).unwrap();
    assert_eq!(ids(&set), ["b"]);
    let expected = [(0, Status::KeyAmbiguous), (2, Status::KeyAmbiguous)];
    assert_eq!(skipped(&set), expected);
    assert_eq!(
        parse(&json!({"keys": [first, second]})),
        Err(Status::KeyAmbiguous)
    );
}

#[test]
fn names_may_be_shared_where_no_token_can_mean_both() {
    let same = json!({"keys": [oct("a", "A"), oct("a", "A")]});
    let nameless = json!({"keys": [oct("", "A"), oct("", "B")]});
    let of_two_algorithms = json!({"keys": [
        with(oct("a", "A"), "alg", "HS256"),
        with(oct("a", "B"), "alg", "HS384"),
    ]});
    for set in [same, nameless, of_two_algorithms] {
        assert_eq!(parse(&set).unwrap().len(), 2, "{set}");
    }
    let of_two_types = json!({"keys": [okp("a"), {
        "kty": "EC", "crv": "P-256", "kid": "a",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }]});
    assert_eq!(parse(&of_two_types).unwrap().len(), 2);
}

#[test]
fn a_secret_beside_public_keys_is_of_no_use() {
    let set = parse(&json!({"keys": [oct("s", "A"), okp("a")]})).unwrap();
    assert_eq!(ids(&set), ["a"]);
    assert_eq!(skipped(&set), [(0, Status::OctBesidePublic)]);
    // Nor beside two that are left out themselves.
    let other = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "A".repeat(43)});
    let set = parse(&json!({"keys": [okp("a"), oct("s", "A"), other]}));
    assert_eq!(set, Err(Status::OctBesidePublic));
    // Nor beside one that is of no use to begin with.
    for useless in [
        json!({"kty": "EC", "crv": "P-192"}),
        json!({"kty": "RSA"}),
        json!({"kty": 1}),
        json!({"kty": "OKP", "crv": "X25519", "x": "A".repeat(43)}),
    ] {
        let text = json!({"keys": [oct("s", "A"), useless]}).to_string();
        let set = KeySet::published(text.as_bytes()).unwrap();
        assert!(set.is_empty(), "{text}");
        assert!(skipped(&set).contains(&(0, Status::OctBesidePublic)));
    }
    let secrets = json!({"keys": [oct("s", "A"), oct("t", "B"), {"kty": "oct"}, {}, 1]});
    assert_eq!(parse(&secrets).unwrap().len(), 2);
}

#[test]
fn certificates_are_a_set_as_well() {
    let set = parse(&json!({"a": CERTIFICATE, "b": CERTIFICATE})).unwrap();
    assert_eq!(ids(&set), ["a", "b"]);
    let table = [
        (
            json!({"a": CERTIFICATE, "": CERTIFICATE}),
            Status::JwksNoKeys,
        ),
        (json!({"a": CERTIFICATE, "b": 1}), Status::JwksNoKeys),
        (json!({"a": CERTIFICATE, "b": "pubkey"}), Status::JwksNoKeys),
        (
            json!({"a": CERTIFICATE, "b": P256_CERTIFICATE}),
            Status::CertificateOfOtherKey,
        ),
        (
            json!({"a": CERTIFICATE.replacen('M', "A", 1)}),
            Status::CertificateInvalid,
        ),
    ];
    for (set, expected) in table {
        assert_eq!(parse(&set), Err(expected), "{set}");
    }
}

#[test]
fn sets_are_bounded() {
    let many = |count: usize| json!({"keys": vec![oct("", "A"); count]});
    assert_eq!(parse(&many(MAX_KEYS)).unwrap().len(), MAX_KEYS);
    assert_eq!(parse(&many(MAX_KEYS + 1)), Err(Status::JwksTooLarge));
    let certificates = |count: usize| {
        let entries = (0..count).map(|index| (format!("{index}"), Value::from(CERTIFICATE)));
        Value::Object(entries.collect())
    };
    assert_eq!(parse(&certificates(MAX_KEYS)).unwrap().len(), MAX_KEYS);
    assert_eq!(
        parse(&certificates(MAX_KEYS + 1)),
        Err(Status::JwksTooLarge)
    );
    let mut text = json!({"keys": [okp("a")]}).to_string();
    text.push_str(&" ".repeat(MAX_JWKS_BYTES - text.len()));
    assert!(KeySet::parse(text.as_bytes()).is_ok());
    text.push(' ');
    assert_eq!(KeySet::parse(text.as_bytes()), Err(Status::JwksTooLarge));
}

/// Which keys a token with that `kid`, for HS256, may mean.
fn candidates(set: &KeySet, key_id: &str) -> Vec<String> {
    let jws = Jws {
        algorithm: Algorithm::Hs256,
        key_id,
        signed: b"",
        signature: b"",
    };
    let filling = |key: &Key| key.raw().first().map(u8::to_string).unwrap_or_default();
    let ids = set
        .matching(jws)
        .map(|key| format!("{}:{}", key.id(), filling(key)));
    ids.collect()
}

#[test]
fn candidates_are_those_of_the_name_and_the_algorithm() {
    let set = parse(&json!({"keys": [
        oct("a", "A"),
        oct("", "B"),
        with(oct("b", "C"), "alg", "HS256"),
        with(oct("b", "D"), "alg", "HS384"),
    ]}))
    .unwrap();
    assert_eq!(candidates(&set, "a"), ["a:0", ":4"]);
    assert_eq!(candidates(&set, "b"), [":4", "b:8"]);
    assert_eq!(candidates(&set, "c"), [":4"]);
    assert_eq!(candidates(&set, ""), ["a:0", ":4", "b:8"]);
}
