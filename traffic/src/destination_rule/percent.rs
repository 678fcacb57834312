//! Percentages with fractions, as whole numbers.

use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// Millionths in one percent.
const MILLIONTHS: f64 = 10_000.0;

/// Reads a percentage from 0 to 100 as millionths of the whole, rounded to the nearest.
pub(super) fn millionths(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    const EXPECTED: &str = "a percentage from 0 to 100";
    let Some(percent) = node.value().as_f64() else {
        node.error(DiagnosticCode::WrongType, EXPECTED, diagnostics);
        return None;
    };
    if !(0.0..=100.0).contains(&percent) {
        node.error(DiagnosticCode::OutOfRange, EXPECTED, diagnostics);
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is from 0 to a million, and the fraction is to go"
    )]
    let millionths = (percent * MILLIONTHS + 0.5) as u32;
    Some(millionths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(value: &Value) -> Option<u32> {
        let mut diagnostics = Diagnostics::new();
        let read = millionths(&Node::new(value, "percent"), &mut diagnostics);
        assert_eq!(read.is_none(), diagnostics.has_errors(), "{value}");
        read
    }

    #[test]
    fn fractions_of_a_percent_are_kept() {
        let table = [
            (json!(20), 200_000),
            (json!(0), 0),
            (json!(100), 1_000_000),
            (json!(12.5), 125_000),
            (json!(0.29), 2_900),
            (json!(0.0001), 1),
        ];
        for (percent, millionths) in table {
            assert_eq!(read(&percent), Some(millionths), "{percent}");
        }
        for wrong in [json!(-0.1), json!(100.1), json!("20"), json!(null)] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
