//! The pair encoding of the ABI: count, sizes, then every name and value with a
//! NUL behind it; integers are 32-bit little-endian.

use sluice_policy::HeaderLine;

fn read_u32(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    let value = u32::from_le_bytes(field.try_into().ok()?);
    usize::try_from(value).ok()
}

/// Decodes pairs; `None` when the bytes are not a whole number of pairs.
pub fn decode(bytes: &[u8]) -> Option<Vec<HeaderLine<'_>>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = read_u32(bytes, 0)?;
    let sizes_end = count.checked_mul(8)?.checked_add(4)?;
    // Also bounds the capacity below by what was really sent.
    bytes.get(..sizes_end)?;
    let mut lines = Vec::with_capacity(count);
    let mut at = sizes_end;
    for index in 0..count {
        let sizes_at = 4 + index * 8;
        let name = take(bytes, &mut at, read_u32(bytes, sizes_at)?)?;
        let value = take(bytes, &mut at, read_u32(bytes, sizes_at + 4)?)?;
        lines.push((name, value));
    }
    (at == bytes.len()).then_some(lines)
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, size: usize) -> Option<&'a [u8]> {
    let end = at.checked_add(size)?;
    let piece = bytes.get(*at..end)?;
    if *bytes.get(end)? != 0 {
        return None;
    }
    *at = end + 1;
    Some(piece)
}

/// Encodes pairs for the host. No pairs are no bytes.
///
/// Sizes past 4 GiB cannot occur: all memory of the VM is smaller.
pub(crate) fn encode(lines: &[HeaderLine<'_>]) -> Vec<u8> {
    if lines.is_empty() {
        return Vec::new();
    }
    let payload: usize = lines
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    let mut bytes = Vec::with_capacity(4 + lines.len() * 8 + payload);
    push_size(&mut bytes, lines.len());
    for (name, value) in lines {
        push_size(&mut bytes, name.len());
        push_size(&mut bytes, value.len());
    }
    for (name, value) in lines {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

fn push_size(bytes: &mut Vec<u8>, size: usize) {
    bytes.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn repeated_names_and_odd_bytes_survive() {
        let lines: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"a", b""), (b"b", b"\xff\0x")];
        assert_eq!(decode(&encode(&lines)).unwrap(), lines);
    }

    #[test]
    fn no_bytes_are_no_pairs() {
        assert_eq!(decode(&[]).unwrap(), []);
        assert_eq!(decode(&[0; 4]).unwrap(), []);
        assert!(encode(&[]).is_empty());
    }

    #[test]
    fn a_cut_or_padded_map_is_refused() {
        let whole = encode(&[(b"name", b"value")]);
        for end in 1..whole.len() {
            assert_eq!(decode(&whole[..end]), None, "cut at {end}");
        }
        let mut padded = whole.clone();
        padded.push(0);
        assert_eq!(decode(&padded), None);
    }

    #[test]
    fn a_count_larger_than_the_map_is_refused_without_allocating() {
        assert_eq!(decode(&u32::MAX.to_le_bytes()), None);
    }
}
