//! What claims become: values of headers, and the JSON that other filters read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::decimal;

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
    if text
        .bytes()
        .any(|byte| byte.is_ascii_control() && byte != b'\t')
    {
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

/// `{"payload":{…}}` with claims that are lists in one text as lists.
pub(crate) fn metadata_json(claims: &Map<String, Value>, space_delimited: &[Box<str>]) -> Vec<u8> {
    let is_split = |name: &str| {
        ALWAYS_SPLIT.contains(&name) || space_delimited.iter().any(|claim| **claim == *name)
    };
    let mut payload = claims.clone();
    for (name, value) in &mut payload {
        if let Value::String(text) = value
            && is_split(name)
            && !text.bytes().all(|byte| byte == b' ')
        {
            let parts = text.split(' ').filter(|part| !part.is_empty());
            *value = parts.map(Value::from).collect();
        }
    }
    let mut metadata = Map::new();
    metadata.insert("payload".to_owned(), Value::Object(payload));
    Value::Object(metadata).to_string().into_bytes()
}
