//! RSA keys out of certificates (RFC 5280 section 4.1), as Google publishes them for
//! some of its tokens: `{"<kid>": "-----BEGIN CERTIFICATE-----\n…"}`.
//!
//! As in Envoy only the key counts: whoever the set came from vouches for it, so
//! neither validity nor issuer of the certificate is looked at.

use super::{Key, RSA_ENCRYPTION};
use crate::base64url;
use crate::der::{BIT_STRING, INTEGER, Reader, SEQUENCE};
use crate::status::Status;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "\n-----END CERTIFICATE-----";
/// Context-specific tag 0: the version of a certificate.
const VERSION: u8 = 0xa0;

/// Whether the text looks like a certificate, so that an object of them is a key set.
pub fn is_certificate(text: &str) -> bool {
    text.starts_with(BEGIN)
        && text
            .strip_suffix('\n')
            .is_some_and(|text| text.ends_with(END))
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

/// What is in the first certificate.
fn der(pem: &str) -> Option<Vec<u8>> {
    let rest = pem.strip_prefix(BEGIN)?;
    // Base64 has no dash, so the first one is of the end.
    let (lines, end) = rest.split_at_checked(rest.find('-')?.checked_sub(1)?)?;
    if !end.starts_with(END) {
        return None;
    }
    let characters = lines.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n'));
    let text: Option<Vec<u8>> = characters.map(in_base64url).collect();
    let text = text.filter(|text| text.len().is_multiple_of(4))?;
    base64url::decode(base64url::without_padding(&text)?)
}

/// What stands in base64url for a character of base64.
fn in_base64url(character: u8) -> Option<u8> {
    match character {
        b'+' => Some(b'-'),
        b'/' => Some(b'_'),
        b'-' | b'_' => None,
        other => Some(other),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::KeyType;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const RSA: &str = include_str!("../testing/vectors/certificate-rsa.pem");
    const P256: &str = include_str!("../testing/vectors/certificate-p256.pem");

    #[test]
    fn the_key_of_a_certificate_is_read() {
        let key = Key::from_certificate("a", RSA).unwrap();
        assert_eq!((key.id(), key.key_type()), ("a", KeyType::Rsa));
        assert_eq!(key.algorithm(), None);
        let chain = format!("{RSA}{P256}");
        assert_eq!(Key::from_certificate("a", &chain), Ok(key.clone()));
        let windows = RSA.replace('\n', "\r\n").replacen('\r', "", 1);
        let windows = windows.replace("\r\n-----END", "\n-----END");
        assert_eq!(Key::from_certificate("a", &windows), Ok(key));
    }

    #[test]
    fn other_keys_and_other_texts_are_refused() {
        let broken = RSA.replacen('M', "A", 1);
        let table = [
            (P256, Status::CertificateOfOtherKey),
            (broken.as_str(), Status::CertificateInvalid),
            ("", Status::CertificateInvalid),
            (BEGIN, Status::CertificateInvalid),
            (
                "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n",
                Status::CertificateInvalid,
            ),
            (
                "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
                Status::CertificateInvalid,
            ),
        ];
        for (text, status) in table {
            assert_eq!(Key::from_certificate("a", text), Err(status), "{text}");
        }
    }

    /// The certificate with other bytes in the place of those.
    fn altered(from: &[u8], to: &[u8]) -> String {
        let mut der = der(RSA).unwrap();
        let mut places = der.windows(from.len());
        let place = places.position(|window| window == from).unwrap();
        der[place..place + from.len()].copy_from_slice(to);
        format!("{BEGIN}{}{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn numbers_below_zero_make_no_key() {
        let modulus = altered(b"\x02\x82\x01\x01\x00", b"\x02\x82\x01\x01\x80");
        let exponent = altered(b"\x02\x03\x01\x00\x01", b"\x02\x03\x80\x00\x01");
        for pem in [modulus, exponent] {
            let refused = Err(Status::CertificateOfOtherKey);
            assert_eq!(Key::from_certificate("a", &pem), refused);
        }
    }

    #[test]
    fn a_cut_certificate_never_has_a_key() {
        let whole = der(RSA).unwrap();
        for end in 0..whole.len() {
            let pem = format!("{BEGIN}{}{END}\n", STANDARD.encode(&whole[..end]));
            assert!(Key::from_certificate("a", &pem).is_err(), "{end}");
        }
    }

    #[test]
    fn certificates_are_told_by_their_first_and_last_line() {
        assert!(is_certificate(RSA));
        for other in [
            "",
            "pubkey",
            BEGIN,
            RSA.trim_end(),
            RSA.trim_start_matches('-'),
            &format!("{RSA}\n\n"),
        ] {
            assert!(!is_certificate(other), "{other}");
        }
    }
}
