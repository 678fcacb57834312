//! The header of a token (RFC 7515 section 4).

use serde_json::{Map, Value};
use sluice_policy::json::{TrailingComma, parse_untrusted};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::status::Status;

/// What a header says about the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`; empty if there is none.
    pub key_id: String,
}

impl Header {
    /// Reads the first part of a token.
    ///
    /// # Errors
    ///
    /// Envoy's status for what is wrong first.
    pub fn parse(segment: &[u8]) -> Result<Self, Status> {
        let text = base64url::decode(segment).ok_or(Status::HeaderBadBase64)?;
        let Some(Value::Object(header)) = parse_untrusted(&text, TrailingComma::Refused) else {
            return Err(Status::HeaderBadJson);
        };
        let algorithm = algorithm(&header)?;
        let key_id = match header.get("kid") {
            None => String::new(),
            Some(Value::String(id)) => id.clone(),
            Some(_) => return Err(Status::HeaderBadKeyId),
        };
        // It names fields that must be understood (RFC 7515 section 4.1.11), and none
        // is.
        if header.contains_key("crit") {
            return Err(Status::HeaderCritical);
        }
        Ok(Self { algorithm, key_id })
    }
}

fn algorithm(header: &Map<String, Value>) -> Result<Algorithm, Status> {
    let Some(Value::String(name)) = header.get("alg") else {
        return Err(Status::HeaderBadAlgorithm);
    };
    Algorithm::from_name(name).ok_or(Status::HeaderAlgorithmNotSupported)
}
