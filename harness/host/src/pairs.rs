//! The wire form of header maps and of map and list properties.
//!
//! A count, then the lengths of every name and value, then their bytes, each
//! followed by a zero; all words are little endian.

/// Limits of the C++ host (`limits.h`).
const MAX_PAIRS: usize = 1024;
const MAX_BYTES: usize = 1 << 20;

/// Writes `pairs` to the end of `out`.
pub(crate) fn encode<'a>(
    pairs: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone,
    out: &mut Vec<u8>,
) {
    put_length(out, pairs.len());
    for (name, value) in pairs.clone() {
        put_length(out, name.len());
        put_length(out, value.len());
    }
    for (name, value) in pairs {
        out.extend_from_slice(name);
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let word = u32::try_from(length).unwrap_or(u32::MAX);
    out.extend_from_slice(&word.to_le_bytes());
}

/// Reads pairs. What is malformed in any way, oversized or followed by more
/// bytes reads as *no pairs*: that is what Envoy makes of it.
pub(crate) fn decode(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    parse(bytes).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let (count, mut sizes) = take_word(bytes)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut content = sizes.get(count.checked_mul(8)?..)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (name_len, rest) = take_word(sizes)?;
        let (value_len, rest) = take_word(rest)?;
        sizes = rest;
        let (name, rest) = take_terminated(content, name_len)?;
        let (value, rest) = take_terminated(rest, value_len)?;
        content = rest;
        pairs.push((name, value));
    }
    content.is_empty().then_some(pairs)
}

fn take_word(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*word)).ok()?, rest))
}

fn take_terminated(bytes: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(len)?;
    match rest.split_first() {
        Some((0, rest)) => Some((text, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(pairs.iter().copied(), &mut out);
        out
    }

    #[test]
    fn what_is_written_reads_back() {
        let pairs: Vec<(&[u8], &[u8])> = vec![(b"a", b"1"), (b"a", b"\xff\x00"), (b"", b"")];
        let bytes = encoded(&pairs);
        assert_eq!(decode(&bytes), pairs);
    }

    #[test]
    fn an_empty_map_is_a_zero_count() {
        assert_eq!(encoded(&[]), [0, 0, 0, 0]);
    }

    #[test]
    fn every_truncation_and_trailing_byte_reads_as_no_pairs() {
        let whole = encoded(&[(b"name", b"value"), (b"x", b"y")]);
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_empty(), "cut at {cut}");
        }
        let mut longer = whole;
        longer.push(0);
        assert!(decode(&longer).is_empty());
    }

    #[test]
    fn lengths_beyond_the_end_read_as_no_pairs() {
        let mut bytes = encoded(&[(b"a", b"b")]);
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decode(&bytes).is_empty());
        assert!(decode(&u32::MAX.to_le_bytes()).is_empty());
    }
}
