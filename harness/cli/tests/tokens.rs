//! Tokens that `sluice token` makes are verified by two readers that share no code
//! with the signer or with each other: the filter's engine, and `jsonwebtoken`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as Theirs, DecodingKey, Validation, decode};
use serde_json::{Map, Value, json};
use sluice_cli::token::generate::{NewKey, key_set};
use sluice_cli::token::jwk::Key;
use sluice_cli::token::mint::{Heading, mint, usual_algorithm};
use sluice_cli::token::private_key::PrivateKey;
use sluice_cli::token::{key_file, provider};
use sluice_jwt::{Algorithm, KeySet, NoHostCrypto, Token};

const NEW: [NewKey; 4] = [NewKey::Rs256, NewKey::Es256, NewKey::Eddsa, NewKey::Hs256];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/keys")
        .join(name)
}

fn private(name: &str) -> PrivateKey {
    let key = match key_file::read(&fixture(name)).unwrap().remove(0) {
        Key::Private(key) => Some(key),
        Key::Public(_) => None,
    };
    key.unwrap()
}

fn claims() -> Map<String, Value> {
    let claims =
        json!({"iss": "https://issuer.example", "sub": "alice", "aud": "a", "n": [1, {"x": null}]});
    claims.as_object().unwrap().clone()
}

fn engine_verifies(token: &str, set: &Value) -> bool {
    let Ok(token) = Token::parse(token.as_bytes()) else {
        return false;
    };
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    sluice_jwt::verify(&token, &set, &mut NoHostCrypto)
        .0
        .is_ok()
}

fn crate_verifies(token: &str, set: &Value, algorithm: Algorithm) -> bool {
    provider::install();
    let set: JwkSet = serde_json::from_value(set.clone()).unwrap();
    let jwk: &Jwk = &set.keys[0];
    let mut validation = Validation::new(algorithm.name().parse::<Theirs>().unwrap());
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    decode::<Value>(token, &key, &validation).is_ok()
}

/// One bit of the signature's first byte is another.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    signature[0] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn check(key: &PrivateKey, algorithm: Algorithm) {
    let token = mint(key, algorithm, Heading::default(), &claims()).unwrap();
    let set = key_set(&[key.public().to_jwk(algorithm)]);
    let name = algorithm.name();
    for (token, valid) in [(&token, true), (&forged(&token), false)] {
        assert_eq!(engine_verifies(token, &set), valid, "engine, {name}");
        assert_eq!(
            crate_verifies(token, &set, algorithm),
            valid,
            "jsonwebtoken, {name}"
        );
    }
}

#[test]
fn new_keys_sign_what_two_readers_verify() {
    for new in NEW {
        check(&new.generate(None).unwrap().key, new.algorithm());
    }
}

#[test]
fn keys_of_every_form_sign_with_every_algorithm_of_theirs() {
    for name in [
        "rsa-pkcs1.pem",
        "p256-sec1.pem",
        "p384.pem",
        "rfc8037.jwk",
        "secret.jwk",
    ] {
        let key = private(name);
        let fitting = Algorithm::ALL
            .iter()
            .filter(|algorithm| algorithm.key_type() == key.public().kind);
        for algorithm in fitting {
            // A secret of 32 bytes is too short for longer hashes (RFC 7518 section 3.2).
            if !matches!(algorithm, Algorithm::Hs384 | Algorithm::Hs512) {
                check(&key, *algorithm);
            }
        }
    }
}

#[test]
fn no_key_signs_with_an_algorithm_of_another_kind() {
    for name in [
        "rsa-pkcs1.pem",
        "p256-sec1.pem",
        "p384.pem",
        "p521.pem",
        "rfc8037.jwk",
        "secret.jwk",
    ] {
        let key = private(name);
        let others = Algorithm::ALL
            .iter()
            .filter(|algorithm| algorithm.key_type() != key.public().kind);
        for algorithm in others {
            let refused = mint(&key, *algorithm, Heading::default(), &claims()).unwrap_err();
            assert_eq!(refused.code(), "algorithm-does-not-fit", "{name}");
        }
    }
}

#[test]
fn what_ring_cannot_sign_is_said() {
    let key = private("p521.pem");
    let refused = mint(&key, Algorithm::Es512, Heading::default(), &claims()).unwrap_err();
    assert_eq!(refused.code(), "cannot-sign");
}

#[test]
fn a_key_is_called_by_its_thumbprint() {
    // RFC 8037 appendix A.3.
    let name = private("rfc8037.jwk").public().name();
    assert_eq!(
        name.as_deref(),
        Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    );
    assert_eq!(
        private("secret.jwk").public().key_id.as_deref(),
        Some("shared")
    );
}

#[test]
fn both_halves_give_the_same_public_key() {
    for (whole, half) in [
        ("rsa-pkcs1.pem", "rsa-public.pem"),
        ("p384.pem", "p384-public.pem"),
    ] {
        let whole = private(whole).public().clone();
        let half = key_file::read(&fixture(half)).unwrap().remove(0);
        assert_eq!(&whole, half.public());
        assert_eq!(usual_algorithm(&whole), usual_algorithm(half.public()));
    }
}

#[test]
fn a_secret_is_not_shown_to_debug() {
    let key = NewKey::Hs256.generate(None).unwrap().key;
    let jwk = key.public().to_jwk(Algorithm::Hs256);
    let secret = jwk["k"].as_str().unwrap();
    assert!(!format!("{key:?} {:?}", key.public()).contains(secret));
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn mint(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(["token", "mint"])
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        let metadata = fs::metadata(self.0.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }
}

#[test]
fn private_keys_are_for_their_owner_and_never_shown() {
    for (name, private, public_mode) in [
        ("rs256", "key.pem", 0o644),
        ("es256", "key.pem", 0o644),
        ("eddsa", "key.pem", 0o644),
        ("hs256", "key.jwk", 0o600),
    ] {
        let folder = Folder(tempfile::tempdir().unwrap());
        let made = folder.mint(&["--generate", name, "--save", "key", "--format", "json"]);
        assert!(made.status.success(), "{name}");
        assert_eq!(folder.mode(private), 0o600, "{name}");
        assert_eq!(
            folder.mode("key.jwks.json"),
            public_mode & !umask(),
            "{name}"
        );
        let text = fs::read_to_string(folder.0.path().join(private)).unwrap();
        let secret = match name {
            "hs256" => serde_json::from_str::<Value>(&text).unwrap()["k"]
                .as_str()
                .unwrap()
                .to_owned(),
            _ => text.lines().nth(1).unwrap().to_owned(),
        };
        for shown in [&made.stdout, &made.stderr] {
            assert!(!String::from_utf8_lossy(shown).contains(&secret), "{name}");
        }
        // The key set takes what the key signed, and the key signs again.
        let answer: Value = serde_json::from_slice(&made.stdout).unwrap();
        let set = fs::read(folder.0.path().join("key.jwks.json")).unwrap();
        let set: Value = serde_json::from_slice(&set).unwrap();
        assert!(
            engine_verifies(answer["token"].as_str().unwrap(), &set),
            "{name}"
        );
        let again = folder.mint(&["--key", private]);
        let again = String::from_utf8(again.stdout).unwrap();
        assert!(engine_verifies(again.trim(), &set), "{name}");
        let refused = folder.mint(&["--generate", name, "--save", "key"]);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains("[file-exists]"),
            "{name}"
        );
        assert_eq!(
            fs::read_to_string(folder.0.path().join(private)).unwrap(),
            text
        );
    }
}

/// What new files of this process may not have.
fn umask() -> u32 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, "").unwrap();
    0o666 & !(fs::metadata(&path).unwrap().permissions().mode() & 0o777)
}

#[test]
fn equal_input_gives_an_equal_token_where_the_algorithm_does() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let mint = |key: &str| {
        let path = fixture(key);
        let made = folder.mint(&["--key", path.to_str().unwrap(), "--now", "1760000000"]);
        String::from_utf8(made.stdout).unwrap()
    };
    for key in ["rsa-pkcs1.pem", "rfc8037.jwk", "secret.jwk"] {
        assert_eq!(mint(key), mint(key), "{key}");
    }
    assert_ne!(mint("p256-sec1.pem"), mint("p256-sec1.pem"));
}

#[test]
fn what_pem_cannot_hold_is_said() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let made = folder.mint(&[
        "--generate",
        "rs256",
        "--save",
        "key",
        "--kid",
        "it's",
        "--algorithm",
        "PS256",
    ]);
    let said = String::from_utf8(made.stderr).unwrap();
    let again = r"--key key.pem --kid 'it'\''s' --algorithm PS256";
    assert!(said.contains(again), "{said}");
    let set: Value =
        serde_json::from_slice(&fs::read(folder.0.path().join("key.jwks.json")).unwrap()).unwrap();
    let verified = |arguments: &[&str]| {
        let made = folder.mint(arguments);
        engine_verifies(String::from_utf8(made.stdout).unwrap().trim(), &set)
    };
    assert!(!verified(&["--key", "key.pem"]));
    assert!(verified(&[
        "--key",
        "key.pem",
        "--kid",
        "it's",
        "--algorithm",
        "PS256",
    ]));
    let plain = folder.mint(&["--generate", "es256", "--save", "plain"]);
    let said = String::from_utf8(plain.stderr).unwrap();
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn a_new_secret_keeps_its_name() {
    let folder = Folder(tempfile::tempdir().unwrap());
    folder.mint(&["--generate", "hs256", "--save", "key", "--kid", "known"]);
    let made = folder.mint(&["--key", "key.jwk"]);
    assert_eq!(header(&made)["kid"], "known");
}

#[test]
fn an_empty_kid_is_none() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = fixture("rfc8037.jwk");
    let made = folder.mint(&["--key", path.to_str().unwrap(), "--kid", ""]);
    assert_eq!(header(&made), json!({"typ": "JWT", "alg": "EdDSA"}));
    let made = folder.mint(&["--generate", "es256", "--kid", "", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&made.stdout).unwrap();
    let name = answer["jwks"]["keys"][0]["kid"].as_str().unwrap();
    assert_eq!(name.len(), 43, "a thumbprint");
}

/// The header of a printed token.
fn header(made: &Output) -> Value {
    let token = String::from_utf8(made.stdout.clone()).unwrap();
    let (header, _) = token.split_once('.').unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

#[test]
fn a_secret_is_as_long_as_the_hash() {
    for (bytes, algorithm, fits) in [
        (31, Algorithm::Hs256, false),
        (32, Algorithm::Hs256, true),
        (47, Algorithm::Hs384, false),
        (48, Algorithm::Hs384, true),
        (63, Algorithm::Hs512, false),
        (64, Algorithm::Hs512, true),
    ] {
        let key = PrivateKey::symmetric(&vec![7; bytes]);
        let made = mint(&key, algorithm, Heading::default(), &claims());
        assert_eq!(made.is_ok(), fits, "{bytes} {}", algorithm.name());
        if fits {
            check(&key, algorithm);
        }
    }
}
