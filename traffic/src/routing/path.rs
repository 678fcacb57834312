//! What becomes of a path.

use std::borrow::Cow;

use crate::config::UriRewrite;
use crate::effort::Effort;
use crate::route_table::{Route, without_query};

/// A path with its query, after a rewrite; none if that takes too long.
pub(super) fn rewrite<T>(rewrite: &UriRewrite, route: &Route<T>, path: &[u8]) -> Option<Vec<u8>> {
    let bare = without_query(path);
    let rest = path.get(bare.len()..).unwrap_or_default();
    let new = match rewrite {
        UriRewrite::Matched(text) => Cow::Owned(replace_matched(text, route, bare)),
        // Envoy leaves a path alone that RE2 cannot read.
        UriRewrite::Regex(substitution) => match std::str::from_utf8(bare) {
            Ok(text) => Cow::Owned(substitution.apply(text, &Effort::default())?.into_bytes()),
            Err(_) => Cow::Borrowed(bare),
        },
    };
    Some([&new, rest].concat())
}

/// A bare path in which a text takes the place of what the route matched: the whole
/// path, or a prefix of it. A route that says nothing of paths matches the first `/`.
pub(super) fn replace_matched<T>(text: &str, route: &Route<T>, path: &[u8]) -> Vec<u8> {
    if route.is_whole_path {
        return text.as_bytes().to_vec();
    }
    let matched = route.prefix.as_ref().map_or(1, |prefix| prefix.len());
    let mut rest = path.get(matched..).unwrap_or_default();
    // For `/` Istio takes the slash along that comes after the prefix.
    if text == "/" {
        rest = rest.strip_prefix(b"/").unwrap_or(rest);
    }
    [text.as_bytes(), rest].concat()
}
