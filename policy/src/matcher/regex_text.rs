//! What `.` and `[^/]` of Envoy's regular expressions accept.
//!
//! Envoy compiles them with RE2 in UTF-8 mode. There `.` is one UTF-8 sequence
//! other than a line feed; a byte that belongs to no sequence matches nothing,
//! so a value with stray bytes fails `.+`. RE2 does not look at the second byte
//! of a sequence closely: overlong forms that start with E0 or F0, surrogates
//! and code points beyond U+10FFFF that start with F4 pass. They pass here too.

/// Whether `.*` accepts the whole text.
pub fn is_dots(text: &[u8]) -> bool {
    !text.contains(&b'\n') && is_characters(text)
}

/// Whether `(?s:.)*` accepts the whole text: any characters, line feeds too.
pub fn is_characters(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let Some(after) = after_continuation(first, tail) else {
            return false;
        };
        rest = after;
    }
    true
}

/// What follows the sequence that starts with `first`.
fn after_continuation(first: u8, tail: &[u8]) -> Option<&[u8]> {
    let length = match first {
        0x00..=0x7f => return Some(tail),
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => return None,
    };
    let (continuation, after) = tail.split_at_checked(length)?;
    continuation
        .iter()
        .all(|byte| matches!(byte, 0x80..=0xbf))
        .then_some(after)
}

/// Quotes a literal for use inside a regular expression, as Go does.
pub fn quote(literal: &str) -> String {
    let mut quoted = String::with_capacity(literal.len());
    for character in literal.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_line_feed_is_a_character_but_not_a_dot() {
        assert!(is_characters(b"a\nb"));
        assert!(!is_dots(b"a\nb"));
        assert!(is_dots(b"a\rb\0"));
    }

    #[test]
    fn stray_bytes_match_nothing() {
        for text in [
            &b"\x80"[..],
            b"a\xff",
            b"\xc3",
            b"\xc0\x80",
            b"\xf5\x80\x80\x80",
            b"\xe2\x82",
            b"\xc3a",
        ] {
            assert!(!is_dots(text), "{text:?}");
        }
    }

    #[test]
    fn sequences_pass_even_the_ones_re2_is_lax_about() {
        for text in [
            "é".as_bytes(),
            "😀".as_bytes(),
            b"\xed\xa0\x80",
            b"\xe0\x80\x80",
            b"\xf4\xbf\xbf\xbf",
            b"",
        ] {
            assert!(is_dots(text), "{text:?}");
        }
    }

    #[test]
    fn quoting_escapes_what_means_something() {
        assert_eq!(quote("rule[0].x"), r"rule\[0\]\.x");
    }
}
