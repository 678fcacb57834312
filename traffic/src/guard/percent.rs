//! Percentages as plain numbers: `5`, `0.5`, `99.99`.

use std::ops::RangeInclusive;

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// Millionths in one percent.
const PERCENT: u32 = 10_000;

/// Reads a percentage in millionths; a finer one is rounded. The range is in millionths.
pub(super) fn read(
    node: &Node<'_>,
    range: RangeInclusive<u32>,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let Some(percent) = node.value().as_f64() else {
        node.error(
            DiagnosticCode::WrongType,
            "a number in percent",
            diagnostics,
        );
        return None;
    };
    let millionths = millionths(percent).filter(|millionths| range.contains(millionths));
    if millionths.is_none() {
        let (from, to) = (in_percent(*range.start()), in_percent(*range.end()));
        let expected = format!("a number in percent, from {from} to {to}");
        node.error(DiagnosticCode::OutOfRange, expected, diagnostics);
    }
    millionths
}

/// The nearest whole number of millionths.
fn millionths(percent: f64) -> Option<u32> {
    let rounded = (percent * f64::from(PERCENT)).round();
    if !(0.0..=f64::from(u32::MAX)).contains(&rounded) || (percent < 0.0) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within the range"
    )]
    Some(rounded as u32)
}

/// Millionths as a number in percent, without the zeros that say nothing.
pub(super) fn in_percent(millionths: u32) -> String {
    let (whole, fraction) = (millionths / PERCENT, millionths % PERCENT);
    if fraction == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{fraction:04}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn found(value: &Value) -> Result<u32, String> {
        let mut diagnostics = Diagnostics::new();
        let node = Node::new(value, "here");
        read(&node, 100..=1_000_000, &mut diagnostics).ok_or_else(|| diagnostics.to_string())
    }

    #[test]
    fn numbers_are_read_to_the_millionth() {
        let table = [
            (json!(1), 10_000),
            (json!(0.01), 100),
            (json!(99.99), 999_900),
            (json!(33.333_33), 333_333),
            (json!(0.029), 290),
            (json!(100.000_01), 1_000_000),
        ];
        for (value, millionths) in table {
            assert_eq!(found(&value), Ok(millionths), "{value}");
        }
    }

    #[test]
    fn nothing_is_rounded_to_what_may_be() {
        for percent in [-0.000_01, -1.0, 1e30, f64::INFINITY, f64::NAN] {
            assert_eq!(millionths(percent), None, "{percent}");
        }
        assert_eq!(millionths(0.000_01), Some(0));
    }

    #[test]
    fn others_are_refused() {
        let range = "expected a number in percent, from 0.01 to 100 [out-of-range]";
        for value in [json!(0), json!(0.009), json!(100.1), json!(-1), json!(1e30)] {
            let finding = found(&value).unwrap_err();
            assert!(finding.ends_with(range), "{finding}");
        }
        let finding = found(&json!("5%")).unwrap_err();
        let expected = "here: found \"5%\", expected a number in percent [wrong-type]";
        assert_eq!(finding, expected);
    }

    #[test]
    fn millionths_are_shown_in_percent() {
        let table = [
            (0, "0"),
            (1, "0.0001"),
            (10_000, "1"),
            (15_000, "1.5"),
            (999_900, "99.99"),
            (1_000_000, "100"),
        ];
        for (millionths, text) in table {
            assert_eq!(in_percent(millionths), text);
        }
    }
}
