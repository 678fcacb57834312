//! FNV-1a with 64 bits (Fowler, Noll and Vo): the same for ever and everywhere, without a
//! seed. It keeps nobody from making two texts with one hash, so nothing that a client
//! sends may go into a table by it.

/// The hash of nothing, from which all others start.
pub const START: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of one byte more.
#[must_use]
#[inline]
pub const fn feed(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The hash of all `bytes` more.
#[must_use]
#[inline]
pub fn extend(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().copied().fold(hash, feed)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn published_hashes_come_out() {
        let table = [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ];
        for (text, expected) in table {
            assert_eq!(extend(START, text.as_bytes()), expected, "{text}");
        }
    }
}
