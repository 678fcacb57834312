//! Paths into a document: `resources[0].spec.selector.matchLabels["a/b"]`.

use crate::diagnostic::quote;

/// The path of a key of the object at `parent`.
pub fn child(parent: &str, key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match (parent, !key.is_empty() && key.bytes().all(is_plain)) {
        ("", true) => key.to_owned(),
        (_, true) => format!("{parent}.{key}"),
        (_, false) => format!("{parent}[{}]", quote(key)),
    }
}

/// The path of an item of the list at `parent`.
pub fn item(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn odd_keys_are_quoted() {
        assert_eq!(child("", "spec"), "spec");
        assert_eq!(child("spec", "rules"), "spec.rules");
        assert_eq!(item("spec.rules", 2), "spec.rules[2]");
        assert_eq!(child("labels", "istio.io/rev"), "labels[\"istio.io/rev\"]");
        assert_eq!(child("labels", ""), "labels[\"\"]");
        assert_eq!(child("a", "b-c_d"), "a.b-c_d");
        assert_eq!(child("a", "b.c"), "a[\"b.c\"]");
    }
}
