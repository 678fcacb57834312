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
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of a member of a key.
pub fn decode_key(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}
