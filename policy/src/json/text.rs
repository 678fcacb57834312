//! Strings of JSON: RFC 8259 section 7.

use super::parse::{Read, Reader};

impl Reader<'_, '_> {
    /// Reads a string, from its opening quote on.
    pub(super) fn string(&mut self) -> Read<String> {
        let mut text = String::new();
        self.at += 1;
        loop {
            text.push_str(self.plain()?);
            let byte = self.byte();
            match byte {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.fault("a control character in a string")),
            }
        }
    }

    /// Up to the next byte that means something else. No such byte is part of a
    /// longer character, so each stretch is UTF-8 by itself.
    fn plain(&mut self) -> Read<&str> {
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
