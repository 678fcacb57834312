//! Base64url: to the letter in tokens, as Envoy takes it in keys.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};

/// Keys are published by hand more often than tokens are signed by hand: padding and
/// unused bits that are not zero are common, and change nothing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes of a part of a token: no padding, no other character, unused bits zero
/// (RFC 7515 section 2 and appendix C, RFC 4648 section 3.5).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of a member of a key.
pub fn decode_key(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A text, and what it is in a token and in a key.
    type Row = (&'static str, Option<&'static [u8]>, Option<&'static [u8]>);

    #[test]
    fn tokens_are_read_to_the_letter_and_keys_as_envoy_does() {
        let table: [Row; 11] = [
            ("", Some(b""), Some(b"")),
            ("QQ", Some(b"A"), Some(b"A")),
            ("-_-_", Some(b"\xfb\xff\xbf"), Some(b"\xfb\xff\xbf")),
            // Padding, unused bits.
            ("QQ==", None, Some(b"A")),
            ("QR", None, Some(b"A")),
            ("QUI=", None, Some(b"AB")),
            ("QQ=", None, Some(b"A")),
            // No base64url at all.
            ("Q", None, None),
            ("+/+/", None, None),
            ("Q Q", None, None),
            ("Q\u{e9}", None, None),
        ];
        for (text, strict, lenient) in table {
            assert_eq!(decode(text).as_deref(), strict, "{text}");
            assert_eq!(decode_key(text).as_deref(), lenient, "{text}");
        }
    }
}
