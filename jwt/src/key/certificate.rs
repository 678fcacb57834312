//! RSA keys out of certificates (RFC 5280 section 4.1), as Google publishes them for
//! some of its tokens: `{"<kid>": "-----BEGIN CERTIFICATE-----\n…"}`.
//!
//! As in Envoy only the key counts: whoever the set came from vouches for it, so
//! neither validity nor issuer of the certificate is looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Key, RSA_ENCRYPTION};
use crate::der::{BIT_STRING, INTEGER, Reader, SEQUENCE};
use crate::status::Status;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "\n-----END CERTIFICATE-----\n";
/// Context-specific tag 0: the version of a certificate.
const VERSION: u8 = 0xa0;

/// Whether the text looks like a certificate, so that an object of them is a key set.
pub fn is_certificate(text: &str) -> bool {
    text.starts_with(BEGIN) && text.ends_with(END)
}

impl Key {
    /// Reads the RSA key of a certificate in PEM.
    ///
    /// # Errors
    ///
    /// Why it is of no use.
    pub fn from_certificate(id: &str, pem: &str) -> Result<Self, Status> {
        let der = der(pem).ok_or(Status::CertificateInvalid)?;
        let mut info = subject_public_key_info(&der).ok_or(Status::CertificateInvalid)?;
        let numbers = rsa_numbers(&mut info).ok_or(Status::CertificateOfOtherKey)?;
        Ok(Self::rsa(numbers.0, numbers.1)?.named(id, None))
    }
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let text: String = lines.split(['\r', '\n']).collect();
    STANDARD.decode(text).ok()
}

/// What is in the `SubjectPublicKeyInfo` of a certificate.
fn subject_public_key_info(der: &[u8]) -> Option<Reader<'_>> {
    let mut certificate = Reader::new(Reader::new(der).read(SEQUENCE)?);
    let mut fields = Reader::new(certificate.read(SEQUENCE)?);
    if fields.peek() == Some(VERSION) {
        fields.read(VERSION)?;
    }
    fields.read(INTEGER)?;
    // Signature, issuer, validity and subject.
    for _ in 0..4 {
        fields.read(SEQUENCE)?;
    }
    fields.read(SEQUENCE).map(Reader::new)
}

/// Modulus and exponent.
fn rsa_numbers<'b>(info: &mut Reader<'b>) -> Option<(&'b [u8], &'b [u8])> {
    let (identifier, _) = info.next(SEQUENCE)?;
    if identifier != RSA_ENCRYPTION {
        return None;
    }
    let key = info.read(BIT_STRING)?.strip_prefix(&[0])?;
    let mut numbers = Reader::new(Reader::new(key).read(SEQUENCE)?);
    let numbers = (numbers.read(INTEGER)?, numbers.read(INTEGER)?);
    let is_positive = |number: &[u8]| number.first().is_some_and(|byte| *byte < 0x80);
    (is_positive(numbers.0) && is_positive(numbers.1)).then_some(numbers)
}
