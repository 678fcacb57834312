//! Numbers as C's `%f` writes them: six digits behind the point, rounded from the exact
//! value of the double.
//!
//! By hand, with whole numbers: what the standard library needs for any precision is
//! 15 KB of a module.

/// Digits behind the point, as a power of ten.
const MILLION: u128 = 1_000_000;

/// Bits of a double's fraction, and what its exponent is counted from.
const FRACTION_BITS: u32 = 52;
const BIAS: i32 = 1023 + 52;

/// A finite number with six digits behind the point.
pub(crate) fn six_digits(number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (mantissa, exponent) = parts(number);
    let (whole, millionths) = match u32::try_from(exponent) {
        Ok(shift) => (shifted(mantissa, shift), 0),
        Err(_) => rounded(mantissa, exponent.unsigned_abs()),
    };
    // A 1 before the digits keeps their leading zeros.
    let digits = (1_000_000 + millionths).to_string();
    let digits = digits.strip_prefix('1').unwrap_or_default();
    [sign, &whole, ".", digits].concat()
}

/// The number without its sign is the first times two to the power of the second.
fn parts(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = (bits >> FRACTION_BITS & 0x7ff).try_into().unwrap_or(0);
    match exponent {
        0 => (fraction, 1 - BIAS),
        _ => (fraction | 1 << FRACTION_BITS, exponent - BIAS),
    }
}

/// `mantissa` / 2^`shift`: the whole part, and millionths, to the nearest, halves to
/// the even one.
fn rounded(mantissa: u64, shift: u32) -> (String, u64) {
    // Less than half of a millionth: 2^53 millions are less than 2^73.
    if shift > 74 {
        return ("0".to_owned(), 0);
    }
    let scaled = u128::from(mantissa) * MILLION;
    let (mut quotient, rest) = (scaled >> shift, scaled & ((1 << shift) - 1));
    let half = 1_u128 << (shift - 1);
    if rest > half || (rest == half && quotient & 1 == 1) {
        quotient += 1;
    }
    let part = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    (
        part(quotient / MILLION).to_string(),
        part(quotient % MILLION),
    )
}

/// `mantissa` × 2^`shift` in decimal digits.
fn shifted(mantissa: u64, shift: u32) -> String {
    // Digits, the least first.
    let mut digits: Vec<u8> = mantissa
        .to_string()
        .bytes()
        .rev()
        .map(|digit| digit - b'0')
        .collect();
    for _ in 0..shift {
        let mut carry = 0;
        for digit in &mut digits {
            let doubled = *digit * 2 + carry;
            (*digit, carry) = (doubled % 10, doubled / 10);
        }
        if carry > 0 {
            digits.push(carry);
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::six_digits;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The standard library rounds as C does.
    fn check(number: f64) {
        assert_eq!(six_digits(number), format!("{number:.6}"), "{number:e}");
    }

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for number in [
            0.0,
            -0.0,
            1.0,
            -3.0,
            1.5,
            0.1,
            0.5,
            1e-6,
            5e-7,
            4.999_999e-7,
            5.000_001e-7,
            1e-7,
            2.000_000_5,
            0.000_000_5,
            0.000_001_5,
            0.000_002_5,
            999_999.999_999_9,
            1e21,
            1e22,
            1e23,
            1e300,
            18_446_744_073_709_551_616.0,
            9_007_199_254_740_993.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            f64::EPSILON,
            // Exactly between two millionths.
            0.000_030_517_578_125,
            7.629_394_531_25e-6,
            2_f64.powi(-7),
            3.0 * 2_f64.powi(-7),
            2_f64.powi(-20),
        ] {
            check(number);
            check(-number);
        }
    }

    #[test]
    fn numbers_of_all_magnitudes_are_right() {
        // A walk through bit patterns.
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..1_000 {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                check(number);
            }
            check(f64::from_bits((bits >> 12) | 0x3ff0_0000_0000_0000) / 3e3);
        }
    }
}
