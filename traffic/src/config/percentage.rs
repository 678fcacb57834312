//! Shares of requests.

use serde_json::Value;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// What a whole is in the units of [`read`].
pub const MILLION: u32 = 1_000_000;

/// One percent, in millionths.
const PERCENT: f64 = 10_000.0;

/// Reads a `Percent`, `{value: 0.1}`, in millionths. Istio cuts what is finer, and
/// refuses what would become nothing so.
pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let mut object = node.object(diagnostics)?;
    let value = object.take("value");
    object.finish(diagnostics);
    value.map_or(Some(0), |value| read_value(&value, diagnostics))
}

/// Reads a plain number of percent, in millionths.
fn read_value(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let expected = "0, or a number from 0.0001 to 100";
    let Value::Number(number) = node.value() else {
        node.error(DiagnosticCode::WrongType, expected, diagnostics);
        return None;
    };
    let percent = number.as_f64().filter(|percent| {
        let is_within = (0.0001..=100.0).contains(percent);
        is_within || *percent == 0.0
    });
    let Some(percent) = percent else {
        node.error(DiagnosticCode::OutOfRange, expected, diagnostics);
        return None;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to a million, and cut as Istio cuts it"
    )]
    Some((percent * PERCENT) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn millionths(value: &Value) -> Option<u32> {
        read(&Node::new(value, "percentage"), &mut Diagnostics::new())
    }

    #[test]
    fn percentages_are_cut_to_millionths() {
        let table = [
            (json!({"value": 100}), Some(MILLION)),
            (json!({"value": 0.0001}), Some(1)),
            (json!({"value": 0.00019}), Some(1)),
            (json!({"value": 12.5}), Some(125_000)),
            (json!({"value": 0}), Some(0)),
            (json!({}), Some(0)),
            (json!({"value": 0.00009}), None),
            (json!({"value": 100.1}), None),
            (json!({"value": -1}), None),
            (json!({"value": "5"}), None),
            (json!({"percent": 5}), Some(0)),
        ];
        for (value, expected) in table {
            assert_eq!(millionths(&value), expected, "{value}");
        }
    }
}
