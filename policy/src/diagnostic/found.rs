//! How found values are shown.

use serde_json::Value;

/// Bytes of a found value that are shown.
const SHOWN_BYTES: usize = 64;

/// The text in quotes, control characters escaped, cut at 64 bytes.
pub fn quote(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    let (shown, cut) = text.split_at_checked(end).unwrap_or((text, ""));
    let ellipsis = if cut.is_empty() { "" } else { "…" };
    let escaped: String = shown.chars().flat_map(escape).collect();
    format!("\"{escaped}{ellipsis}\"")
}

/// `escape_debug` without the quote's own escaping of `'`.
fn escape(character: char) -> impl Iterator<Item = char> {
    let plain = (character == '\'').then_some(character);
    let escaped = (character != '\'').then(|| character.escape_debug());
    plain.into_iter().chain(escaped.into_iter().flatten())
}

/// A secret, by its length only.
pub fn secret(text: &str) -> String {
    format!("a secret of {} bytes", text.len())
}

/// A JSON value: texts and numbers themselves, the rest by type and size.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(keys) if keys.is_empty() => "an empty object".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// `did you mean "…"?` for the candidate nearest to the word, if one is near: a
/// third of the word may be wrong.
pub fn suggest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    // Longer words than that are no typing errors, and distances are quadratic.
    if word.len() > SHOWN_BYTES {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_ascii_lowercase());
    let nearest = candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .min()?;
    let allowed = (word.chars().count() / 3).max(1);
    (nearest.0 <= allowed).then(|| format!("did you mean {}?", quote(nearest.1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(quote("a'b\"c\n"), r#""a'b\"c\n""#);
        let long = "é".repeat(40);
        assert_eq!(quote(&long), format!("\"{}…\"", "é".repeat(32)));
        let odd = format!("a{long}");
        assert_eq!(quote(&odd), format!("\"a{}…\"", "é".repeat(31)));
    }

    #[test]
    fn secrets_show_their_length() {
        assert_eq!(secret("hunter2"), "a secret of 7 bytes");
    }

    #[test]
    fn values_are_named() {
        assert_eq!(describe(&json!("x")), "\"x\"");
        assert_eq!(describe(&json!([1])), "a list");
        assert_eq!(describe(&json!([])), "an empty list");
        assert_eq!(describe(&json!({})), "an empty object");
        assert_eq!(describe(&json!({"a": 1})), "an object");
        assert_eq!(describe(&json!("")), "an empty string");
        assert_eq!(describe(&json!(null)), "null");
        assert_eq!(describe(&json!(true)), "true");
        assert_eq!(describe(&json!(1.5)), "the number 1.5");
    }

    #[test]
    fn only_near_words_are_suggested() {
        let keys = ["paths", "notPaths", "methods"];
        assert_eq!(
            suggest("pahts", keys).as_deref(),
            Some("did you mean \"paths\"?")
        );
        assert_eq!(
            suggest("Paths", keys).as_deref(),
            Some("did you mean \"paths\"?")
        );
        assert_eq!(suggest("headers", keys), None);
        assert_eq!(suggest("", keys), None);
    }

    #[test]
    fn a_third_of_the_letters_may_be_wrong() {
        assert!(suggest("abcdefxyz", ["abcdefghi"]).is_some());
        assert!(suggest("abcdewxyz", ["abcdefghi"]).is_none());
    }

    #[test]
    fn very_long_words_have_no_suggestion() {
        let longest = "a".repeat(SHOWN_BYTES);
        assert!(suggest(&longest, [longest.as_str()]).is_some());
        let longer = "a".repeat(SHOWN_BYTES + 1);
        assert!(suggest(&longer, [longer.as_str()]).is_none());
    }
}
