//! The parts of an absolute URL, as bytes and unchanged.
//!
//! A URL library would normalise dots, escapes and hosts: exactly what a replay
//! of odd requests must not lose.

/// `scheme://authority/path?query`, cut at a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    /// Without user information: browsers send that as an `authorization` header.
    pub(super) authority: &'a str,
    /// Path and query; `/` when the URL has none.
    pub(super) path: String,
}

/// Splits an absolute URL; `None` if it has no `://`.
pub(super) fn split(url: &str) -> Option<Url<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_user, host)| host);
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Some(Url {
        scheme,
        authority,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_normalised() {
        let cases = [
            ("http://a", ("http", "a", "/")),
            (
                "https://a:8443/x/../y?q=1#top",
                ("https", "a:8443", "/x/../y?q=1"),
            ),
            ("http://u:p@a?q", ("http", "a", "/?q")),
            ("https://[::1]:80//%2F", ("https", "[::1]:80", "//%2F")),
            ("http://президент.рф/", ("http", "президент.рф", "/")),
        ];
        for (text, (scheme, authority, path)) in cases {
            let path = path.to_owned();
            assert_eq!(
                split(text),
                Some(Url {
                    scheme,
                    authority,
                    path
                }),
                "{text}"
            );
        }
        assert_eq!(split("data:text/plain,x"), None);
    }
}
