//! What Envoy's connection manager does to `:path` before any filter sees it,
//! for each value of `meshConfig.pathNormalization.normalization`.
//!
//! In a proxy this is done already. Recorded or invented paths need it done to
//! them, or a policy would be tested with paths that it never meets.

mod parameters;

use std::borrow::Cow;

/// A value of `meshConfig.pathNormalization.normalization`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Normalization {
    /// `NONE`: only the fragment goes.
    None,
    /// `BASE`, `DEFAULT` and nothing at all: dot segments, backslashes, needless
    /// and missing percent-encoding.
    #[default]
    Base,
    /// `MERGE_SLASHES`: also runs of slashes become one.
    MergeSlashes,
    /// `DECODE_AND_MERGE_SLASHES`: first `%2F` and `%5C` become slashes.
    DecodeAndMergeSlashes,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalized<'p> {
    /// The path that filters see.
    Path(Cow<'p, [u8]>),
    /// Envoy answers with this status and no filter sees the request.
    Rejected(u16),
}

/// `400 Bad Request`.
const BAD_REQUEST: u16 = 400;

impl Normalization {
    /// Every name that Istio knows, with its meaning.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("DEFAULT", Self::Base),
        ("NONE", Self::None),
        ("BASE", Self::Base),
        ("MERGE_SLASHES", Self::MergeSlashes),
        ("DECODE_AND_MERGE_SLASHES", Self::DecodeAndMergeSlashes),
    ];

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, mode)| *mode)
    }

    /// Normalises a raw `:path`, query included. The query stays as it is.
    ///
    /// The fragment goes in every mode: Istio's bootstrap turns off
    /// `http_reject_path_with_fragment`, so Envoy strips it.
    pub fn apply(self, path: &[u8]) -> Normalized<'_> {
        let path = until(path, b'#');
        if self == Self::None || path.is_empty() {
            return Normalized::Path(Cow::Borrowed(path));
        }
        let (before, query) = path.split_at(until(path, b'?').len());
        let Some(normal) = self.apply_to_path(before) else {
            return Normalized::Rejected(BAD_REQUEST);
        };
        if normal == before {
            return Normalized::Path(Cow::Borrowed(path));
        }
        Normalized::Path(Cow::Owned([&normal, query].concat()))
    }

    fn apply_to_path(self, path: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::None => Some(path.to_vec()),
            Self::Base => canonical(path),
            Self::MergeSlashes => canonical(path).map(|path| merge_slashes(&path)),
            Self::DecodeAndMergeSlashes => {
                canonical(&decode_slashes(path)).map(|path| merge_slashes(&path))
            }
        }
    }
}

fn until(text: &[u8], byte: u8) -> &[u8] {
    memchr::memchr(byte, text)
        .and_then(|end| text.get(..end))
        .unwrap_or(text)
}

/// Envoy's `UNESCAPE_AND_FORWARD`: `%2F` and `%5C` in either case.
fn decode_slashes(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        let (value, after) = match rest {
            [b'%', b'2', b'f' | b'F', after @ ..] => (b'/', after),
            [b'%', b'5', b'c' | b'C', after @ ..] => (b'\\', after),
            _ => (byte, tail),
        };
        decoded.push(value);
        rest = after;
    }
    decoded
}

/// Envoy's `merge_slashes`: empty segments go, slashes at the ends stay.
///
/// A path of nothing but slashes keeps one at either end: Envoy joins nothing
/// between the two.
fn merge_slashes(path: &[u8]) -> Vec<u8> {
    if memchr::memmem::find(path, b"//").is_none() {
        return path.to_vec();
    }
    let segments: Vec<&[u8]> = path
        .split(|&byte| byte == b'/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let slash = |is_there: bool| if is_there { &b"/"[..] } else { b"" };
    [
        slash(path.starts_with(b"/")),
        &segments.join(&b'/'),
        slash(path.ends_with(b"/")),
    ]
    .concat()
}

/// Envoy's `normalize_path`, which is the canonical form of Chromium's URL
/// library. `None` where that library gives up: a NUL, or bytes that are not
/// UTF-8.
fn canonical(path: &[u8]) -> Option<Vec<u8>> {
    let path_text = std::str::from_utf8(path).ok()?;
    let mut canonical = Canonical {
        output: Vec::with_capacity(path.len() + 1),
    };
    if !path_text.starts_with(['/', '\\']) {
        canonical.output.push(b'/');
    }
    let mut rest = path;
    while !rest.is_empty() {
        rest = canonical.step(rest)?;
    }
    Some(canonical.output)
}

struct Canonical {
    output: Vec<u8>,
}

/// What a dot after a slash is the start of, and what follows.
enum Dots<'p> {
    /// `.` or `./`: nothing.
    Current(&'p [u8]),
    /// `..` or `../`: one segment back.
    Up(&'p [u8]),
    /// A name.
    Name,
}

impl Canonical {
    /// Writes what the start of `rest` becomes and returns what follows it.
    fn step<'p>(&mut self, rest: &'p [u8]) -> Option<&'p [u8]> {
        if let Some(after) = strip_dot(rest) {
            return Some(self.dot(after));
        }
        let (&byte, tail) = rest.split_first()?;
        match byte {
            b'\\' => self.output.push(b'/'),
            b'%' => return self.escape(rest, tail),
            0 => return None,
            _ if must_escape(byte) => self.push_escaped(byte),
            _ => self.output.push(byte),
        }
        Some(tail)
    }

    fn dot<'p>(&mut self, after: &'p [u8]) -> &'p [u8] {
        let dots = if self.output.ends_with(b"/") {
            classify(after)
        } else {
            Dots::Name
        };
        match dots {
            Dots::Current(rest) => rest,
            Dots::Up(rest) => {
                self.back_to_parent();
                rest
            }
            Dots::Name => {
                self.output.push(b'.');
                after
            }
        }
    }

    /// Unreserved characters lose their percent-encoding, others keep it as it
    /// was written; a `%` that starts no encoding stays.
    fn escape<'p>(&mut self, rest: &[u8], tail: &'p [u8]) -> Option<&'p [u8]> {
        let Some((value, after)) = hex_pair(tail) else {
            self.output.push(b'%');
            return Some(tail);
        };
        match value {
            0 => return None,
            _ if is_unreserved(value) => self.output.push(value),
            _ => self.output.extend_from_slice(rest.get(..3)?),
        }
        Some(after)
    }

    fn push_escaped(&mut self, byte: u8) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
        self.output
            .extend([b'%', digit(byte >> 4), digit(byte & 15)]);
    }

    /// From `/a/b/` to `/a/`; `/` stays.
    fn back_to_parent(&mut self) {
        let without_slash = self.output.len().saturating_sub(1);
        let before = self.output.get(..without_slash).unwrap_or_default();
        let parent = memchr::memrchr(b'/', before).map_or(1, |slash| slash + 1);
        self.output.truncate(parent);
    }
}

/// What follows a dot, written `.` or `%2e`.
fn strip_dot(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] => Some(after),
        _ => None,
    }
}

/// What follows the end of a segment; nothing follows the end of the path.
fn strip_end(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [] => Some(rest),
        [b'/' | b'\\', after @ ..] => Some(after),
        _ => None,
    }
}

fn classify(after_dot: &[u8]) -> Dots<'_> {
    if let Some(rest) = strip_end(after_dot) {
        return Dots::Current(rest);
    }
    match strip_dot(after_dot).and_then(strip_end) {
        Some(rest) => Dots::Up(rest),
        None => Dots::Name,
    }
}

fn hex_pair(tail: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, after @ ..] = tail else {
        return None;
    };
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some((digit(*high)? << 4 | digit(*low)?, after))
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn must_escape(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"<>^`{|}".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn apply(mode: Normalization, path: &str) -> String {
        match mode.apply(path.as_bytes()) {
            Normalized::Path(path) => String::from_utf8_lossy(&path).into_owned(),
            Normalized::Rejected(status) => status.to_string(),
        }
    }

    #[test]
    fn base_resolves_dots_and_backslashes() {
        let table = [
            ("/a/../foo", "/foo"),
            ("/./foo", "/foo"),
            ("/%66oo", "/foo"),
            ("/a/%2e%2e/foo", "/foo"),
            ("/a\\..\\foo", "/foo"),
            ("/foo/.", "/foo/"),
            ("/foo/..", "/"),
            ("/../..", "/"),
            ("//foo", "//foo"),
            ("/%2Ffoo", "/%2Ffoo"),
            ("/a//../b", "/a/b"),
            ("/...", "/..."),
            ("/a..", "/a.."),
            ("/.a/..b", "/.a/..b"),
        ];
        for (path, normal) in table {
            assert_eq!(apply(Normalization::Base, path), normal, "{path}");
        }
    }

    #[test]
    fn base_encodes_what_a_path_may_not_have() {
        assert_eq!(
            apply(Normalization::Base, "/\"<>^`{|} é"),
            "/%22%3C%3E%5E%60%7B%7C%7D%20%C3%A9"
        );
        assert_eq!(apply(Normalization::Base, "/%zz%4"), "/%zz%4");
        assert_eq!(apply(Normalization::Base, "/[;,]'*"), "/[;,]'*");
    }

    #[test]
    fn nul_and_stray_bytes_are_refused() {
        assert_eq!(apply(Normalization::Base, "/%00"), "400");
        assert_eq!(
            Normalization::Base.apply(b"/\xff"),
            Normalized::Rejected(400)
        );
        assert_eq!(apply(Normalization::None, "/%00"), "/%00");
    }

    #[test]
    fn the_query_stays_and_the_fragment_goes() {
        for mode in [Normalization::None, Normalization::Base] {
            assert_eq!(apply(mode, "/foo#x?y"), "/foo");
            assert_eq!(apply(mode, "/foo?a#b"), "/foo?a");
        }
        assert_eq!(
            apply(Normalization::DecodeAndMergeSlashes, "/a%2f/b?x=%2f//../"),
            "/a/b?x=%2f//../"
        );
    }

    #[test]
    fn slashes_merge_only_where_asked() {
        assert_eq!(apply(Normalization::MergeSlashes, "//a///b//"), "/a/b/");
        assert_eq!(apply(Normalization::MergeSlashes, "/a/%2f"), "/a/%2f");
        assert_eq!(
            apply(
                Normalization::DecodeAndMergeSlashes,
                "/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc"
            ),
            "/app/admin/abc"
        );
    }

    #[test]
    fn a_clean_path_is_not_copied() {
        assert!(matches!(
            Normalization::Base.apply(b"/a/b?c"),
            Normalized::Path(Cow::Borrowed(b"/a/b?c"))
        ));
    }
}
