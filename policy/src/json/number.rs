//! Numbers of JSON: RFC 8259 section 6.

use serde_json::Number;

use super::parse::{Read, Reader};

/// No document has so many digits that a larger exponent would say more.
const MAX_EXPONENT: i32 = i32::MAX;

impl Reader<'_, '_> {
    /// Reads a number. Whole ones are exact up to 64 bits. No setting takes any
    /// other: those are only shown to who wrote them, so the last of their digits
    /// may be off, and the tables for getting it right stay out of the module.
    pub(super) fn number(&mut self) -> Read<Number> {
        let is_negative = self.has(b"-");
        let mut digits = Digits::default();
        if !self.has(b"0") {
            self.digits(&mut digits)?;
        }
        let is_whole = !matches!(self.byte(), Some(b'.' | b'e' | b'E'));
        if let (true, Some(whole)) = (is_whole, digits.whole)
            && let Some(number) = signed(is_negative, whole)
        {
            return Ok(number);
        }
        if self.has(b".") {
            let before = digits.count;
            self.digits(&mut digits)?;
            digits.exponent = before.saturating_sub(digits.count);
        }
        if self.has(b"eE") {
            digits.exponent = digits.exponent.saturating_add(self.exponent()?);
        }
        let magnitude = digits.magnitude();
        let number = if is_negative { -magnitude } else { magnitude };
        Number::from_f64(number).ok_or_else(|| self.fault("a number out of range"))
    }

    fn has(&mut self, any: &[u8]) -> bool {
        let is_there = self.byte().is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(is_there);
        is_there
    }

    /// Reads at least one digit.
    fn digits(&mut self, digits: &mut Digits) -> Read<()> {
        let start = self.at;
        while let Some(byte @ b'0'..=b'9') = self.byte() {
            digits.push(byte - b'0');
            self.at += 1;
        }
        if self.at == start {
            return Err(self.fault("a number without digits"));
        }
        Ok(())
    }

    fn exponent(&mut self) -> Read<i32> {
        let is_negative = self.has(b"+-") && self.bytes.get(self.at - 1) == Some(&b'-');
        let mut digits = Digits::default();
        self.digits(&mut digits)?;
        let size = digits.whole.and_then(|size| i32::try_from(size).ok());
        let size = size.unwrap_or(MAX_EXPONENT);
        Ok(if is_negative { -size } else { size })
    }
}

fn signed(is_negative: bool, whole: u64) -> Option<Number> {
    if is_negative {
        0_i64.checked_sub_unsigned(whole).map(Number::from)
    } else {
        Some(whole.into())
    }
}

/// Digits so far.
struct Digits {
    /// All of them, while they fit.
    whole: Option<u64>,
    /// All of them, about.
    about: f64,
    count: i32,
    /// Power of ten that they are multiplied with.
    exponent: i32,
}

impl Default for Digits {
    fn default() -> Self {
        Self {
            whole: Some(0),
            about: 0.0,
            count: 0,
            exponent: 0,
        }
    }
}

/// The largest number of 64 bits without its last digit, and that. To compare with them
/// takes less than multiplying with care, which is a function in WebAssembly.
const MOST_TENS: u64 = u64::MAX / 10;
const MOST_ONES: u8 = 5;

impl Digits {
    fn push(&mut self, digit: u8) {
        let has_room =
            |whole: &u64| *whole < MOST_TENS || (*whole == MOST_TENS && digit <= MOST_ONES);
        let whole = self.whole.filter(has_room);
        self.whole = whole.map(|whole| whole.wrapping_mul(10).wrapping_add(digit.into()));
        self.about = self.about * 10.0 + f64::from(digit);
        self.count = self.count.saturating_add(1);
    }

    fn magnitude(&self) -> f64 {
        // Powers up to 22 are exact, so that the usual decimals are, too.
        let mut power = 1.0_f64;
        for _ in 0..self.exponent.unsigned_abs().min(400) {
            power *= 10.0;
        }
        if self.about == 0.0 {
            0.0
        } else if self.exponent < 0 {
            self.about / power
        } else {
            self.about * power
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Diagnostics;
    use crate::json::parse;
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(text: &str) -> Option<Value> {
        parse(text.as_bytes(), &mut Diagnostics::new())
    }

    #[test]
    fn whole_numbers_are_exact_up_to_64_bits() {
        for number in [0, 9, 10, u64::MAX - 1, u64::MAX] {
            assert_eq!(read(&number.to_string()), Some(json!(number)));
        }
        for number in [-1, -10, i64::MIN + 1, i64::MIN] {
            assert_eq!(read(&number.to_string()), Some(json!(number)));
        }
        for (text, about) in [
            ("18446744073709551616", 2.0_f64.powi(64)),
            ("-9223372036854775809", -(2.0_f64.powi(63))),
        ] {
            let number = read(text).unwrap().as_f64().unwrap();
            assert!((number / about - 1.0).abs() < 1e-14, "{text}: {number}");
        }
    }

    #[test]
    fn points_and_exponents_count() {
        let table = [
            ("0.0", 0.0),
            ("1.5", 1.5),
            ("-1.25", -1.25),
            ("10.01", 10.01),
            ("0.001", 0.001),
            ("1e2", 100.0),
            ("1E2", 100.0),
            ("1e+2", 100.0),
            ("12e-1", 1.2),
            ("1.5e3", 1500.0),
            ("-0.5e1", -5.0),
            ("0e0", 0.0),
            ("1e022", 1e22),
        ];
        for (text, number) in table {
            assert_eq!(read(text), Some(json!(number)), "{text}");
        }
    }

    #[test]
    fn numbers_too_large_are_refused_and_numbers_too_small_are_0() {
        for text in ["1e400", "-1e400", "1e9999", "1e99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["0e400", "1e-400", "0e-9999", "1e-99999999999999999999"] {
            assert_eq!(read(text), Some(json!(0.0)), "{text}");
        }
        let many = format!("0.{}1", "0".repeat(500));
        assert_eq!(read(&many), Some(json!(0.0)));
        let balanced = format!("{many}e501");
        assert_eq!(read(&balanced), Some(json!(1.0)));
        let balanced = format!("0.{}1e20001", "0".repeat(20_000));
        assert_eq!(read(&balanced), Some(json!(1.0)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "-", "--1", "+1", ".5", "1.", "1.e1", "-.5", "1e", "1e+", "1e-", "1ee1", "1e1.5",
            "1.2.3", "00", "01", "-01", "0x1", "1_0", "1 0", "Infinity", "NaN",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
