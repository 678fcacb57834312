//! The keys of the recorded tokens, as a replay gets them: scripted answers for
//! `sluice replay --callouts`.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{accounts::ISSUER, scene::Name};

/// Members of a JWK that only its owner may know (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Depth of the key set in the document.
const INDENT: &str = "      ";

/// The file beside the recording.
///
/// # Errors
/// When there is no key, or a private one.
pub fn callouts(recording: Name, key_set: &Value) -> Result<String> {
    let keys = key_set.get("keys").and_then(Value::as_array);
    let keys = keys.filter(|keys| !keys.is_empty()).context("no keys")?;
    for key in keys {
        if let Some(member) = PRIVATE.iter().find(|member| key.get(**member).is_some()) {
            bail!("a key has the member `{member}`, which would give it away");
        }
    }
    let host = ISSUER.trim_start_matches("https://");
    let mut text = format!(
        "# The keys of {ISSUER} when {recording}.jsonl was recorded, for\n\
         #   sluice replay … --callouts {recording}-callouts.yaml\n\
         # Written by `cargo xtask record`. The private keys were never kept.\n\
         callouts:\n\
         - cluster: outbound|443||{host}\n  \
           request: {{method: GET, path: /jwks}}\n  \
           answer:\n    \
             status: 200\n    \
             headers: {{content-type: application/json}}\n    \
             body: |\n"
    );
    for line in serde_json::to_string_pretty(key_set)?.lines() {
        text.push_str(INDENT);
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PRIVATE, callouts};
    use crate::record::scene::Name;

    #[test]
    fn only_public_keys_are_written() {
        let written = |key| callouts(Name::PaymentServiceJwt, &json!({"keys": [key]}));
        let text = written(json!({"kty": "EC", "x": "1", "y": "2"})).unwrap();
        assert!(text.ends_with("    }\n        ]\n      }\n"), "{text}");
        for member in PRIVATE {
            assert!(
                written(json!({"kty": "EC", member: "1"})).is_err(),
                "{member}"
            );
        }
        assert!(callouts(Name::PaymentServiceJwt, &json!({"keys": []})).is_err());
    }
}
