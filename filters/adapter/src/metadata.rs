//! Decodes the property `metadata`: a serialised `envoy.config.core.v3.Metadata`.
//!
//! Reading single keys would lose their types: `true`, `1` and `"\u{1}"` all
//! arrive as bytes then, and a claim must only match when it is a string. The
//! whole message keeps them, and costs one host call however many claims count.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

/// The part of `envoy.config.core.v3.Metadata` that policies can name; field 2,
/// `typed_filter_metadata`, is passed over.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(btree_map = "string, message", tag = "1")]
    filter_metadata: BTreeMap<String, prost_types::Struct>,
}

/// Metadata by filter namespace; `None` when the bytes are no such message.
pub(crate) fn decode(bytes: &[u8]) -> Option<Map<String, Value>> {
    let metadata = Metadata::decode(bytes).ok()?;
    Some(
        metadata
            .filter_metadata
            .into_iter()
            .map(|(name, fields)| (name, object(fields)))
            .collect(),
    )
}

fn object(fields: prost_types::Struct) -> Value {
    Value::Object(
        fields
            .fields
            .into_iter()
            .map(|(name, field)| (name, value(field)))
            .collect(),
    )
}

fn value(field: prost_types::Value) -> Value {
    match field.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(boolean)) => Value::Bool(boolean),
        Some(Kind::NumberValue(number)) => {
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::StructValue(fields)) => object(fields),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(value).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use serde_json::json;

    /// `Metadata` with one namespace, written by hand after the wire format:
    /// `filter_metadata { key: "n" value { fields { key: "k" value { V } } } }`.
    fn metadata(value: &[u8]) -> Vec<u8> {
        let nest =
            |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let field = [nest(0x0a, b"k"), nest(0x12, value)].concat();
        let entry = [nest(0x0a, b"n"), nest(0x12, &nest(0x0a, &field))].concat();
        nest(0x0a, &entry)
    }

    #[test]
    fn a_string_and_a_boolean_keep_their_types() {
        let text = decode(&metadata(&[0x1a, 1, b'x'])).unwrap();
        assert_eq!(text["n"], json!({"k": "x"}));
        let boolean = decode(&metadata(&[0x20, 1])).unwrap();
        assert_eq!(boolean["n"], json!({"k": true}));
    }

    #[test]
    fn no_bytes_are_no_metadata_and_rubbish_is_unknown() {
        assert_eq!(decode(&[]).unwrap().len(), 0);
        assert_eq!(decode(&[0x0a, 0xff]), None);
    }
}
