//! As much of the protobuf wire format as Envoy's own messages need here
//! (<https://protobuf.dev/programming-guides/encoding/>): writing metadata and
//! node messages, reading the arguments of foreign functions.

use crate::value::Value;

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// One field as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Splits a message into field numbers and contents; `None` where it is
/// malformed.
pub(crate) fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, rest) = take_varint(message)?;
        let (field, rest) = take_field(key & 7, rest)?;
        if key >> 3 == 0 {
            return None;
        }
        fields.push((key >> 3, field));
        message = rest;
    }
    Some(fields)
}

fn take_field(wire_type: u64, bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    match wire_type {
        VARINT => take_varint(bytes).map(|(number, rest)| (Field::Number(number), rest)),
        FIXED64 => bytes
            .split_first_chunk()
            .map(|(word, rest)| (Field::Number(u64::from_le_bytes(*word)), rest)),
        LENGTH => {
            let (len, rest) = take_varint(bytes)?;
            let (content, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
            Some((Field::Bytes(content), rest))
        }
        FIXED32 => bytes
            .split_first_chunk()
            .map(|(word, rest)| (Field::Number(u32::from_le_bytes(*word).into()), rest)),
        _ => None,
    }
}

fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Writes a length-delimited field; empty strings and bytes included.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a varint field.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u64, number: u64) {
    put_varint(out, field << 3 | VARINT);
    put_varint(out, number);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// `google.protobuf.Struct`: a map of names to values.
pub(crate) fn structure(entries: &[(String, Value)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in entries {
        put_bytes(&mut out, 1, &entry(name, &any_value(value)));
    }
    out
}

/// One entry of a protobuf map with string keys and message values.
pub(crate) fn entry(name: &str, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 1, name.as_bytes());
    put_bytes(&mut out, 2, message);
    out
}

/// `google.protobuf.Value`. Every number is a double there.
fn any_value(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::Absent => put_number(&mut out, 1, 0),
        Value::Bytes(text) => put_bytes(&mut out, 3, text),
        Value::Bool(truth) => put_number(&mut out, 4, u64::from(*truth)),
        Value::Map(entries) => put_bytes(&mut out, 5, &structure(entries)),
        Value::List(items) => put_bytes(&mut out, 6, &list(items)),
        Value::Double(number) => put_double(&mut out, *number),
        Value::Int(number) | Value::Timestamp(number) | Value::Duration(number) => {
            put_double(&mut out, lossy_double(*number));
        }
        Value::Uint(number) => put_double(&mut out, lossy_double(number.cast_signed())),
    }
    out
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a protobuf Value has no integers, only doubles"
)]
fn lossy_double(number: i64) -> f64 {
    number as f64
}

fn put_double(out: &mut Vec<u8>, number: f64) {
    put_varint(out, 2 << 3 | FIXED64);
    out.extend_from_slice(&number.to_le_bytes());
}

fn list(items: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        put_bytes(&mut out, 1, &any_value(item));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 300);
        put_bytes(&mut message, 2, b"text");
        assert_eq!(
            fields(&message).unwrap(),
            [(1, Field::Number(300)), (2, Field::Bytes(b"text"))]
        );
    }

    #[test]
    fn malformed_messages_are_refused() {
        for bytes in [
            &b"\x0a\x05ab"[..],
            b"\x08",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x0b",
            b"\x00\x00",
        ] {
            assert_eq!(fields(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_structure_is_googles() {
        // {"a": "b"} as protoc writes it.
        let bytes = structure(&[("a".to_owned(), Value::from("b"))]);
        assert_eq!(bytes, b"\x0a\x08\x0a\x01a\x12\x03\x1a\x01b");
    }
}
