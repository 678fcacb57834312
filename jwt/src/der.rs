//! The little of ASN.1's distinguished encoding that keys and signatures need:
//! lengths up to 64 KiB, no tag above 30.

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;

/// One element of that tag.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    push_length(&mut element, content.len());
    element.extend_from_slice(content);
    element
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    let [.., high, low] = length.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => out.push(low),
        (0, _) => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
}

/// An `INTEGER` that is not negative.
pub fn integer(big_endian: &[u8]) -> Vec<u8> {
    let digits = without_leading_zeros(big_endian);
    let mut content = Vec::new();
    // A high bit would be the sign; nothing at all would be no number.
    if digits.first().is_none_or(|byte| *byte >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(digits);
    element(INTEGER, &content)
}

/// A number's bytes from the first that counts.
pub fn without_leading_zeros(big_endian: &[u8]) -> &[u8] {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    big_endian.get(zeros..).unwrap_or_default()
}

/// A signature as `ECDSA-Sig-Value` (RFC 3279 section 2.2.3), which hosts take, from
/// the two numbers one after the other (RFC 7518 section 3.4).
pub fn ecdsa_signature(numbers: &[u8]) -> Vec<u8> {
    let (r, s) = numbers.split_at(numbers.len() / 2);
    let content = [integer(r), integer(s)].concat();
    element(SEQUENCE, &content)
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// A reader at the start of these bytes.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of the next element.
    pub fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, which must have that tag.
    pub fn read(&mut self, tag: u8) -> Option<&'b [u8]> {
        self.next(tag).map(|(_, content)| content)
    }

    /// The next element, which must have that tag: all of it, and its content.
    pub fn next(&mut self, tag: u8) -> Option<(&'b [u8], &'b [u8])> {
        let (found, rest) = self.0.split_first()?;
        if *found != tag {
            return None;
        }
        let (length, rest) = read_length(rest)?;
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some((whole, content))
    }
}

/// A length, in the shortest of its forms.
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest, least) = match first {
        0..=0x7f => (usize::from(*first), rest, 0),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest, 0x80)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest, 0x100)
        }
        _ => return None,
    };
    (length >= least).then_some((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_have_no_more_bytes_than_they_need() {
        let table: [(&[u8], &[u8]); 7] = [
            (&[], &[2, 1, 0]),
            (&[0], &[2, 1, 0]),
            (&[0, 0, 1], &[2, 1, 1]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0x80, 0], &[2, 3, 0, 0x80, 0]),
            (&[1, 0, 1], &[2, 3, 1, 0, 1]),
        ];
        for (number, expected) in table {
            assert_eq!(integer(number), expected, "{number:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535] {
            let content = vec![7; length];
            let whole = element(SEQUENCE, &content);
            let two = [whole.as_slice(), &[INTEGER, 0]].concat();
            let mut reader = Reader::new(&two);
            assert_eq!(reader.peek(), Some(SEQUENCE));
            assert_eq!(
                reader.next(SEQUENCE),
                Some((whole.as_slice(), content.as_slice()))
            );
            assert_eq!(reader.read(INTEGER), Some([].as_slice()));
            assert_eq!(reader.peek(), None);
            assert_eq!(reader.read(INTEGER), None);
        }
    }

    #[test]
    fn what_is_cut_or_not_the_shortest_form_is_not_read() {
        let odd: [&[u8]; 11] = [
            b"",
            b"\x30",
            b"\x30\x01",
            b"\x30\x80",
            b"\x30\x81",
            b"\x30\x81\x01a",
            b"\x30\x82\x01",
            b"\x30\x82\x00\x01a",
            b"\x30\x83\x00\x00\x01a",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x02\x01a",
        ];
        for bytes in odd {
            assert_eq!(Reader::new(bytes).read(SEQUENCE), None, "{bytes:?}");
        }
    }

    #[test]
    fn the_numbers_of_a_signature_are_apart() {
        assert_eq!(
            ecdsa_signature(&[0, 1, 0x80, 0]),
            [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]
        );
    }
}
