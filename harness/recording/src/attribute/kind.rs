//! Which attributes Envoy has, and the type of each.

use super::form::{self, Form};
use crate::{AttributeValue, Timestamp};

/// The type that Envoy gives an attribute, and its form in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeKind {
    /// A string, or `{"base64":"…"}` where it is not UTF-8.
    Text,
    /// `true` or `false`.
    Bool,
    /// A signed integer.
    Int,
    /// An integer that is not negative.
    Uint,
    /// An RFC 3339 string.
    Timestamp,
    /// Seconds as a string with the unit: `"0.25s"`.
    Duration,
    /// An object of strings.
    Map,
    /// Metadata, filter state and what plugins set themselves: any JSON.
    Any,
}

impl AttributeKind {
    /// The kind of an attribute, or nothing for a name that Envoy cannot have.
    pub fn of(name: &str) -> Option<Self> {
        Form::of(name).map(Form::kind)
    }

    /// Every name with a fixed kind, in byte order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        form::names()
    }

    /// Whether a value has this kind. `null` always has.
    pub fn accepts(self, value: &AttributeValue<'_>) -> bool {
        use AttributeValue as Value;
        match (self, value) {
            (_, Value::Absent) | (Self::Any, _) => true,
            (Self::Text, Value::Text(_) | Value::Bytes(_)) => true,
            (Self::Bool, Value::Bool(_)) | (Self::Int, Value::Int(_)) => true,
            (Self::Uint, Value::Int(value)) => *value >= 0,
            (Self::Uint, Value::Uint(_)) | (Self::Map, Value::Map(_)) => true,
            (Self::Timestamp, Value::Text(text)) => text.parse::<Timestamp>().is_ok(),
            (Self::Duration, Value::Text(text)) => parse_duration_nanos(text).is_some(),
            _ => false,
        }
    }

    /// What an error message says was expected.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string, {\"base64\": string} or null",
            Self::Bool => "true, false or null",
            Self::Int => "an integer or null",
            Self::Uint => "an integer of 0 or more, or null",
            Self::Timestamp => "an RFC 3339 time or null",
            Self::Duration => "seconds such as \"0.25s\", or null",
            Self::Map => "an object or null",
            Self::Any => "any JSON value",
        }
    }
}

/// Nanoseconds of protobuf's JSON form of a duration: `-?digits[.1-9 digits]s`.
pub(super) fn parse_duration_nanos(text: &str) -> Option<i64> {
    let number = text.strip_suffix('s')?;
    let (sign, number) = number
        .strip_prefix('-')
        .map_or((1, number), |rest| (-1, rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)?
        .checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_root_has_no_other_names() {
        assert_eq!(
            AttributeKind::of("connection.mtls"),
            Some(AttributeKind::Bool)
        );
        assert_eq!(AttributeKind::of("connection.mtsl"), None);
        assert_eq!(AttributeKind::of("request"), None);
        assert_eq!(AttributeKind::of(""), None);
        assert_eq!(
            AttributeKind::of("filter_state.io.istio.peer_principal"),
            Some(AttributeKind::Any)
        );
    }

    #[test]
    fn durations_have_a_unit_and_at_most_nine_decimals() {
        let cases = [
            ("0.25s", Some(250_000_000)),
            ("-1.5s", Some(-1_500_000_000)),
            ("3s", Some(3_000_000_000)),
            ("3", None),
            ("3ms", None),
            (".5s", None),
            ("1.s", None),
            ("1.0123456789s", None),
            ("99999999999s", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_duration_nanos(text), nanos, "{text}");
        }
    }
}
