//! What a plain (unquoted) scalar means.
//!
//! The API server reads YAML through go-yaml v2, which still knows YAML 1.1's
//! words for booleans and its octal numbers: `version: on` is a boolean there,
//! and a resource must mean here what it means in the cluster.

use serde_json::{Number, Value};

const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const TRUES: [&str; 11] = [
    "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
];
const FALSES: [&str; 11] = [
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
];
const NOT_IN_JSON: [&str; 8] = [
    ".inf", ".Inf", ".INF", "+.inf", "-.inf", ".nan", ".NaN", ".NAN",
];

/// The value of a plain scalar, or `None` for an infinity or NaN, which JSON lacks.
pub fn resolve(text: &str) -> Option<Value> {
    if NULLS.contains(&text) {
        return Some(Value::Null);
    }
    if TRUES.contains(&text) {
        return Some(Value::Bool(true));
    }
    if FALSES.contains(&text) {
        return Some(Value::Bool(false));
    }
    if NOT_IN_JSON.contains(&text) {
        return None;
    }
    Some(number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number))
}

fn number(text: &str) -> Option<Number> {
    let starts_like_one =
        text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if !starts_like_one {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits))
}

fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = radix(digits);
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    // Not an integer is no fault: the scalar is then a float or a string.
    let Ok(magnitude) = i128::from_str_radix(digits, radix) else {
        return None;
    };
    Number::from_i128(if negative { -magnitude } else { magnitude })
}

/// Go's base prefixes, with YAML 1.1's bare leading zero for octal.
fn radix(digits: &str) -> (u32, &str) {
    let prefixes = [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)];
    for (prefix, radix) in prefixes {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return (radix, rest);
        }
    }
    match digits.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

fn float(text: &str) -> Option<Number> {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let plausible = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !has_digit || !plausible {
        return None;
    }
    let Ok(value) = text.parse() else { return None };
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_scalars_as_the_api_server_does() {
        let table = [
            ("", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("1", json!(1)),
            ("-1", json!(-1)),
            ("+7", json!(7)),
            ("010", json!(8)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.0/8", json!("10.0.0.0/8")),
            ("2026-11-21", json!("2026-11-21")),
            ("08", json!(8.0)),
            ("-", json!("-")),
            (".", json!(".")),
            ("v1", json!("v1")),
        ];
        for (text, expected) in table {
            assert_eq!(resolve(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn infinity_and_nan_have_no_json_form() {
        assert_eq!(resolve(".inf"), None);
        assert_eq!(resolve(".nan"), None);
    }
}
