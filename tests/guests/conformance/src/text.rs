//! Bytes in scripts and logs.

use std::fmt::Write;

/// Printable ASCII as it is, everything else (and the back-slash) as `\xNN`.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\x5c"),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing into a string does not fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text
}

/// `\s` is a space, `\e` nothing (an argument must have some text), `\xNN` a byte.
pub(crate) fn unescape(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b's') => bytes.push(b' '),
            Some(b'x') => bytes.push(hex(rest.next()) << 4 | hex(rest.next())),
            _ => {}
        }
    }
    bytes
}

fn hex(digit: Option<u8>) -> u8 {
    let value = digit.and_then(|digit| char::from(digit).to_digit(16));
    value
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(0)
}
