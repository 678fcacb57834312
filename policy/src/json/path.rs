//! Paths into a document: `resources[0].spec.selector.matchLabels["a/b"]`.

use crate::diagnostic::quote;

/// The path of a key of the object at `parent`.
pub fn child(parent: &str, key: &str) -> String {
    let mut path = parent.to_owned();
    push_child(&mut path, key);
    path
}

/// Makes the path of an object that of one of its keys.
pub(super) fn push_child(path: &mut String, key: &str) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if key.is_empty() || !key.bytes().all(is_plain) {
        path.push('[');
        path.push_str(&quote(key));
        path.push(']');
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// The path of an item of the list at `parent`.
pub fn item(parent: &str, index: usize) -> String {
    let mut path = parent.to_owned();
    push_item(&mut path, index);
    path
}

/// Makes the path of a list that of one of its items.
pub(super) fn push_item(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
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
