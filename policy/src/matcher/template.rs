//! Path templates with `{*}` and `{**}`.

use std::fmt;

use super::string::bytes;

/// One segment of a template. Segments are what stands between slashes; the
/// first is the empty one before the leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// This text.
    Literal(Box<[u8]>),
    /// `{*}`: one or more characters, no slash.
    One,
    /// `{**}`: zero or more characters, slashes too. Literals only after it.
    Any,
}

/// A path template, compared with the whole path.
///
/// Envoy turns it into a regular expression whose operators accept only the
/// characters that a normalised path has: not `[`, not `]`, no raw byte
/// outside of ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathTemplate(Box<[Segment]>);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateError {
    /// `{` or `}` outside of `{*}` and `{**}`.
    Brace,
    /// An operator that is not a whole segment, or a `*` beside one.
    NotAWholeSegment,
    /// An operator after `{**}`.
    AfterAny,
    /// No slash at the start: Envoy refuses the whole listener.
    NoLeadingSlash,
    /// An empty segment, or a character that a literal may not have.
    Literal,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Brace => "a path whose only braces are {*} and {**}",
            Self::NotAWholeSegment => "{*} or {**} as a whole segment, and no other * beside them",
            Self::AfterAny => "{**} as the last operator",
            Self::NoLeadingSlash => "a template that starts with /",
            Self::Literal => "segments of letters, digits and -._~%!$&'()+,;:@=",
        })
    }
}

const ONE: &str = "{*}";
const ANY: &str = "{**}";

/// Besides letters and digits, what a literal segment may have.
const LITERAL_PUNCTUATION: &[u8] = b"-._~%!$&'()+,;:@=";

impl PathTemplate {
    /// Whether a value of `paths` is a template.
    pub fn is_template(value: &str) -> bool {
        [ONE, ANY].into_iter().any(|operator| {
            let mut places = value.as_bytes().windows(operator.len());
            places.any(|place| place == operator.as_bytes())
        })
    }

    /// Reads a template.
    ///
    /// # Errors
    /// What Istio's validation refuses, and a missing leading slash.
    pub fn new(value: &str) -> Result<Self, TemplateError> {
        check_braces(value)?;
        let Some(inner) = value.strip_prefix('/') else {
            return Err(TemplateError::NoLeadingSlash);
        };
        // A trailing slash is a last segment that may be empty.
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut segments = vec![Segment::Literal(Box::default())];
        for piece in inner.split('/') {
            let segment = read_segment(piece)?;
            if segments.contains(&Segment::Any) && !matches!(segment, Segment::Literal(_)) {
                return Err(TemplateError::AfterAny);
            }
            segments.push(segment);
        }
        if value.ends_with('/') {
            segments.push(Segment::Literal(Box::default()));
        }
        Ok(Self(segments.into()))
    }

    /// The segments in order.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether a path without query fits.
    pub fn matches(&self, path: &[u8]) -> bool {
        let mut rest = path;
        for (number, segment) in self.0.iter().enumerate() {
            if number > 0 {
                let Some(after_slash) = rest.strip_prefix(b"/") else {
                    return false;
                };
                rest = after_slash;
            }
            match segment {
                Segment::Literal(literal) => match rest.strip_prefix(&**literal) {
                    Some(after) => rest = after,
                    None => return false,
                },
                Segment::One => match after_run(rest) {
                    Some(after) => rest = after,
                    None => return false,
                },
                Segment::Any => return self.ends_with_literals_after(number, rest),
            }
        }
        rest.is_empty()
    }

    /// Whether `rest` is `{**}` followed by the literals after segment `any`.
    fn ends_with_literals_after(&self, any: usize, rest: &[u8]) -> bool {
        let mut rest = rest;
        for segment in self.0.iter().skip(any + 1).rev() {
            let Segment::Literal(literal) = segment else {
                return false;
            };
            let before = rest
                .strip_suffix(&**literal)
                .and_then(|before| before.strip_suffix(b"/"));
            let Some(before) = before else { return false };
            rest = before;
        }
        rest.iter().all(|&byte| byte == b'/' || is_operand(byte))
    }
}

/// Istio's validation: `{` and `}` only as part of an operator.
pub(super) fn check_braces(value: &str) -> Result<(), TemplateError> {
    let without = without(&without(value.as_bytes(), ANY), ONE);
    if without.iter().any(|byte| matches!(byte, b'{' | b'}')) {
        Err(TemplateError::Brace)
    } else {
        Ok(())
    }
}

/// The text with every occurrence of an operator taken out. Byte by byte: the
/// search of the standard library for texts is 2 KB of a module.
fn without(text: &[u8], operator: &str) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = text;
    while let [first, behind_first @ ..] = rest {
        if let Some(behind) = rest.strip_prefix(operator.as_bytes()) {
            rest = behind;
        } else {
            kept.push(*first);
            rest = behind_first;
        }
    }
    kept
}

fn read_segment(piece: &str) -> Result<Segment, TemplateError> {
    match piece {
        ONE => Ok(Segment::One),
        ANY => Ok(Segment::Any),
        _ if piece.contains('*') => Err(TemplateError::NotAWholeSegment),
        _ if is_literal(piece) => Ok(Segment::Literal(bytes(piece))),
        _ => Err(TemplateError::Literal),
    }
}

fn is_literal(piece: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || LITERAL_PUNCTUATION.contains(&byte);
    !piece.is_empty() && piece.bytes().all(allowed)
}

/// Whether `{*}` accepts the byte.
fn is_operand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'*' || LITERAL_PUNCTUATION.contains(&byte)
}

/// What follows the longest non-empty run that `{*}` accepts.
fn after_run(text: &[u8]) -> Option<&[u8]> {
    let end = text
        .iter()
        .position(|&byte| !is_operand(byte))
        .unwrap_or(text.len());
    if end == 0 { None } else { text.get(end..) }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(template: &str, path: &str) -> bool {
        let template =
            PathTemplate::new(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        template.matches(path.as_bytes())
    }

    #[test]
    fn operators_accept_what_envoy_accepts() {
        let table: [(&str, &[&str], &[&str]); 6] = [
            (
                "/foo/{*}",
                &["/foo/x", "/foo/%C3%A9", "/foo/*"],
                &["/foo", "/foo/", "/foo/x/", "/foo/x/y", "/FOO/x", "/foo/[x]"],
            ),
            (
                "/foo/{**}",
                &["/foo/", "/foo/x", "/foo/x/y/", "/foo//"],
                &["/foo", "/foo/a\"", "/foo/é"],
            ),
            ("/foo/{*}/", &["/foo/x/"], &["/foo/x", "/foo//"]),
            ("/foo/{**}/", &["/foo/x/", "/foo//"], &["/foo/x", "/foo/"]),
            (
                "/foo/{*}/bar/{**}",
                &["/foo/x/bar/", "/foo/x/bar/y/z"],
                &["/foo/x/bar"],
            ),
            (
                "/{**}/a/b",
                &["//a/b", "/x/y/a/b", "/a/b/a/b"],
                &["/a/b", "/x/ab", "/x/a/b/"],
            ),
        ];
        for (template, accepted, refused) in table {
            for path in accepted {
                assert!(matches(template, path), "{template} must accept {path}");
            }
            for path in refused {
                assert!(!matches(template, path), "{template} must refuse {path}");
            }
        }
    }

    #[test]
    fn metacharacters_are_literal() {
        assert!(matches("/a.b/{*}", "/a.b/x"));
        assert!(!matches("/a.b/{*}", "/axb/x"));
    }

    #[test]
    fn malformed_templates_are_refused() {
        let table = [
            ("/foo/{**}buzz/bar", TemplateError::NotAWholeSegment),
            ("/a{*}", TemplateError::NotAWholeSegment),
            ("/{*}/foo*", TemplateError::NotAWholeSegment),
            ("/foo/{buzz}/bar/{**}", TemplateError::Brace),
            ("/foo/{buzz=*}/bar/{**}", TemplateError::Brace),
            ("/{*}/foo/{temp", TemplateError::Brace),
            ("/{*}/foo/temp}/bar", TemplateError::Brace),
            ("/{**}/{*}", TemplateError::AfterAny),
            ("/{**}/{**}", TemplateError::AfterAny),
            ("foo/{*}", TemplateError::NoLeadingSlash),
            ("/{*}//x", TemplateError::Literal),
            ("/{*}/a?b", TemplateError::Literal),
            ("/{*}/é", TemplateError::Literal),
        ];
        for (value, error) in table {
            assert_eq!(PathTemplate::new(value), Err(error), "{value}");
        }
    }
}
