//! How found values are shown.

use serde_json::{Number, Value};

/// The first whole number whose successor no `f64` holds: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes of a found value that are shown.
const SHOWN_BYTES: usize = 64;

/// The text in quotes, control characters escaped, cut at 64 bytes.
pub fn quote(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    let (shown, cut) = text.split_at_checked(end).unwrap_or((text, ""));
    let ellipsis = if cut.is_empty() { "" } else { "…" };
    let mut quoted = String::from("\"");
    for character in shown.chars() {
        push_escaped(&mut quoted, character);
    }
    quoted + ellipsis + "\""
}

/// Texts in quotes, with this between them.
pub(crate) fn quote_all(texts: &mut dyn Iterator<Item = &str>, separator: &str) -> String {
    let mut all = String::new();
    for (place, text) in texts.enumerate() {
        if place > 0 {
            all.push_str(separator);
        }
        all.push_str(&quote(text));
    }
    all
}

/// Characters that a terminal does not show, or that make it show others in
/// another order, by their numbers. The tables of what Unicode calls printable are
/// a few KB of a module.
fn push_escaped(quoted: &mut String, character: char) {
    match character {
        '"' | '\\' => quoted.extend(['\\', character]),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\0' => quoted.push_str("\\0"),
        '\0'..' '
        | '\u{7f}'..='\u{a0}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => quoted.extend(character.escape_unicode()),
        _ => quoted.push(character),
    }
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
        Value::Number(number) => ["the number ", &number_text(number)].concat(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(keys) if keys.is_empty() => "an empty object".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Whole numbers in full, others with at most six digits behind the point.
fn number_text(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    if let Some(whole) = number.as_u64() {
        return whole.to_string();
    }
    let number = number.as_f64().unwrap_or_default();
    let millionths = (number.abs() * 1e6).trunc();
    if millionths >= EXACT {
        return "beyond 16 digits".to_owned();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number below 2^53, not negative"
    )]
    let millionths_whole = millionths as u64;
    let sign = if number < 0.0 { "-" } else { "" };
    let whole = (millionths_whole / 1_000_000).to_string();
    // A 1 before the digits keeps their leading zeros.
    let digits = (1_000_000 + millionths_whole % 1_000_000).to_string();
    let digits = digits.strip_prefix('1').unwrap_or_default();
    let is_cut = millionths / 1e6 != number.abs();
    let (digits, ellipsis) = match (is_cut, digits.trim_end_matches('0')) {
        (true, _) => (digits, "…"),
        (false, "") => ("0", ""),
        (false, digits) => (digits, ""),
    };
    [sign, &whole, ".", digits, ellipsis].concat()
}

/// `did you mean "…"?` for the candidate nearest to the word, if one is near: a
/// third of the word may be wrong.
pub fn suggest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    suggest_one(word, &mut candidates.into_iter())
}

/// The one body of [`suggest`] for candidates of all origins.
fn suggest_one(word: &str, candidates: &mut dyn Iterator<Item = &str>) -> Option<String> {
    // Longer words than that are no typing errors, and distances are quadratic.
    if word.len() > SHOWN_BYTES {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&lower, &candidate.to_ascii_lowercase());
    let nearest = candidates
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
        assert_eq!(
            quote("\u{1b}[0m\u{202e}\u{9b}\0"),
            r#""\u{1b}[0m\u{202e}\u{9b}\0""#
        );
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
        for (number, shown) in [
            (json!(1.5), "1.5"),
            (json!(-0.25), "-0.25"),
            (json!(0.000_001), "0.000001"),
            (json!(1e-9), "0.000000…"),
            (json!(2.0), "2.0"),
            (json!(1e300), "beyond 16 digits"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(i64::MIN), "-9223372036854775808"),
        ] {
            assert_eq!(describe(&number), format!("the number {shown}"));
        }
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
