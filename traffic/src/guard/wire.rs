//! Numbers in as few bytes as they need: seven bits a byte, the lowest first.

/// Bytes being written.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// Writes a number.
    pub(super) fn number(&mut self, number: u64) {
        let mut rest = number;
        loop {
            let low = u8::try_from(rest & 0x7f).unwrap_or_default();
            rest >>= 7;
            if rest == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }
}

/// Bytes being read.
#[derive(Debug)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl Reader<'_> {
    /// Reads a number; `None` for one that is cut off, does not fit, or could be shorter.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let low = u64::from(byte & 0x7f);
            if low << shift >> shift != low {
                return None;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return (low > 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    /// Reads a number of 32 bits.
    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_number_is_read_as_it_was_written() {
        let table: [(u64, usize); 8] = [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (u64::from(u32::MAX), 5),
            (u64::MAX >> 1, 9),
            (u64::MAX, 10),
        ];
        for (number, bytes) in table {
            let mut out = Writer::default();
            out.number(number);
            assert_eq!(out.0.len(), bytes, "{number}");
            let mut input = Reader(&out.0);
            assert_eq!(input.number(), Some(number));
            assert!(input.0.is_empty());
            assert_eq!(Reader(&out.0[..bytes - 1]).number(), None, "cut off");
        }
    }

    #[test]
    fn a_number_has_one_form() {
        let table: [&[u8]; 4] = [
            &[0x80, 0],
            &[0xff, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[0x80; 11],
        ];
        for bytes in table {
            assert_eq!(Reader(bytes).number(), None, "{bytes:?}");
        }
        assert_eq!(Reader(&[0x80, 0x80, 0x80, 0x80, 0x10]).small(), None);
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0x0f]).small(),
            Some(u32::MAX)
        );
    }
}
