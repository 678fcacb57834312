//! What is taken for a configuration.

use serde_json::{Value, json};
use sluice_policy::DiagnosticCode as C;

use crate::world::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Codes and paths below `resources[0].spec`, of errors and warnings.
fn findings(spec: Value) -> Vec<(C, String)> {
    let config = json!({"resources": [resource_with("a", "r", spec)]});
    let (program, diagnostics) = configured(&config);
    assert_eq!(program.refusal().is_some(), diagnostics.has_errors());
    let found = diagnostics.iter().map(|finding| {
        let path = finding.path.strip_prefix("resources[0].spec");
        (finding.code, path.unwrap().to_owned())
    });
    found.collect()
}

/// The same of a rule with more fields, or others.
fn of_rule(fields: Value) -> Vec<(C, String)> {
    let found = findings(json!({"jwtRules": [rule_with("one", fields)]})).into_iter();
    found
        .map(|(code, path)| (code, path.strip_prefix(".jwtRules[0]").unwrap().to_owned()))
        .collect()
}

/// The same of a rule of these fields alone.
fn of_fields(fields: Value) -> Vec<(C, String)> {
    let found = findings(json!({"jwtRules": [fields]})).into_iter();
    found
        .map(|(code, path)| (code, path.strip_prefix(".jwtRules[0]").unwrap().to_owned()))
        .collect()
}

fn at(code: C, path: &str) -> Vec<(C, String)> {
    vec![(code, path.to_owned())]
}

#[test]
fn every_field_is_read() {
    let whole = json!({
        "issuer": "https://issuer.example",
        "audiences": ["a", "b"],
        "jwksUri": "https://issuer.example/keys",
        "fromHeaders": [{"name": "x-token", "prefix": "JWT "}, {"name": "x_plain"}],
        "fromParams": ["token"],
        "fromCookies": ["session"],
        "outputPayloadToHeader": "x-payload",
        "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}],
        "forwardOriginalToken": true,
        "timeout": "2.5s",
        "spaceDelimitedClaims": ["roles"],
    });
    assert_eq!(findings(json!({"jwtRules": [whole]})), []);
    assert_eq!(findings(json!({})), []);
    assert_eq!(findings(json!({"jwtRules": []})), []);
    let older = json!({
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "r", "namespace": "a"},
    });
    let (_, diagnostics) = configured(&json!({"resources": [older]}));
    assert!(diagnostics.is_empty(), "{diagnostics}");
}

#[test]
fn unset_fields_may_be_empty() {
    let unset = json!({
        "jwksUri": "", "outputPayloadToHeader": "", "audiences": [], "fromHeaders": [],
        "fromParams": null,
    });
    assert_eq!(of_rule(unset), []);
}

#[test]
fn keys_come_from_one_place() {
    let both = json!({"jwksUri": "https://a.example"});
    assert_eq!(of_rule(both), at(C::ConflictingKeys, ".jwks"));
    assert_eq!(of_fields(json!({})), at(C::MissingIssuer, ".issuer"));
    assert_eq!(
        of_fields(json!({"issuer": ""})),
        at(C::MissingIssuer, ".issuer")
    );
    assert_eq!(
        of_rule(json!({"issuer": ""})),
        at(C::MissingIssuer, ".issuer")
    );
    assert_eq!(of_fields(json!({"jwksUri": "https://a.example"})), []);
    assert_eq!(of_fields(json!({"issuer": "https://a.example"})), []);
    // Istio takes it, and refuses all of the issuer's tokens.
    assert_eq!(
        of_fields(json!({"issuer": "someone"})),
        at(C::NoKeySource, ".issuer")
    );
}

#[test]
fn urls_of_keys_can_be_fetched() {
    for uri in [
        "a.example/keys",
        "ftp://a.example",
        "https://a.example:port",
        "https://user:password@a.example",
        "http://169.254.169.254/latest",
    ] {
        let found = of_fields(json!({"issuer": "one", "jwksUri": uri}));
        assert_eq!(found, at(C::InvalidJwksUri, ".jwksUri"), "{uri}");
    }
    let longest = format!("{:k<2048}", "https://a.example/");
    assert_eq!(of_fields(json!({"jwksUri": longest})), []);
    let found = of_fields(json!({"jwksUri": longest + "k"}));
    assert_eq!(found, at(C::InvalidJwksUri, ".jwksUri"));
}

#[test]
fn inline_keys_are_read_at_once() {
    for jwks in [
        "{",
        "{}",
        "[]",
        r#"{"keys": []}"#,
        r#"{"keys": [{"kty": "x"}]}"#,
    ] {
        let found = of_rule(json!({"jwks": jwks}));
        assert_eq!(found, at(C::InvalidJwks, ".jwks"), "{jwks}");
    }
}

#[test]
fn private_keys_do_not_belong_into_a_resource() {
    let (mut keys, key) = (
        json!({"keys": []}),
        "{\"kty\": \"OKP\", \"crv\": \"Ed25519\"}",
    );
    let mut key: Value = serde_json::from_str(key).unwrap();
    // RFC 8037 appendix A.1.
    key["x"] = json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    keys["keys"] = json!([key.clone()]);
    assert_eq!(of_rule(json!({"jwks": keys.to_string()})), []);
    key["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    keys["keys"] = json!([key]);
    let found = of_rule(json!({"jwks": keys.to_string()}));
    assert_eq!(found, at(C::PrivateKey, ".jwks"));
}

#[test]
fn texts_are_not_empty() {
    for field in [
        "audiences",
        "fromParams",
        "fromCookies",
        "spaceDelimitedClaims",
    ] {
        let path = format!(".{field}[1]");
        assert_eq!(of_rule(json!({field: ["a", ""]})), at(C::EmptyValue, &path));
        assert_eq!(
            of_rule(json!({field: "a"})),
            at(C::WrongType, &format!(".{field}"))
        );
    }
    let header = |header: Value| of_rule(json!({"fromHeaders": [header]}));
    assert_eq!(
        header(json!({"name": ""})),
        at(C::EmptyValue, ".fromHeaders[0].name")
    );
    assert_eq!(header(json!({})), at(C::MissingKey, ".fromHeaders[0].name"));
    let output = |output: Value| of_rule(json!({"outputClaimToHeaders": [output]}));
    let path = |key: &str| format!(".outputClaimToHeaders[0].{key}");
    let empty = output(json!({"header": "x", "claim": ""}));
    assert_eq!(empty, at(C::EmptyValue, &path("claim")));
    let empty = output(json!({"header": "", "claim": "c"}));
    assert_eq!(empty, at(C::EmptyValue, &path("header")));
    let missing = [
        at(C::MissingKey, &path("header")),
        at(C::MissingKey, &path("claim")),
    ];
    assert_eq!(output(json!({})), missing.concat());
}

#[test]
fn names_of_headers_can_be_sent() {
    for name in [
        "a b",
        "a:b",
        ":path",
        "é",
        "a\n",
        "Host",
        "transfer-encoding",
    ] {
        let found = of_rule(json!({"fromHeaders": [{"name": name}]}));
        assert_eq!(
            found,
            at(C::InvalidHeaderName, ".fromHeaders[0].name"),
            "{name}"
        );
        let found = of_rule(json!({"outputPayloadToHeader": name}));
        assert_eq!(
            found,
            at(C::InvalidHeaderName, ".outputPayloadToHeader"),
            "{name}"
        );
    }
    for name in ["abc%123", ":authority", "a.b", "HOST"] {
        let output = json!({"header": name, "claim": "c"});
        let found = of_rule(json!({"outputClaimToHeaders": [output]}));
        let path = ".outputClaimToHeaders[0].header";
        assert_eq!(found, at(C::InvalidHeaderName, path), "{name}");
    }
    for prefix in ["a\nb", "a\rb", "a\0b"] {
        let found = of_rule(json!({"fromHeaders": [{"name": "x", "prefix": prefix}]}));
        assert_eq!(found, at(C::InvalidHeaderName, ".fromHeaders[0].prefix"));
    }
}

/// RFC 9110 section 5.6.2 for one, Istio's letters, digits, `-` and `_` for the other.
#[test]
fn names_of_headers_have_the_characters_of_their_grammar() {
    for character in (0..=u8::MAX).map(char::from) {
        let name = format!("x{character}");
        let is_plain = character.is_ascii_alphanumeric() || "-_".contains(character);
        let is_token = is_plain || "!#$%&'*+.^`|~".contains(character);
        let read = of_rule(json!({"fromHeaders": [{"name": name}]}));
        assert_eq!(read.is_empty(), is_token, "{name:?}");
        let output = json!({"header": name, "claim": "c"});
        let written = of_rule(json!({"outputClaimToHeaders": [output]}));
        assert_eq!(written.is_empty(), is_plain, "{name:?}");
    }
}

#[test]
fn headers_that_hold_a_request_together_are_left_alone() {
    for name in [
        "connection",
        "content-length",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        let found = of_rule(json!({"fromHeaders": [{"name": name}]}));
        let path = ".fromHeaders[0].name";
        assert_eq!(found, at(C::InvalidHeaderName, path), "{name}");
        let output = json!({"header": name, "claim": "c"});
        let found = of_rule(json!({"outputClaimToHeaders": [output]}));
        let path = ".outputClaimToHeaders[0].header";
        assert_eq!(found, at(C::InvalidHeaderName, path), "{name}");
    }
}

#[test]
fn what_stands_twice_is_told() {
    let twice = |item: Value| json!([item.clone(), item]);
    for (field, item) in [
        ("fromHeaders", json!({"name": "x", "prefix": "y"})),
        ("fromParams", json!("x")),
        ("fromCookies", json!("x")),
        ("outputClaimToHeaders", json!({"header": "x", "claim": "c"})),
    ] {
        let found = of_rule(json!({field: twice(item)}));
        assert_eq!(found, at(C::DuplicateItem, &format!(".{field}[1]")));
    }
}

#[test]
fn limits_are_istios() {
    let claims: Vec<String> = (0..65).map(|number| format!("c{number}")).collect();
    let found = of_rule(json!({"spaceDelimitedClaims": claims}));
    assert_eq!(found, at(C::TooMany, ".spaceDelimitedClaims"));
    assert_eq!(
        of_rule(json!({"spaceDelimitedClaims": claims.get(1..)})),
        []
    );
    let rules: Vec<Value> = vec![rule("one"); 4097];
    assert_eq!(
        findings(json!({"jwtRules": rules})),
        at(C::TooMany, ".jwtRules")
    );
    assert_eq!(findings(json!({"jwtRules": rules.get(1..)})), []);
    for timeout in ["0s", "5", "x", "-1s"] {
        let found = of_rule(json!({"timeout": timeout}));
        assert_eq!(found, at(C::InvalidDuration, ".timeout"), "{timeout}");
    }
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    let unknown = |path: &str| at(C::UnknownKey, path);
    assert_eq!(findings(json!({"rules": []})), unknown(".rules"));
    assert_eq!(of_rule(json!({"issuers": []})), unknown(".issuers"));
    let found = of_rule(json!({"fromHeaders": [{"name": "x", "value": "y"}]}));
    assert_eq!(found, unknown(".fromHeaders[0].value"));
    let output = json!({"header": "x", "claim": "c", "as": "json"});
    let found = of_rule(json!({"outputClaimToHeaders": [output]}));
    assert_eq!(found, unknown(".outputClaimToHeaders[0].as"));
    assert_eq!(
        findings(json!({"jwtRules": [null]})),
        at(C::WrongType, ".jwtRules[0]")
    );
}

#[test]
fn options_are_read() {
    let codes = |options: Value| {
        let (_, diagnostics) = configured(&options);
        let found = diagnostics.iter();
        found
            .map(|finding| (finding.code, finding.path.clone()))
            .collect::<Vec<_>>()
    };
    let clusters = |clusters: Value| codes(json!({"jwksClusters": clusters}));
    let one = json!({"host": "a.example", "port": 443, "cluster": "c"});
    assert_eq!(
        clusters(json!([one, {"host": "a.example", "cluster": "c"}])),
        []
    );
    let mut upper = one.clone();
    upper["host"] = json!("A.example");
    assert_eq!(
        clusters(json!([one, upper])),
        at(C::DuplicateItem, "jwksClusters[1]")
    );
    for (key, value, code) in [
        ("host", json!(""), C::EmptyValue),
        ("host", json!("https://a.example"), C::InvalidJwksUri),
        ("port", json!(0), C::OutOfRange),
        ("cluster", json!(""), C::EmptyValue),
        ("scheme", json!("https"), C::UnknownKey),
    ] {
        let mut wrong = one.clone();
        wrong[key] = value;
        let path = format!("jwksClusters[0].{key}");
        assert_eq!(clusters(json!([wrong])), at(code, &path));
    }
    for part in ["/", "[", "]", "@", "|", "*", " "] {
        let host = format!("a.example{part}");
        let found = clusters(json!([{"host": host, "cluster": "c"}]));
        assert_eq!(
            found,
            at(C::InvalidJwksUri, "jwksClusters[0].host"),
            "{host}"
        );
    }
    assert_eq!(clusters(json!({})), at(C::WrongType, "jwksClusters"));
    assert_eq!(
        codes(json!({"jwksCluster": []})),
        at(C::UnknownKey, "jwksCluster")
    );
}

#[test]
fn the_workload_of_the_configuration_wins() {
    let config = json!({
        "resources": [resource("r", json!([rule("one")]))],
        "workload": {"namespace": "elsewhere"},
    });
    let (program, diagnostics) = configured(&config);
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    assert_eq!(program.rule_count(), 0);
}

#[test]
fn a_workload_must_be_known() {
    let config = json!({"resources": [resource("r", json!([rule("one")]))]}).to_string();
    let (program, diagnostics) = sluice_jwt::configure(config.as_bytes(), None);
    assert_eq!(diagnostics.iter().next().unwrap().code, C::UnknownWorkload);
    assert!(program.refusal().is_some());
}
