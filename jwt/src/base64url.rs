//! Base64url: to the letter in tokens, as Envoy takes it in keys.
//!
//! By hand: what a token that was never seen before takes is in good part this, and the
//! engines of the `base64` crate, which can do more, need more instructions for a
//! character and ten times the code. Property tests compare it with them.

/// What a character that is none of the alphabet stands for: the sign shows in every
/// number that is put together with it.
const NONE: i8 = -1;
/// The character that stands for 0.
const ZERO: u8 = b'A';

/// The alphabet of RFC 4648 section 5.
const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What each byte stands for.
static VALUES: [i8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    let mut rest = ALPHABET.as_slice();
    while let [character, more @ ..] = rest {
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte, below 256, while compiling"
        )]
        {
            values[*character as usize] = value;
        }
        value += 1;
        rest = more;
    }
    values
};

/// The bytes of a part of a token: no padding, no other character, unused bits zero
/// (RFC 7515 section 2 and appendix C, RFC 4648 section 3.5).
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (bytes, unused) = read(text)?;
    (unused == [0; 3]).then_some(bytes)
}

/// The bytes of a member of a key. Keys are published by hand more often than tokens are
/// signed by hand: padding and unused bits that are not zero are common, and change
/// nothing.
pub fn decode_key(text: &str) -> Option<Vec<u8>> {
    let (bytes, _) = read(without_padding(text.as_bytes())?)?;
    Some(bytes)
}

/// A text without its padding (RFC 4648 section 4); none if that is more than fills up
/// the last four characters.
pub fn without_padding(text: &[u8]) -> Option<&[u8]> {
    let bare = text.strip_suffix(b"=").unwrap_or(text);
    let bare = bare.strip_suffix(b"=").unwrap_or(bare);
    (text.len() <= bare.len().next_multiple_of(4)).then_some(bare)
}

/// The bytes of a text without padding, and what is left over of its last character.
fn read(text: &[u8]) -> Option<(Vec<u8>, [u8; 3])> {
    let (quads, rest) = text.as_chunks();
    // A single character is no byte yet.
    if rest.len() == 1 {
        return None;
    }
    let mut bytes = vec![0; text.len() * 3 / 4];
    let (triples, last) = bytes.as_chunks_mut();
    // Looked at once, behind the loop.
    let mut seen = 0;
    for (triple, quad) in triples.iter_mut().zip(quads) {
        *triple = triple_of(*quad, &mut seen);
    }
    let mut quad = [ZERO; 4];
    for (to, from) in quad.iter_mut().zip(rest) {
        *to = *from;
    }
    let mut unused = triple_of(quad, &mut seen);
    for (to, from) in last.iter_mut().zip(&mut unused) {
        *to = std::mem::take(from);
    }
    (seen >= 0).then_some((bytes, unused))
}

/// Three bytes of four characters. Gathers in `seen` what they stand for.
#[inline(always)]
fn triple_of([a, b, c, d]: [u8; 4], seen: &mut i32) -> [u8; 3] {
    let bits = value(a) << 18 | value(b) << 12 | value(c) << 6 | value(d);
    *seen |= bits;
    let [_, first, second, third] = bits.to_be_bytes();
    [first, second, third]
}

#[inline(always)]
fn value(character: u8) -> i32 {
    let value = VALUES.get(usize::from(character));
    value.copied().unwrap_or(NONE).into()
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
            assert_eq!(decode(text.as_bytes()).as_deref(), strict, "{text}");
            assert_eq!(decode_key(text).as_deref(), lenient, "{text}");
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use super::*;
        use base64::Engine as _;
        use base64::alphabet::URL_SAFE;
        use base64::engine::DecodePaddingMode;
        use base64::engine::general_purpose::{
            GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD,
        };
        use proptest::prelude::*;

        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &URL_SAFE,
            GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );

        proptest! {
            #[test]
            fn it_reads_what_the_crate_reads(
                text in prop_oneof!["[A-Za-z0-9_-]{0,40}={0,3}", "[A-Z/+=_\\x00-\\xff-]{0,9}"],
            ) {
                prop_assert_eq!(decode(text.as_bytes()), URL_SAFE_NO_PAD.decode(&text).ok());
                prop_assert_eq!(decode_key(&text), LENIENT.decode(&text).ok());
            }

            #[test]
            fn bytes_come_back(bytes: Vec<u8>) {
                let text = URL_SAFE_NO_PAD.encode(&bytes);
                prop_assert_eq!(decode(text.as_bytes()), Some(bytes));
            }
        }

        #[test]
        fn every_byte_stands_for_what_it_does_in_the_crate() {
            for byte in 0..=u8::MAX {
                for text in [[byte, b'A'], [b'A', byte]] {
                    assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(text).ok(), "{byte}");
                }
            }
        }
    }
}
