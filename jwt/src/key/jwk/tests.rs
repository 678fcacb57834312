//! Tests of JSON Web Keys, one kind after the other.

use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::der;

/// The key of RFC 7515 appendix A.3.
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
/// RFC 8037 appendix A.2.
const OKP: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn read(jwk: &Value) -> Result<Key, Status> {
    Key::from_jwk(jwk.as_object().unwrap())
}

/// A key with more members; those that are null are taken away.
fn with(key: &Value, more: &Value) -> Value {
    let mut key = key.clone();
    for (name, value) in more.as_object().unwrap() {
        key[name] = value.clone();
    }
    key.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    key
}

fn rsa(bytes: usize) -> Value {
    json!({"kty": "RSA", "n": modulus(bytes), "e": "AQAB"})
}

/// An odd number that is no product of powers of 65537.
fn modulus(bytes: usize) -> String {
    let mut modulus = vec![0xc5; bytes];
    if let Some(last) = modulus.last_mut() {
        *last = 1;
    }
    encode(&modulus)
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y})
}

fn okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": OKP})
}

fn oct(bytes: usize) -> Value {
    json!({"kty": "oct", "k": encode(&vec![7; bytes])})
}

fn check(key: &Value, table: &[(Value, Result<KeyType, Status>)]) {
    for (more, expected) in table {
        let found = read(&with(key, more)).map(|key| key.key_type());
        assert_eq!(found, *expected, "{more}");
    }
}

#[test]
fn a_key_knows_its_name_and_algorithm() {
    let key = read(&with(
        &rsa(256),
        &json!({"kid": "a", "alg": "PS384", "use": "sig"}),
    ))
    .unwrap();
    assert_eq!((key.id(), key.algorithm()), ("a", Some(Algorithm::Ps384)));
    assert!(key.serves(Algorithm::Ps384));
    assert!(!key.serves(Algorithm::Rs384));
    let key = read(&rsa(256)).unwrap();
    assert_eq!((key.id(), key.algorithm()), ("", None));
    let served = Algorithm::ALL
        .iter()
        .filter(|algorithm| key.serves(**algorithm));
    assert!(
        served
            .map(|algorithm| algorithm.key_type())
            .eq([KeyType::Rsa; 6])
    );
}

#[test]
fn kty_is_one_of_four() {
    let table = [
        (json!({"kty": null}), Err(Status::KeyMissingType)),
        (json!({"kty": 1}), Err(Status::KeyBadType)),
        (json!({"kty": "rsa"}), Err(Status::KeyTypeNotSupported)),
        (json!({"kty": ""}), Err(Status::KeyTypeNotSupported)),
        (json!({"kid": 1}), Err(Status::KeyBadId)),
        (json!({"alg": 1}), Err(Status::KeyBadAlgorithm)),
    ];
    check(&rsa(256), &table);
}

#[test]
fn rsa_keys() {
    let table = [
        (json!({}), Ok(KeyType::Rsa)),
        (json!({"alg": ""}), Ok(KeyType::Rsa)),
        (json!({"alg": "RS512"}), Ok(KeyType::Rsa)),
        (json!({"alg": "ES256"}), Err(Status::RsaBadAlgorithm)),
        (json!({"alg": "HS256"}), Err(Status::RsaBadAlgorithm)),
        (json!({"alg": "R"}), Err(Status::RsaBadAlgorithm)),
        (
            json!({"n": null, "e": null}),
            Err(Status::RsaMissingModulus),
        ),
        (json!({"n": 1}), Err(Status::RsaBadModulus)),
        (json!({"e": null}), Err(Status::RsaMissingExponent)),
        (json!({"e": 65537}), Err(Status::RsaBadExponent)),
        (json!({"n": "?"}), Err(Status::RsaInvalid)),
        (json!({"n": ""}), Err(Status::RsaInvalid)),
        (json!({"e": "?"}), Err(Status::RsaInvalid)),
        (json!({"e": ""}), Err(Status::RsaInvalid)),
        (json!({"e": "AQ"}), Err(Status::RsaInvalid)),
        (json!({"e": "Aw"}), Ok(KeyType::Rsa)),
        (json!({"e": "AAEAAQ"}), Ok(KeyType::Rsa)),
        (json!({"e": "AQAC"}), Err(Status::RsaInvalid)),
        (
            json!({"n": encode(&[0xc5, 0].repeat(128))}),
            Err(Status::RsaInvalid),
        ),
        (json!({"n": modulus(1024)}), Ok(KeyType::Rsa)),
    ];
    check(&rsa(256), &table);
}

#[test]
fn zeros_before_a_modulus_do_not_count() {
    let number = base64url::decode_key(&modulus(256)).unwrap();
    let longer = [vec![0; 3], number].concat();
    let longer = read(&with(&rsa(256), &json!({"n": encode(&longer)})));
    assert_eq!(longer, read(&rsa(256)));
}

#[test]
fn elliptic_keys() {
    let table = [
        (json!({}), Ok(KeyType::P256)),
        (json!({"crv": null}), Ok(KeyType::P256)),
        (json!({"crv": null, "alg": "ES256"}), Ok(KeyType::P256)),
        (json!({"alg": "ES256"}), Ok(KeyType::P256)),
        (json!({"alg": "RS256"}), Err(Status::EcBadAlgorithm)),
        (json!({"alg": "ECDH-ES"}), Err(Status::EcBadAlgorithm)),
        (json!({"crv": 256}), Err(Status::EcBadCurve)),
        (
            json!({"alg": "ES384"}),
            Err(Status::EcAlgorithmOfOtherCurve),
        ),
        (
            json!({"alg": "ES256K"}),
            Err(Status::EcAlgorithmOfOtherCurve),
        ),
        (json!({"crv": "secp256k1"}), Err(Status::EcNotSupported)),
        (
            json!({"crv": null, "alg": "ES256K"}),
            Err(Status::EcNotSupported),
        ),
        (json!({"crv": "p-256"}), Err(Status::EcNotSupported)),
        (json!({"x": null, "y": null}), Err(Status::EcMissingX)),
        (json!({"x": 1, "y": 1}), Err(Status::EcBadX)),
        (json!({"y": null}), Err(Status::EcMissingY)),
        (json!({"y": 1}), Err(Status::EcBadY)),
        (json!({"x": "?"}), Err(Status::EcBadBase64)),
        (json!({"y": "?"}), Err(Status::EcBadBase64)),
        (json!({"x": Y, "y": X}), Err(Status::EcInvalid)),
        (json!({"x": format!("AAAA{X}")}), Ok(KeyType::P256)),
        (json!({"x": format!("AAAB{X}")}), Err(Status::EcInvalid)),
        (json!({"x": ""}), Err(Status::EcInvalid)),
        (json!({"crv": "P-384"}), Err(Status::EcInvalid)),
        (json!({"crv": "P-521"}), Err(Status::EcInvalid)),
    ];
    check(&ec(), &table);
}

#[test]
fn edwards_keys() {
    let table = [
        (json!({}), Ok(KeyType::Ed25519)),
        (json!({"alg": "EdDSA"}), Ok(KeyType::Ed25519)),
        (json!({"alg": "ES256"}), Err(Status::OkpBadAlgorithm)),
        (json!({"alg": "Ed25519"}), Err(Status::OkpBadAlgorithm)),
        (
            json!({"crv": null, "x": null}),
            Err(Status::OkpMissingCurve),
        ),
        (json!({"crv": 1}), Err(Status::OkpBadCurve)),
        (json!({"crv": "X25519"}), Err(Status::OkpNotSupported)),
        (json!({"x": null}), Err(Status::OkpMissingX)),
        (json!({"x": 1}), Err(Status::OkpBadX)),
        (json!({"x": "?"}), Err(Status::OkpBadBase64)),
        (json!({"x": "AAAA"}), Err(Status::OkpWrongLength)),
    ];
    check(&okp(), &table);
}

#[test]
fn secrets() {
    let table = [
        (json!({}), Ok(KeyType::Symmetric)),
        (json!({"alg": "HS512"}), Ok(KeyType::Symmetric)),
        (json!({"alg": "RS256"}), Err(Status::OctBadAlgorithm)),
        (json!({"alg": "A128KW"}), Err(Status::OctBadAlgorithm)),
        (json!({"k": null}), Err(Status::OctMissingKey)),
        (json!({"k": 1}), Err(Status::OctBadKey)),
        (json!({"k": "?"}), Err(Status::OctBadBase64)),
        (json!({"k": ""}), Err(Status::OctBadBase64)),
    ];
    check(&oct(64), &table);
}

#[test]
fn no_secret_is_shown() {
    let key = read(&with(&oct(32), &json!({"kid": "a"}))).unwrap();
    let shown = "Key { id: \"a\", algorithm: None, key_type: Symmetric, .. }";
    assert_eq!(format!("{key:?}"), shown);
}

#[test]
fn a_key_for_hosts_ends_in_the_key_for_us() {
    for (jwk, algorithm) in [(rsa(256), Algorithm::Rs256), (ec(), Algorithm::Es256)] {
        let key = read(&jwk).unwrap();
        let info = key.subject_public_key_info().unwrap();
        let mut info = der::Reader::new(der::Reader::new(info).read(der::SEQUENCE).unwrap());
        assert!(info.read(der::SEQUENCE).is_some());
        let bits = info.read(der::BIT_STRING).unwrap();
        assert_eq!(bits, [&[0], key.raw()].concat());
        assert_eq!(info.peek(), None);
        assert!(key.serves(algorithm));
    }
    assert_eq!(read(&okp()).unwrap().subject_public_key_info(), None);
    assert_eq!(read(&oct(32)).unwrap().subject_public_key_info(), None);
}
