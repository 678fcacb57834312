//! Dot segments with parameters: `/public/..;x/admin`.
//!
//! Istio's tables of path normalisation take `..;x` for a name, and so does the
//! replay. Envoy since 1.39, and older releases with the same security fix
//! (`envoy.reloadable_features.strip_path_parameters_per_segment`), take it for `..`
//! wherever they normalise at all. What a plugin sees depends on the release.

use sluice_policy::path_normalization::Normalization;

/// Whether releases of Envoy disagree what becomes of this raw `:path`.
pub fn is_in_doubt(path: &[u8], normalization: Normalization) -> bool {
    if normalization == Normalization::None || !path.contains(&b';') {
        return false;
    }
    let decodes_slashes = normalization == Normalization::DecodeAndMergeSlashes;
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let mut rest = path.get(..end.unwrap_or(path.len())).unwrap_or(path);
    // A path that begins with no slash gets one.
    let mut is_start = true;
    while let Some((_, after_one)) = rest.split_first() {
        if is_start && is_dot_segment_with_parameters(rest) {
            return true;
        }
        let after_slash = strip_slash(rest, decodes_slashes);
        is_start = after_slash.is_some();
        rest = after_slash.unwrap_or(after_one);
    }
    false
}

/// `.;` or `..;`, dots percent-encoded or not.
fn is_dot_segment_with_parameters(segment: &[u8]) -> bool {
    let Some(after_one) = strip_dot(segment) else {
        return false;
    };
    let after_two = strip_dot(after_one).unwrap_or(after_one);
    after_two.first() == Some(&b';')
}

fn strip_dot(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] => Some(after),
        _ => None,
    }
}

fn strip_slash(rest: &[u8], decodes: bool) -> Option<&[u8]> {
    match rest {
        [b'/' | b'\\', after @ ..] => Some(after),
        [b'%', b'2', b'f' | b'F', after @ ..] | [b'%', b'5', b'c' | b'C', after @ ..]
            if decodes =>
        {
            Some(after)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(is_in_doubt(path.as_bytes(), Normalization::Base), "{path}");
            assert!(!is_in_doubt(path.as_bytes(), Normalization::None), "{path}");
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
            assert!(!is_in_doubt(path.as_bytes(), Normalization::Base), "{path}");
        }
    }

    #[test]
    fn an_encoded_slash_is_one_where_it_is_decoded() {
        let mode = Normalization::DecodeAndMergeSlashes;
        assert!(is_in_doubt(b"/a%2f..;/b", mode));
        assert!(is_in_doubt(b"/a%5C.;/b", mode));
        assert!(!is_in_doubt(b"/a%2e..;/b", mode));
    }
}
