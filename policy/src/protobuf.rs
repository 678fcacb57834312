//! The wire format of Protocol Buffers, for the few messages that a filter
//! exchanges with its host and with external authorizers.
//!
//! By hand, since code generated for a dozen fields is a tenth of a module.
//! <https://protobuf.dev/programming-guides/encoding/>

/// One value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'b> {
    /// Integers, booleans and enumerations.
    Varint(u64),
    /// A `double`, or an integer of eight bytes.
    Fixed64(u64),
    /// A `float`, or an integer of four bytes.
    Fixed32([u8; 4]),
    /// Texts, bytes and messages.
    Bytes(&'b [u8]),
}

impl<'b> Value<'b> {
    /// Bytes or a message; `None` if it is something else.
    pub fn bytes(self) -> Option<&'b [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A text; `None` if it is something else or not UTF-8.
    pub fn text(self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A boolean; `None` if it is something else.
    pub fn boolean(self) -> Option<bool> {
        match self {
            Self::Varint(value) => Some(value != 0),
            _ => None,
        }
    }

    /// An `int32`, of which only the low half counts; `None` if it is something else.
    pub fn int32(self) -> Option<i32> {
        match self {
            Self::Varint(value) => {
                let [a, b, c, d, ..] = value.to_le_bytes();
                Some(i32::from_le_bytes([a, b, c, d]))
            }
            _ => None,
        }
    }

    /// A `double`; `None` if it is something else.
    pub fn double(self) -> Option<f64> {
        match self {
            Self::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}

/// Calls `field` with the number and value of each field, in order.
///
/// `None` when the bytes are no message (groups, deprecated since 2008, count as
/// none), or when `field` returns `None`.
pub fn read<'b>(
    mut bytes: &'b [u8],
    field: &mut dyn FnMut(u64, Value<'b>) -> Option<()>,
) -> Option<()> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut bytes)?),
            1 => Value::Fixed64(u64::from_le_bytes(array(&mut bytes)?)),
            2 => {
                let Ok(size) = usize::try_from(varint(&mut bytes)?) else {
                    return None;
                };
                Value::Bytes(take(&mut bytes, size)?)
            }
            5 => Value::Fixed32(array(&mut bytes)?),
            _ => return None,
        };
        field(key >> 3, value)?;
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = array(bytes)?;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for a single bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*array)
}

fn take<'b>(bytes: &mut &'b [u8], size: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken)
}

/// A message being written. Fields that hold their default are left out, as
/// proto3 wants it.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// An empty message with memory for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds an integer or a boolean.
    pub fn varint(&mut self, field: u8, value: u64) {
        if value != 0 {
            self.push_varint(u64::from(field) << 3);
            self.push_varint(value);
        }
    }

    /// Adds a text or bytes.
    pub fn bytes(&mut self, field: u8, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.push_bytes(field, bytes);
        }
    }

    /// Adds a message, which counts as present even if it is empty.
    pub fn message(&mut self, field: u8, message: &Self) {
        self.push_bytes(field, &message.0);
    }

    /// The bytes of the message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn push_bytes(&mut self, field: u8, bytes: &[u8]) {
        self.push_varint(u64::from(field) << 3 | 2);
        self.push_varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn push_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn fields(bytes: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
        let mut fields = Vec::new();
        read(bytes, &mut |number, value| {
            fields.push((number, value));
            Some(())
        })?;
        Some(fields)
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut inner = Message::default();
        inner.bytes(1, b"x");
        let mut message = Message::default();
        for value in [1, 127, 128, 16_384, u64::MAX] {
            message.varint(20, value);
        }
        message.varint(3, 0);
        message.bytes(3, b"");
        message.message(4, &inner);
        message.message(5, &Message::default());
        let bytes = message.into_bytes();
        let expected = [
            (20, Value::Varint(1)),
            (20, Value::Varint(127)),
            (20, Value::Varint(128)),
            (20, Value::Varint(16_384)),
            (20, Value::Varint(u64::MAX)),
            (4, Value::Bytes(b"\x0a\x01x")),
            (5, Value::Bytes(b"")),
        ];
        assert_eq!(fields(&bytes).unwrap(), expected);
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        assert_eq!(fields(b"\x08\x96\x01").unwrap(), [(1, Value::Varint(150))]);
        let text = fields(b"\x12\x07testing").unwrap();
        assert_eq!(text, [(2, Value::Bytes(b"testing"))]);
        assert_eq!(text[0].1.text(), Some("testing"));
        let double = fields(b"\x09\0\0\0\0\0\0\xf8\x3f").unwrap();
        assert_eq!(double[0].1.double(), Some(1.5));
        assert_eq!(
            fields(b"\x0d\x01\0\0\0").unwrap(),
            [(1, Value::Fixed32([1, 0, 0, 0]))]
        );
        let minus_two = fields(b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01").unwrap();
        assert_eq!(minus_two[0].1.int32(), Some(-2));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let odd: [&[u8]; 6] = [
            b"\x08",
            b"\x12\x02a",
            b"\x09\0",
            b"\x0b\x0c",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00",
        ];
        for bytes in odd {
            assert_eq!(fields(bytes), None, "{bytes:?}");
        }
        assert_eq!(Value::Bytes(b"\xff").text(), None);
        assert_eq!(Value::Varint(1).bytes(), None);
        assert_eq!(Value::Bytes(b"").boolean(), None);
    }
}
