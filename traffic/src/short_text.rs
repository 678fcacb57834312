//! Searching short texts in little code.

/// Splits a text where another one first occurs in it.
///
/// The search of the standard library is faster in long texts, and its code takes 2 KB of a
/// module; what is searched here are names.
pub(crate) fn split_once<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    let mut places = text.as_bytes().windows(separator.len());
    let place = places.position(|part| part == separator.as_bytes())?;
    let (before, rest) = text.split_at_checked(place)?;
    Some((before, rest.strip_prefix(separator)?))
}

#[cfg(test)]
mod tests {
    use super::split_once;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_text_is_split_where_the_standard_library_splits_it() {
        for text in ["", "a", "][", "a][b", "a][b][c", "a]b[c", "é][é", "]][["] {
            assert_eq!(split_once(text, "]["), text.split_once("]["), "{text}");
        }
    }
}
