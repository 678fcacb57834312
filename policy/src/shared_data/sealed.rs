//! Records that show whether they are whole.

use crate::fnv;

/// The bytes of a record: `magic`, which says what it is and in which version of its form,
/// a checksum of `rest`, and `rest`.
///
/// That is against accidents. Nothing protects from a plugin that may write here.
#[must_use]
pub fn seal(magic: &[u8], rest: &[u8]) -> Vec<u8> {
    [magic, &checksum(rest), rest].concat()
}

/// What was sealed; `None` if any byte of it was changed, cut off or added.
#[must_use]
pub fn unseal<'b>(magic: &[u8], bytes: &'b [u8]) -> Option<&'b [u8]> {
    let (sum, rest) = bytes.strip_prefix(magic)?.split_first_chunk()?;
    (*sum == checksum(rest)).then_some(rest)
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    fnv::extend(fnv::START, bytes).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const MAGIC: &[u8] = b"sluice.test\x01";

    #[test]
    fn what_was_sealed_comes_out() {
        for rest in [b"".as_slice(), b"a", &[0; 300]] {
            assert_eq!(unseal(MAGIC, &seal(MAGIC, rest)), Some(rest));
        }
    }

    /// VMs with different versions of a module share them.
    #[test]
    fn the_form_stays() {
        let sum = 0xaf63_dc4c_8601_ec8c_u64.to_le_bytes();
        assert_eq!(seal(MAGIC, b"a"), [MAGIC, &sum, b"a"].concat());
    }

    #[test]
    fn a_record_with_any_byte_changed_missing_or_added_is_none() {
        let bytes = seal(MAGIC, b"{}");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert_eq!(unseal(MAGIC, &changed), None, "byte {at}");
            assert_eq!(unseal(MAGIC, &bytes[..at]), None, "cut at {at}");
        }
        assert_eq!(unseal(MAGIC, &[&bytes, b" ".as_slice()].concat()), None);
    }
}
