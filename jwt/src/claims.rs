//! What claims become: values of headers, and the JSON that other filters read.

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use sluice_policy::field;
use sluice_policy::json::{TrailingComma, parse_untrusted};

use crate::decimal;
use crate::token::Token;

/// Claims that Istio always splits, besides those of `spaceDelimitedClaims`.
const ALWAYS_SPLIT: [&str; 2] = ["scope", "permission"];

/// A claim inside of others: `a.b` is `b` of the object `a`. A name with a dot cannot
/// be said, as in Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimPath(Box<[Box<str>]>);

impl ClaimPath {
    /// Reads `claim` of `outputClaimToHeaders`.
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.split('.').map(Into::into).collect())
    }

    fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (last, parents) = self.0.split_last()?;
        let mut object = claims;
        for parent in parents {
            object = object.get(&**parent)?.as_object()?;
        }
        object.get(&**last)
    }
}

/// A claim that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsendable;

/// The value of a header for a claim; none if the claim is missing, null or empty.
///
/// # Errors
///
/// The value has a character that RFC 9110 section 5.5 keeps out of headers.
pub(crate) fn header_value(
    claims: &Map<String, Value>,
    path: &ClaimPath,
) -> Result<Option<Vec<u8>>, Unsendable> {
    let text = match path.find(claims) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) => number_text(number.as_f64().unwrap_or_default()),
        Some(Value::String(text)) => text.clone(),
        Some(compound) => BASE64_STANDARD.encode(compound.to_string()),
    };
    if !field::is_value(text.as_bytes()) {
        return Err(Unsendable);
    }
    Ok((!text.is_empty()).then(|| text.into_bytes()))
}

/// Whole numbers that are not negative in full, others as C's `%f` has them.
///
/// Envoy keeps every number in a double, so that large ones lose their last digits.
fn number_text(number: f64) -> String {
    const BEYOND_64_BITS: f64 = 18_446_744_073_709_551_616.0;
    if (0.0..BEYOND_64_BITS).contains(&number) && number.trunc() == number {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative and less than 2^64"
        )]
        let whole = number as u64;
        return whole.to_string();
    }
    decimal::six_digits(number)
}

/// Whether others see a claim that is a text as a list.
pub(crate) fn is_split(name: &str, space_delimited: &[Box<str>]) -> bool {
    ALWAYS_SPLIT.contains(&name) || space_delimited.iter().any(|split| **split == *name)
}

/// `{"payload":{…}}`: the payload as it came, but with claims that are lists in one text
/// as lists.
pub(crate) fn metadata_json(token: &Token, space_delimited: &[Box<str>]) -> Vec<u8> {
    let payload = token.payload();
    let part = |from: usize, to: usize| payload.get(from..to).unwrap_or_default();
    let mut json = Vec::with_capacity(BEFORE_PAYLOAD.len() + 2 * payload.len());
    json.extend_from_slice(BEFORE_PAYLOAD);
    let mut copied = 0;
    for claim in token.text_claims() {
        let Range { start, end } = claim.place;
        if is_split(&claim.name, space_delimited) {
            json.extend_from_slice(part(copied, start));
            let is_list = push_list(part(start, end), &mut json);
            copied = if is_list { end } else { start };
        }
    }
    json.extend_from_slice(part(copied, payload.len()));
    json.push(b'}');
    json
}

const BEFORE_PAYLOAD: &[u8] = b"{\"payload\":";

/// Adds the parts between spaces of a text that is written as JSON, as a list, if there
/// is any.
fn push_list(written: &[u8], json: &mut Vec<u8>) -> bool {
    let mut before = b'[';
    if written.contains(&b'\\') {
        if let Some(Value::String(text)) = parse_untrusted(written, TrailingComma::Refused) {
            for part in text.split(' ').filter(|part| !part.is_empty()) {
                json.push(before);
                json.extend_from_slice(Value::from(part).to_string().as_bytes());
                before = b',';
            }
        }
    } else {
        // Without escapes, a part is written as it is.
        let [_, text @ .., _] = written else {
            return false;
        };
        let parts = text.split(|byte| *byte == b' ');
        for part in parts.filter(|part| !part.is_empty()) {
            json.extend_from_slice(&[before, b'"']);
            json.extend_from_slice(part);
            json.push(b'"');
            before = b',';
        }
    }
    let has_parts = before == b',';
    if has_parts {
        json.push(b']');
    }
    has_parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The metadata of a token with that payload, and `list` split as well.
    fn metadata(payload: &str) -> String {
        let parts = [r#"{"alg":"RS256"}"#, payload, "signature"];
        let text = parts
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let token = Token::parse(text.as_bytes()).unwrap();
        let json = metadata_json(&token, &["list".into()]);
        assert!(json.len() < 2 * text.len());
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn the_payload_stays_as_it_was_written() {
        for payload in ["{}", r#" { "a" : [ 1.50, {"scope":"x y"} ] ,"aud":"a b"}"#] {
            let expected = format!(r#"{{"payload":{payload}}}"#);
            assert_eq!(metadata(payload), expected);
        }
    }

    #[test]
    fn lists_in_one_text_become_lists() {
        let table = [
            (r#"{"scope":"a  b "}"#, json!({"scope": ["a", "b"]})),
            (r#"{"permission":"a"}"#, json!({"permission": ["a"]})),
            (
                r#"{"list":"a b c d e f g h i j"}"#,
                json!({"list": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]}),
            ),
            (
                r#"{"list" : "1 2","x":"3 4","scope":"5 6" }"#,
                json!({"list": ["1", "2"], "x": "3 4", "scope": ["5", "6"]}),
            ),
            // However name, space and quote are written.
            (
                r#"{"sc\u006fpe":"a\u0020\"b\" c\\"}"#,
                json!({"scope": ["a", "\"b\"", "c\\"]}),
            ),
            // Nothing to split.
            (r#"{"scope":"  "}"#, json!({"scope": "  "})),
            (r#"{"scope":""}"#, json!({"scope": ""})),
            (r#"{"scope":["a b"]}"#, json!({"scope": ["a b"]})),
            (
                r#"{"scope":{"list":"a b"}}"#,
                json!({"scope": {"list": "a b"}}),
            ),
        ];
        for (payload, expected) in table {
            let found: Value = serde_json::from_str(&metadata(payload)).unwrap();
            assert_eq!(found, json!({"payload": expected}), "{payload}");
        }
    }
}
