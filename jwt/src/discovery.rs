//! The OpenID configuration document: where an issuer says its keys are.

use serde_json::Value;
use sluice_policy::json::{TrailingComma, parse_untrusted};

use crate::key_source::Remote;

/// The key set that a document, fetched from `document`, leads to.
///
/// The issuer may keep its keys on another host, as Google does, but not on one
/// that is reached with less protection than its document: a document that came by
/// https cannot lead to http. One that came by http leads to http on its own host
/// only. Link-local hosts and metadata services are refused as in `jwksUri`.
///
/// # Errors
///
/// What is wrong, in words.
pub(crate) fn key_set(document: &Remote, body: &[u8]) -> Result<Remote, String> {
    let value = parse_untrusted(body, TrailingComma::Refused)
        .ok_or("the OpenID configuration is no JSON")?;
    let uri = value
        .get("jwks_uri")
        .and_then(Value::as_str)
        .ok_or("the OpenID configuration has no jwks_uri")?;
    let keys = Remote::of(uri, &document.clusters, document.timeout_ms)
        .map_err(|bad| format!("jwks_uri: {bad}"))?;
    let is_protected = keys.scheme == "https"
        || (document.scheme == "http" && keys.authority == document.authority);
    match is_protected {
        true => Ok(keys),
        false => Err("jwks_uri: found http, expected https".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_source::ClusterMapping;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn of(issuer: &str, uri: &str) -> Result<String, String> {
        let clusters = [ClusterMapping {
            host: "keys.example".to_owned(),
            port: None,
            cluster: "mapped".to_owned(),
        }];
        let document = Remote::discovery(issuer, &clusters, 700).unwrap();
        let body = format!(r#"{{"issuer":"x","jwks_uri":"{uri}","more":[1]}}"#);
        let keys = key_set(&document, body.as_bytes())?;
        assert!(!keys.is_discovery);
        assert_eq!(keys.timeout_ms, 700);
        Ok([keys.cluster, keys.authority, keys.path].join(" "))
    }

    #[test]
    fn a_document_leads_to_the_keys() {
        assert_eq!(
            of("https://a.example", "https://a.example/keys"),
            Ok("outbound|443||a.example a.example /keys".to_owned())
        );
        assert_eq!(
            of("https://a.example", "https://keys.example/k?v=1"),
            Ok("mapped keys.example /k?v=1".to_owned())
        );
    }

    #[test]
    fn a_document_cannot_lead_from_https_to_http() {
        let refused = Err("jwks_uri: found http, expected https".to_owned());
        assert_eq!(of("https://a.example", "http://a.example/keys"), refused);
        assert_eq!(of("http://a.example", "http://b.example/keys"), refused);
        assert!(of("http://a.example", "http://a.example/keys").is_ok());
        assert!(of("http://a.example", "https://b.example/keys").is_ok());
        assert_eq!(
            of("http://a.example", "http://a.example:8080/keys"),
            refused,
            "another port is another service"
        );
    }

    #[test]
    fn a_document_cannot_lead_to_a_metadata_service() {
        let refused = of("https://a.example", "https://169.254.169.254/latest");
        assert!(
            refused
                .unwrap_err()
                .starts_with("jwks_uri: found \"https://169")
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let document = Remote::discovery("https://a.example", &[], 1).unwrap();
        let words = |body: &[u8]| key_set(&document, body).unwrap_err();
        assert_eq!(words(b"<html>"), "the OpenID configuration is no JSON");
        let comma = br#"{"jwks_uri":"https://a.example/1",}"#;
        assert_eq!(words(comma), "the OpenID configuration is no JSON");
        let twice = br#"{"jwks_uri":"https://a.example/1","jwks_uri":"https://b.example/2"}"#;
        assert_eq!(words(twice), "the OpenID configuration is no JSON");
        for body in ["{}", "[]", "null", r#"{"jwks_uri":7}"#] {
            assert_eq!(
                words(body.as_bytes()),
                "the OpenID configuration has no jwks_uri"
            );
        }
    }
}
