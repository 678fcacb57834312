//! How a value of an attribute looks on the wire.

use crate::pairs;
use crate::status::Status;
use crate::value::Value;

/// Writes `value` as Envoy does. Nothing inside may be null: Envoy has no
/// encoding for that.
pub(super) fn encode(value: &Value, out: &mut Vec<u8>) -> Result<(), Status> {
    match value {
        Value::Absent => return Err(Status::SerializationFailure),
        Value::Bool(truth) => out.push(u8::from(*truth)),
        Value::Int(number) | Value::Timestamp(number) | Value::Duration(number) => {
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Uint(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Double(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::List(items) => {
            let items = encode_all(items.iter())?;
            pairs::encode(items.iter().map(|item| (item.as_slice(), &b""[..])), out);
        }
        Value::Map(entries) => {
            let values = encode_all(entries.iter().map(|(_, value)| value))?;
            let names = entries.iter().map(|(name, _)| name.as_bytes());
            pairs::encode(names.zip(values.iter().map(Vec::as_slice)), out);
        }
    }
    Ok(())
}

fn encode_all<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Vec<Vec<u8>>, Status> {
    values
        .map(|value| {
            let mut out = Vec::new();
            encode(value, &mut out).map(|()| out)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: &Value) -> Result<Vec<u8>, Status> {
        let mut out = Vec::new();
        encode(value, &mut out).map(|()| out)
    }

    #[test]
    fn scalars_are_little_endian() {
        assert_eq!(encoded(&Value::Bool(true)), Ok(vec![1]));
        assert_eq!(
            encoded(&Value::Int(-2)),
            Ok((-2_i64).to_le_bytes().to_vec())
        );
        assert_eq!(encoded(&Value::Uint(2)), Ok(vec![2, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(
            encoded(&Value::Double(1.0)),
            Ok(1.0_f64.to_le_bytes().to_vec())
        );
        assert_eq!(encoded(&Value::from("x")), Ok(b"x".to_vec()));
    }

    #[test]
    fn a_list_is_pairs_without_values() {
        let list = Value::List(vec![Value::from("a")]);
        assert_eq!(
            encoded(&list),
            Ok(b"\x01\0\0\0\x01\0\0\0\0\0\0\0a\0\0".to_vec())
        );
        assert_eq!(encoded(&Value::Map(Vec::new())), Ok(vec![0; 4]));
    }

    #[test]
    fn a_null_inside_has_no_encoding() {
        let map = Value::Map(vec![("k".to_owned(), Value::Absent)]);
        assert_eq!(encoded(&map), Err(Status::SerializationFailure));
    }
}
