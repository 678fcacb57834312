//! Durations as mesh configuration writes them: `5s`, `0.6s`, `500ms`, `1m30s`.

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::json::Node;

/// Nanoseconds of each unit, longest name first so that `ms` is not read as `m`.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// Reads a duration in whole milliseconds; less than one is refused, as Istio
/// does, and so is more than 24 days, which no 32-bit count of them holds.
pub fn milliseconds(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let text = node.string(diagnostics)?;
    let milliseconds = nanoseconds(text).map(|nanoseconds| nanoseconds / 1_000_000);
    let milliseconds = milliseconds
        .filter(|count| *count >= 1)
        .and_then(|count| i32::try_from(count).ok());
    if milliseconds.is_none() {
        node.error(
            DiagnosticCode::InvalidDuration,
            "a duration from 1ms to 596h, such as \"5s\"",
            diagnostics,
        );
    }
    milliseconds.map(i32::unsigned_abs)
}

fn nanoseconds(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !(character.is_ascii_digit() || character == '.'))?;
        let (number, after) = rest.split_at_checked(end)?;
        let (unit, size) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(scale(number, *size)?)?;
        rest = after.strip_prefix(unit)?;
    }
    Some(total)
}

/// `number` times `size`, exact to the nanosecond.
fn scale(number: &str, size: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(size)?;
    let mut digit_size = size;
    for digit in fraction.chars() {
        digit_size /= 10;
        total = total.checked_add(u64::from(digit.to_digit(10)?).checked_mul(digit_size)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_forms_of_go_and_protobuf_are_read() {
        let milliseconds = |text| nanoseconds(text).map(|nanoseconds| nanoseconds / 1_000_000);
        assert_eq!(milliseconds("5s"), Some(5_000));
        assert_eq!(milliseconds("0.6s"), Some(600));
        assert_eq!(milliseconds(".5s"), Some(500));
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("1m30s"), Some(90_000));
        assert_eq!(milliseconds("1h"), Some(3_600_000));
        assert_eq!(nanoseconds("1us2ns"), Some(1_002));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1 s",
            "1.2.3s",
            ".s",
            "5x",
            "99999999999999999999s",
            "99999999999h",
        ] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
