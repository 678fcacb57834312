//! Parameters in the query of a path.

use std::borrow::Cow;

/// The decoded value of the first parameter of that name.
pub(crate) fn first<'p>(path: &'p [u8], name: &[u8]) -> Option<Cow<'p, [u8]>> {
    let (_, query) = split(path)?;
    let mut pieces = query.split(|byte| *byte == b'&').map(parameter);
    let (_, value) = pieces.find(|(found, _)| is_named(found, name))?;
    Some(decoded(value))
}

/// The path without any parameter of that name; none if it has no such parameter.
///
/// What remains keeps its order and its encoding. Envoy writes the query anew, sorted
/// and decoded, which can give an invalid request line.
pub(crate) fn without(path: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let (base, query) = split(path)?;
    let all = query.split(|byte| *byte == b'&');
    let kept: Vec<&[u8]> = all
        .filter(|piece| !is_named(parameter(piece).0, name))
        .collect();
    let query_of_kept = kept.join(&b'&');
    if query_of_kept.len() == query.len() {
        return None;
    }
    let mut path = base.to_vec();
    if !query_of_kept.is_empty() {
        path.push(b'?');
        path.extend_from_slice(&query_of_kept);
    }
    Some(path)
}

fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    split_at(path, b'?')
}

fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Name and value as they stand; the value is empty without `=`.
fn parameter(piece: &[u8]) -> (&[u8], &[u8]) {
    split_at(piece, b'=').unwrap_or((piece, &[]))
}

/// Whether a name is that one when it is decoded.
fn is_named(found: &[u8], name: &[u8]) -> bool {
    decoding(found).eq(name.iter().copied())
}

fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'%') {
        Cow::Owned(decoding(bytes).collect())
    } else {
        Cow::Borrowed(bytes)
    }
}

/// Percent-decoding. What is no escape stays as it is, and `+` is no space.
fn decoding(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let escape = (*first == b'%').then(|| escaped(after)).flatten();
        let (byte, after) = escape.unwrap_or((*first, after));
        rest = after;
        Some(byte)
    })
}

fn escaped(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2)?;
    let [high, low] = digits else { return None };
    Some((digit(*high)? << 4 | digit(*low)?, rest))
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{first, without};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn value(path: &str, name: &str) -> Option<String> {
        first(path.as_bytes(), name.as_bytes())
            .map(|value| String::from_utf8(value.into_owned()).unwrap())
    }

    fn strip(path: &str, name: &str) -> Option<String> {
        without(path.as_bytes(), name.as_bytes()).map(|path| String::from_utf8(path).unwrap())
    }

    #[test]
    fn the_first_parameter_of_a_name_counts() {
        assert_eq!(value("/x?a=1&t=T&t=U", "t").as_deref(), Some("T"));
        assert_eq!(value("/x?t=a=b", "t").as_deref(), Some("a=b"));
        assert_eq!(value("/x?t=", "t").as_deref(), Some(""));
        assert_eq!(value("/x?t", "t").as_deref(), Some(""));
        assert_eq!(value("/x?tt=1&T=2", "t"), None);
        assert_eq!(value("/t=1", "t"), None);
        assert_eq!(value("/x?a?t=1", "t"), None);
    }

    #[test]
    fn names_and_values_are_percent_decoded() {
        assert_eq!(
            value("/x?t=a%2Eb%2e%zz%4", "t").as_deref(),
            Some("a.b.%zz%4")
        );
        assert_eq!(value("/x?%74=T", "t").as_deref(), Some("T"));
        assert_eq!(value("/x?t=%20%31%4a", "t").as_deref(), Some(" 1J"));
        assert_eq!(value("/x?%74", "t").as_deref(), Some(""));
        assert_eq!(value("/x?t=a+b", "t").as_deref(), Some("a+b"));
    }

    #[test]
    fn every_occurrence_goes_and_the_rest_stays_as_it_is() {
        let path = "/?a=1&access_token=T&b=%20x%26y";
        assert_eq!(
            strip(path, "access_token").as_deref(),
            Some("/?a=1&b=%20x%26y")
        );
        assert_eq!(
            strip("/x?z&t=1&&a=2&%74=3&t&%74", "t").as_deref(),
            Some("/x?z&&a=2")
        );
        assert_eq!(strip("/x?t=1", "t").as_deref(), Some("/x"));
        assert_eq!(strip("/x?tt=1", "t"), None);
        assert_eq!(strip("/x", "t"), None);
    }
}
