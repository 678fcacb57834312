//! Tokens signed by others.
//!
//! `rfc.json`: RFC 7515 appendix A, RFC 7520 section 4, RFC 8037 appendix A.
//! `made.json` and the certificates: made with pyca/cryptography, which is OpenSSL, with
//! new keys, for algorithms of which the RFCs have no example. `spki` is the key as
//! OpenSSL encodes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{RingHost, verify_signature};
use crate::{Algorithm, KeySet, KeyType, NoHostCrypto, Status, Tier, Token, verify};

const RFC: &str = include_str!("vectors/rfc.json");
const MADE: &str = include_str!("vectors/made.json");
const CERTIFICATE: &str = include_str!("vectors/certificate-rsa.pem");

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn keys(vector: &Value) -> KeySet {
    let set = json!({"keys": [vector["jwk"]]});
    KeySet::parse(set.to_string().as_bytes()).unwrap()
}

fn token(vector: &Value) -> &[u8] {
    vector["token"].as_str().unwrap().as_bytes()
}

#[test]
fn the_examples_of_the_rfcs_verify_in_both_tiers() {
    let signed: Vec<Value> = vectors(RFC)
        .into_iter()
        .filter(|vector| vector["jwk"].is_object())
        .collect();
    assert_eq!(signed.len(), 9);
    for vector in signed {
        let keys = keys(&vector);
        let by_us = verify_signature(token(&vector), &keys, &mut NoHostCrypto);
        assert_eq!(by_us, (Ok(()), Some(Tier::InVm)), "{vector}");
        let by_host = verify_signature(token(&vector), &keys, &mut RingHost::default());
        assert_eq!(by_host.0, Ok(()), "{vector}");
    }
}

#[test]
fn the_unsecured_example_is_refused() {
    let vectors = vectors(RFC);
    let unsecured = vectors
        .iter()
        .find(|vector| vector["jwk"].is_null())
        .unwrap();
    // RFC 7515 appendix A.5 ends in a dot.
    assert_eq!(Token::parse(token(unsecured)), Err(Status::BadFormat));
    let signed = [token(unsecured), b"c2ln"].concat();
    assert_eq!(
        Token::parse(&signed),
        Err(Status::HeaderAlgorithmNotSupported)
    );
}

#[test]
fn no_example_verifies_with_the_key_of_another() {
    let vectors = [vectors(RFC), vectors(MADE)].concat();
    let signed: Vec<&Value> = vectors
        .iter()
        .filter(|vector| vector["jwk"].is_object())
        .collect();
    for (vector, other) in signed
        .iter()
        .flat_map(|one| signed.iter().map(move |other| (one, other)))
    {
        if vector["jwk"]["n"] == other["jwk"]["n"]
            && vector["jwk"]["x"] == other["jwk"]["x"]
            && vector["jwk"]["k"] == other["jwk"]["k"]
        {
            continue;
        }
        let by_us = verify_signature(token(vector), &keys(other), &mut NoHostCrypto);
        let by_host = verify_signature(token(vector), &keys(other), &mut RingHost::default());
        assert!(by_us.0.is_err() && by_host.0.is_err(), "{vector} {other}");
    }
}

#[test]
fn every_algorithm_verifies_where_it_can() {
    let vectors = vectors(MADE);
    let names: Vec<&str> = vectors
        .iter()
        .map(|vector| vector["algorithm"].as_str().unwrap())
        .collect();
    let all: Vec<&str> = Algorithm::ALL
        .iter()
        .map(|algorithm| algorithm.name())
        .collect();
    assert_eq!(names, all);
    for vector in &vectors {
        let keys = keys(vector);
        let token = Token::parse(token(vector)).unwrap();
        assert_eq!(
            verify(&token, &keys, &mut NoHostCrypto),
            (Ok(()), Some(Tier::InVm))
        );
        let mut host = RingHost::default();
        let is_host_s = token.algorithm().name().starts_with("RS") || token.algorithm().is_ecdsa();
        let tier = if is_host_s { Tier::Host } else { Tier::InVm };
        assert_eq!(
            verify(&token, &keys, &mut host),
            (Ok(()), Some(tier)),
            "{vector}"
        );
        assert_eq!(host.calls, usize::from(is_host_s), "{vector}");
    }
}

#[test]
fn keys_for_hosts_are_encoded_as_openssl_does() {
    let mut count = 0;
    for vector in vectors(MADE) {
        let keys = keys(&vector);
        let key = keys.iter().next().unwrap();
        let is_public = !matches!(key.key_type(), KeyType::Ed25519 | KeyType::Symmetric);
        let encoded = key
            .subject_public_key_info()
            .map(|info| STANDARD.encode(info));
        assert_eq!(encoded.as_deref(), vector["spki"].as_str(), "{vector}");
        count += usize::from(is_public);
    }
    assert_eq!(count, 9);
}

#[test]
fn a_certificate_verifies_what_its_key_signed() {
    let set = KeySet::parse(json!({"a": CERTIFICATE}).to_string().as_bytes()).unwrap();
    for vector in vectors(MADE) {
        let token = Token::parse(token(&vector)).unwrap();
        let result = verify(&token, &set, &mut NoHostCrypto).0;
        let is_rsa = token.algorithm().key_type() == KeyType::Rsa;
        assert_eq!(result.is_ok(), is_rsa, "{vector}");
    }
}

#[test]
fn the_other_serializations_are_refused() {
    for vector in vectors(RFC) {
        let text = std::str::from_utf8(token(&vector)).unwrap();
        let parts: Vec<&str> = text.split('.').collect();
        let flat = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
        let general = json!({
            "payload": parts[1],
            "signatures": [{"protected": parts[0], "signature": parts[2]}],
        });
        for json in [flat, general] {
            let result = Token::parse(json.to_string().as_bytes());
            assert_eq!(result, Err(Status::BadFormat), "{json}");
        }
    }
}
