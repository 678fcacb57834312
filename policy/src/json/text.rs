//! Strings of JSON: RFC 8259 section 7.

use std::borrow::Cow;

use super::parse::{Read, Reader};

impl<'b> Reader<'b, '_> {
    /// Reads a string, from its opening quote on.
    pub(super) fn string(&mut self) -> Read<Cow<'b, str>> {
        self.at += 1;
        let plain = self.plain()?;
        // Nearly every string ends here.
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.fault("a control character in a string")),
            }
            text.push_str(self.plain()?);
        }
    }

    /// Up to the next byte that means something else. No such byte is part of a
    /// longer character, so each stretch is UTF-8 by itself.
    fn plain(&mut self) -> Read<&'b str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        let end = rest.iter().position(is_special).unwrap_or(rest.len());
        let Ok(plain) = std::str::from_utf8(rest.get(..end).unwrap_or_default()) else {
            return Err(self.fault("a string that is not UTF-8"));
        };
        self.at += end;
        Ok(plain)
    }

    /// Reads an escape, from behind its backslash on.
    fn escape(&mut self) -> Read<char> {
        let plain = match self.byte() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.by_number(),
            _ => return Err(self.fault("an unknown escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// `u00e9`; a character beyond U+FFFF is two such escapes.
    fn by_number(&mut self) -> Read<char> {
        let mut unit = self.unit()?;
        if (0xd800..0xdc00).contains(&unit) && self.byte() == Some(b'\\') {
            self.at += 1;
            let low = self.unit()?.wrapping_sub(0xdc00);
            // Anything else is not in the range of characters either.
            unit = if low < 0x400 {
                0x1_0000 + ((unit - 0xd800) << 10) + low
            } else {
                unit
            };
        }
        char::from_u32(unit).ok_or_else(|| self.fault("half a character in an escape"))
    }

    /// Reads `u` and four hexadecimal digits.
    fn unit(&mut self) -> Read<u32> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(&[b'u', ref digits @ ..]) = rest.first_chunk::<5>() else {
            return Err(self.fault("half an escape"));
        };
        let mut unit = 0;
        for digit in digits {
            let Some(digit) = char::from(*digit).to_digit(16) else {
                return Err(self.fault("half an escape"));
            };
            unit = unit << 4 | digit;
        }
        self.at += 5;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Diagnostics;
    use crate::json::parse;
    use serde_json::Value;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// What a string with that content is read as, or the finding.
    fn read(content: &[u8]) -> Result<String, String> {
        let bytes = [b"\"", content, b"\""].concat();
        let mut diagnostics = Diagnostics::new();
        match parse(&bytes, &mut diagnostics) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(diagnostics.to_string()),
        }
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        let table = [
            (r#"\""#, "\""),
            (r"\\", "\\"),
            (r"\/", "/"),
            (r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t"),
            (r"\u0041\u00e9\u00E9", "Aéé"),
            (r"\u0000", "\0"),
            (r"\ud7ff\ue000\uffff", "\u{d7ff}\u{e000}\u{ffff}"),
            (r"\ud800\udc00", "\u{10000}"),
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"\uDBFF\uDFFF", "\u{10ffff}"),
            (r"a\u0041b\\c", "aAb\\c"),
        ];
        for (content, text) in table {
            assert_eq!(read(content.as_bytes()), Ok(text.to_owned()), "{content}");
        }
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        let table = [
            (r"\a", "an unknown escape"),
            (r"\U0041", "an unknown escape"),
            (r"\u004", "half an escape"),
            (r"\u+041", "half an escape"),
            (r"\u004g", "half an escape"),
            (r"\ud800", "half a character"),
            (r"\udbff", "half a character"),
            (r"\udc00", "half a character"),
            (r"\udfff", "half a character"),
            (r"\ud800x", "half a character"),
            (r"\ud800\u0041", "half a character"),
            (r"\ud800\udbff", "half a character"),
            (r"\ud800\ue000", "half a character"),
            (r"\ude00\ud83d", "half a character"),
            (r"\ud800\n", "half an escape"),
            (r"\ud800\xdc00", "half an escape"),
            (r"\udc00\n", "half a character"),
        ];
        for (content, fault) in table {
            let finding = read(content.as_bytes()).unwrap_err();
            assert!(finding.contains(fault), "{content}: {finding}");
            assert!(finding.ends_with("[malformed-json]"), "{finding}");
        }
    }

    #[test]
    fn bytes_are_utf_8_without_control_characters() {
        for text in [" !#[]~\u{7f}", "\u{80}é\u{ffff}\u{10ffff}"] {
            assert_eq!(read(text.as_bytes()), Ok(text.to_owned()));
        }
        for byte in 0..0x20 {
            let finding = read(&[b'a', byte]).unwrap_err();
            assert!(finding.contains("a control character"), "{byte}: {finding}");
        }
        let broken: [&[u8]; 6] = [
            b"\xff",
            b"\xc3",
            b"\xc3\\n\xa9",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
        ];
        for bytes in broken {
            let finding = read(bytes).unwrap_err();
            assert!(finding.contains("not UTF-8"), "{bytes:?}: {finding}");
        }
    }
}
