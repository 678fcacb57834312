//! Tokens, taken apart in the order in which Envoy does it: a token with two faults
//! is refused for the same one.

mod claims;
mod header;

use std::ops::Range;

use memchr::memchr;
use serde_json::{Map, Value};
use sluice_policy::json::{TrailingComma, Visited, parse_untrusted, visit_untrusted_object};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jws::Jws;
use crate::status::Status;
use claims::{Found, Registered};
pub(crate) use header::Header;

/// A token in the right form. Nothing about it is believed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    text: Box<[u8]>,
    /// Where the header and the payload end.
    header_end: usize,
    payload_end: usize,
    header: Header,
    payload: Vec<u8>,
    text_claims: Vec<TextClaim>,
    registered: Registered,
    signature: Vec<u8>,
}

/// A claim that is a text, and where that stands in the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextClaim {
    /// Its name.
    pub(crate) name: Box<str>,
    /// From quote to quote.
    pub(crate) place: Range<usize>,
}

impl Token {
    /// Takes a token apart. Linear in its length, which the caller limits.
    ///
    /// # Errors
    ///
    /// Envoy's status for what is wrong first.
    pub fn parse(bytes: &[u8]) -> Result<Self, Status> {
        Self::parse_after(bytes, None, &|_| true)
    }

    /// The same, knowing a token that came before: an issuer begins all of its tokens
    /// alike, and what is written alike need not be read again. Of claims that are texts,
    /// the places are noted where `is_noted` says so of their names.
    pub(crate) fn parse_after(
        bytes: &[u8],
        previous: Option<&Self>,
        is_noted: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Status> {
        let [header, payload, signature] = segments(bytes).ok_or(Status::BadFormat)?;
        let (header_end, payload_end) = (header.len(), header.len() + 1 + payload.len());
        let header = match previous {
            Some(previous) if previous.header_segment() == header => previous.header.clone(),
            _ => Header::parse(header)?,
        };
        let payload = base64url::decode(payload).ok_or(Status::PayloadBadBase64)?;
        let mut found = Found::default();
        let mut text_claims = Vec::new();
        visit_untrusted_object(&payload, &mut |name, value, place| {
            if matches!(value, Visited::Text(_)) && is_noted(name) {
                let name = name.into();
                text_claims.push(TextClaim { name, place });
            }
            found.note(name, value);
        })
        .ok_or(Status::PayloadBadJson)?;
        let registered = Registered::read(found)?;
        let signature = base64url::decode(signature).ok_or(Status::SignatureBadBase64)?;
        Ok(Self {
            text: bytes.into(),
            header_end,
            payload_end,
            header,
            payload,
            text_claims,
            registered,
            signature,
        })
    }

    /// The whole token as it came.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What the signature is of: header and payload with the dot between them.
    pub fn signed(&self) -> &[u8] {
        self.text().get(..self.payload_end).unwrap_or_default()
    }

    /// The decoded signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// `alg` of the header.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// `kid` of the header. An empty one is none, as in Envoy.
    pub fn key_id(&self) -> Option<&str> {
        Some(self.header.key_id.as_str()).filter(|id| !id.is_empty())
    }

    fn header_segment(&self) -> &[u8] {
        self.text.get(..self.header_end).unwrap_or_default()
    }

    /// The payload as it came, in base64url without padding.
    pub fn payload_segment(&self) -> &[u8] {
        self.text
            .get(self.header_end + 1..self.payload_end)
            .unwrap_or_default()
    }

    /// The payload as JSON: the sender's own text.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The claims that are texts, as far as they were noted, in the order of the payload.
    pub(crate) fn text_claims(&self) -> &[TextClaim] {
        &self.text_claims
    }

    /// The payload. Read anew with each call: who wants to know what few tokens are
    /// asked for should not make all of them dear.
    pub fn claims(&self) -> Map<String, Value> {
        match parse_untrusted(&self.payload, TrailingComma::Refused) {
            Some(Value::Object(claims)) => claims,
            // A token with another payload is none.
            _ => Map::new(),
        }
    }

    /// `iss`; empty if there is none.
    pub fn issuer(&self) -> &str {
        &self.registered.issuer
    }

    /// `sub`; empty if there is none.
    pub fn subject(&self) -> &str {
        &self.registered.subject
    }

    /// `aud`, one or many.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.registered.audiences.iter().filter_map(Value::as_str)
    }

    /// `nbf` in seconds since 1970; 0 if it is not given.
    pub fn not_before(&self) -> u64 {
        self.registered.not_before
    }

    /// `exp` in seconds since 1970; 0 if it is not given, which is never.
    pub fn expiry(&self) -> u64 {
        self.registered.expiry
    }

    /// What is verified of it.
    pub fn jws(&self) -> Jws<'_> {
        Jws {
            algorithm: self.header.algorithm,
            key_id: &self.header.key_id,
            signed: self.signed(),
            signature: &self.signature,
        }
    }
}

/// The three parts of a token. Envoy skips empty ones, so that `.a..b.c.` is one to it;
/// RFC 7515 section 7.1 has two dots, and an unsigned token is never believed.
fn segments(text: &[u8]) -> Option<[&[u8]; 3]> {
    let (header, rest) = split_at_dot(text)?;
    let (payload, signature) = split_at_dot(rest)?;
    let is_whole = memchr(b'.', signature).is_none()
        && !header.is_empty()
        && !payload.is_empty()
        && !signature.is_empty();
    is_whole.then_some([header, payload, signature])
}

fn split_at_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr(b'.', text)?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

#[cfg(test)]
mod tests;
