//! Dot segments with parameters: `/public/..;x/admin`.
//!
//! Istio's tables of path normalisation take `..;x` for a name, and so do we. Envoy
//! since 1.39, and older releases with the same security fix
//! (`envoy.reloadable_features.strip_path_parameters_per_segment`), take it for `..`
//! wherever they normalise at all. What a plugin sees depends on the release.

use std::borrow::Cow;

use super::{Normalization, decode_slashes, strip_dot, until};

impl Normalization {
    /// Whether releases of Envoy disagree what becomes of this raw `:path`.
    pub fn is_in_doubt(self, path: &[u8]) -> bool {
        if self == Self::None || !path.contains(&b';') {
            return false;
        }
        let path = until(until(path, b'#'), b'?');
        let path = match self {
            Self::DecodeAndMergeSlashes => Cow::Owned(decode_slashes(path)),
            _ => Cow::Borrowed(path),
        };
        path.split(|byte| matches!(byte, b'/' | b'\\'))
            .any(is_dot_segment_with_parameters)
    }
}

/// `.;` or `..;`, dots percent-encoded or not.
fn is_dot_segment_with_parameters(segment: &[u8]) -> bool {
    let Some(after_one) = strip_dot(segment) else {
        return false;
    };
    let after_two = strip_dot(after_one).unwrap_or(after_one);
    after_two.first() == Some(&b';')
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn dot_segments_with_parameters_are_in_doubt_in_any_form() {
        for path in [
            "/..;/admin",
            "/a/.;x=1/b",
            "/a\\..;/b",
            "/a/%2e%2E;/b",
            "/a/.%2e;",
            "..;/a",
            // Nothing of it is left in what the tables make of it.
            "/a/..;/../b",
        ] {
            assert!(Normalization::Base.is_in_doubt(path.as_bytes()), "{path}");
            assert!(!Normalization::None.is_in_doubt(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn other_parameters_are_not() {
        for path in [
            "/a;x/b",
            "/...;/b",
            "/a..;/b",
            "/;/..",
            "/..x;/",
            "/?a=/..;/",
            "/#/..;/",
            "/a%2f..;/b",
        ] {
            assert!(!Normalization::Base.is_in_doubt(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn an_encoded_slash_is_one_where_it_is_decoded() {
        let mode = Normalization::DecodeAndMergeSlashes;
        assert!(mode.is_in_doubt(b"/a%2f..;/b"));
        assert!(mode.is_in_doubt(b"/a%5C.;/b"));
        assert!(!mode.is_in_doubt(b"/a%2e..;/b"));
    }
}
