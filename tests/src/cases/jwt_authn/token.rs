//! A JWS in compact form, split and decoded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Refusal;

const NOT_THREE: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

/// A parsed token, not verified.
#[derive(Debug)]
pub struct Token {
    /// JOSE header.
    pub header: Map<String, Value>,
    /// Claims.
    pub payload: Map<String, Value>,
    /// The bytes that are signed.
    pub signed: Vec<u8>,
    /// Signature bytes.
    pub signature: Vec<u8>,
}

impl Token {
    /// Splits and decodes `text`.
    ///
    /// # Errors
    /// Envoy's reason.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        // Envoy skips empty sections, so that `.a.b.c` is accepted.
        let sections: Vec<&str> = text
            .split('.')
            .filter(|section| !section.is_empty())
            .collect();
        let &[header, payload, signature] = sections.as_slice() else {
            return Err(Refusal::unauthorized(NOT_THREE));
        };
        Ok(Self {
            header: object(header, &HEADER)?,
            payload: object(payload, &PAYLOAD)?,
            signed: format!("{header}.{payload}").into_bytes(),
            signature: decode(signature, "Jwt signature is an invalid Base64url encoded")?,
        })
    }

    /// `alg` of the header.
    ///
    /// # Errors
    /// There is none.
    pub fn algorithm(&self) -> Result<&str, Refusal> {
        let alg = self.header.get("alg").and_then(Value::as_str);
        alg.ok_or(Refusal::unauthorized(
            "Jwt header [alg] field is required and must be a string",
        ))
    }
}

struct Texts {
    base64: &'static str,
    json: &'static str,
}

const HEADER: Texts = Texts {
    base64: "Jwt header is an invalid Base64url encoded",
    json: "Jwt header is an invalid JSON",
};
const PAYLOAD: Texts = Texts {
    base64: "Jwt payload is an invalid Base64url encoded",
    json: "Jwt payload is an invalid JSON",
};

fn object(section: &str, texts: &Texts) -> Result<Map<String, Value>, Refusal> {
    let bytes = decode(section, texts.base64)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::unauthorized(texts.json))
}

fn decode(section: &str, text: &'static str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(section)
        .map_err(|_| Refusal::unauthorized(text))
}
