//! Tests of tokens: one status after the other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// A token of these texts, not signed.
fn token(header: &str, payload: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", encode(header), encode(payload))
}

fn parsed(text: &str) -> Result<Token, Status> {
    Token::parse(text.as_bytes())
}

/// What becomes of a token with that header, or with that payload.
fn of_header(header: &str) -> Result<Token, Status> {
    parsed(&token(header, "{}"))
}

fn of_payload(payload: &str) -> Result<Token, Status> {
    parsed(&token(r#"{"alg":"HS256"}"#, payload))
}

fn status(result: Result<Token, Status>) -> Option<Status> {
    result.err()
}

#[test]
fn a_token_is_taken_apart() {
    let header = r#"{"alg":"ES256","kid":"k1","typ":"JWT","cty":"x"}"#;
    let payload = r#"{"iss":"i","sub":"s","aud":["a","b"],"nbf":1,"exp":2.9,"x":{"y":[1]}}"#;
    let text = token(header, payload);
    let token = parsed(&text).unwrap();
    let (signed, _) = text.rsplit_once('.').unwrap();
    assert_eq!(token.text(), text.as_bytes());
    assert_eq!(token.signed(), signed.as_bytes());
    assert_eq!(token.signature(), b"sig");
    assert_eq!(token.algorithm(), Algorithm::Es256);
    assert_eq!(token.key_id(), Some("k1"));
    assert_eq!(
        token.payload_segment(),
        URL_SAFE_NO_PAD.encode(payload).as_bytes()
    );
    assert_eq!((token.issuer(), token.subject()), ("i", "s"));
    assert!(token.audiences().eq(["a", "b"]));
    assert_eq!((token.not_before(), token.expiry()), (1, 2));
    assert_eq!(token.claims()["x"]["y"][0], 1);
}

#[test]
fn what_is_not_given_is_empty() {
    let token = of_payload("{}").unwrap();
    assert_eq!((token.issuer(), token.subject()), ("", ""));
    assert_eq!((token.not_before(), token.expiry()), (0, 0));
    assert_eq!(token.audiences().count(), 0);
    assert_eq!(token.key_id(), None);
    let token = of_header(r#"{"alg":"HS256","kid":""}"#).unwrap();
    assert_eq!(token.key_id(), None);
}

#[test]
fn three_parts_make_a_token() {
    let whole = token(r#"{"alg":"HS256"}"#, "{}");
    assert!(parsed(&whole).is_ok());
    let (signed, _) = whole.rsplit_once('.').unwrap();
    for text in [
        "",
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c.d",
        signed,
        &format!("{signed}."),
    ] {
        assert_eq!(status(parsed(text)), Some(Status::BadFormat), "{text}");
    }
    // RFC 7515 section 7.2: the other serialization has no place in a header.
    let json = format!(r#"{{"payload":"{signed}","signature":"c2ln"}}"#);
    assert!(parsed(&json).is_err());
}

#[test]
fn bytes_that_are_no_text_are_found_where_they_stand() {
    let table: [(&[u8], Status); 5] = [
        (b"\xff", Status::BadFormat),
        (b"\xff.\xff", Status::BadFormat),
        (b"e\xff30.e30.AA", Status::HeaderBadBase64),
        (b"eyJhbGciOiJIUzI1NiJ9.\xff.\xff", Status::PayloadBadBase64),
        (
            b"eyJhbGciOiJIUzI1NiJ9.e30.AA\xc3",
            Status::SignatureBadBase64,
        ),
    ];
    for (bytes, status) in table {
        assert_eq!(Token::parse(bytes), Err(status), "{bytes:?}");
    }
}

#[test]
fn headers_are_looked_at_in_envoy_s_order() {
    let table = [
        ("", Status::BadFormat),
        ("[]", Status::HeaderBadJson),
        ("{", Status::HeaderBadJson),
        (r#"{"alg":"HS256","alg":"HS256"}"#, Status::HeaderBadJson),
        (r#"{"alg":"HS256"}x"#, Status::HeaderBadJson),
        ("{}", Status::HeaderBadAlgorithm),
        (r#"{"alg":256,"kid":1}"#, Status::HeaderBadAlgorithm),
        (r#"{"alg":null}"#, Status::HeaderBadAlgorithm),
        (
            r#"{"alg":"none","kid":1}"#,
            Status::HeaderAlgorithmNotSupported,
        ),
        (r#"{"alg":"hs256"}"#, Status::HeaderAlgorithmNotSupported),
        (r#"{"alg":"ES256K"}"#, Status::HeaderAlgorithmNotSupported),
        (r#"{"alg":""}"#, Status::HeaderAlgorithmNotSupported),
        (
            r#"{"alg":"HS256","kid":1,"crit":[]}"#,
            Status::HeaderBadKeyId,
        ),
        (r#"{"alg":"HS256","kid":null}"#, Status::HeaderBadKeyId),
        (r#"{"alg":"HS256","crit":["exp"]}"#, Status::HeaderCritical),
    ];
    for (header, expected) in table {
        assert_eq!(status(of_header(header)), Some(expected), "{header}");
    }
    for algorithm in Algorithm::ALL {
        let header = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
        assert_eq!(of_header(&header).unwrap().algorithm(), *algorithm);
    }
}

#[test]
fn payloads_are_looked_at_in_envoy_s_order() {
    let table = [
        ("[]", Status::PayloadBadJson),
        ("null", Status::PayloadBadJson),
        (r#"{"a":1,"a":1}"#, Status::PayloadBadJson),
        (r#"{"iss":1,"sub":1}"#, Status::BadIssuer),
        (r#"{"iss":null}"#, Status::BadIssuer),
        (r#"{"sub":[],"iat":"x"}"#, Status::BadSubject),
        (r#"{"iat":"1","nbf":"1"}"#, Status::IssuedAtNotInteger),
        (r#"{"iat":-1}"#, Status::IssuedAtOutOfRange),
        (r#"{"nbf":true,"exp":"1"}"#, Status::NotBeforeNotInteger),
        (r#"{"nbf":-0.5}"#, Status::NotBeforeOutOfRange),
        (r#"{"exp":null,"jti":1}"#, Status::ExpiryNotInteger),
        (r#"{"exp":18446744073709551616}"#, Status::ExpiryOutOfRange),
        (r#"{"exp":18446744073709551615}"#, Status::ExpiryOutOfRange),
        (r#"{"exp":18446744073709550592}"#, Status::ExpiryOutOfRange),
        (r#"{"exp":1e300}"#, Status::ExpiryOutOfRange),
        (r#"{"exp":1,"jti":1,"aud":1}"#, Status::BadTokenId),
        (r#"{"aud":1}"#, Status::BadAudience),
        (r#"{"aud":null}"#, Status::BadAudience),
        (r#"{"aud":["a",1]}"#, Status::BadAudience),
        (r#"{"aud":{}}"#, Status::BadAudience),
    ];
    for (payload, expected) in table {
        assert_eq!(status(of_payload(payload)), Some(expected), "{payload}");
    }
}

#[test]
fn times_are_whole_seconds() {
    let table = [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1.999", 1),
        ("1e3", 1_000),
        ("1700000000.5", 1_700_000_000),
        ("4294967296", 1 << 32),
        // The largest that Envoy, which reads doubles, does not round up to 2^64.
        ("18446744073709550591", 18_446_744_073_709_550_591),
    ];
    for (text, expected) in table {
        let token = of_payload(&format!(r#"{{"nbf":{text},"exp":{text}}}"#)).unwrap();
        assert_eq!(
            (token.not_before(), token.expiry()),
            (expected, expected),
            "{text}"
        );
    }
}

#[test]
fn one_audience_is_a_list_of_one() {
    assert!(of_payload(r#"{"aud":"a"}"#).unwrap().audiences().eq(["a"]));
    assert_eq!(of_payload(r#"{"aud":[]}"#).unwrap().audiences().count(), 0);
}

#[test]
fn each_part_is_base64url_and_the_first_bad_one_is_told() {
    let good = token(r#"{"alg":"HS256"}"#, "{}");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        unreachable!("three parts")
    };
    for bad in ["?", "a=", "\u{e9}"] {
        let table = [
            (format!("{bad}.{bad}.{bad}"), Status::HeaderBadBase64),
            (format!("{header}.{bad}.{bad}"), Status::PayloadBadBase64),
            (
                format!("{header}.{payload}.{bad}"),
                Status::SignatureBadBase64,
            ),
            (
                format!("{header}.{payload}.{signature}{bad}"),
                Status::SignatureBadBase64,
            ),
        ];
        for (text, expected) in table {
            assert_eq!(status(parsed(&text)), Some(expected), "{text}");
        }
    }
    let bytes = [good.as_bytes(), b"\xff"].concat();
    assert_eq!(Token::parse(&bytes).err(), Some(Status::SignatureBadBase64));
}
