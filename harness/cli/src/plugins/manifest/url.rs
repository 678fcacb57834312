//! `url` of a plugin, judged as Istio's webhook and CRD judge it.
//!
//! Both go through Go's `net/url.ParseRequestURI`, first on the text as it
//! stands, then with `http://` before it. What Go takes for a scheme decides:
//! `reg:5000/x` has the scheme `reg` and is refused, `10.0.0.1:5000/x` has none.

use sluice_policy::diagnostic::quote;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

/// Schemes that Istio fetches from. An empty scheme means an OCI image.
const SCHEMES: [&str; 5] = ["", "file", "http", "https", "oci"];

/// What is wrong with a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UrlError {
    /// Go refuses it with and without `http://` before it.
    Malformed,
    /// It has a scheme that Istio does not fetch from.
    Scheme(String),
}

/// Reads a URL.
pub(super) fn read<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let url = node.text(diagnostics)?;
    let found = match check(url) {
        Ok(()) => return Some(url),
        Err(UrlError::Malformed) => quote(url),
        Err(UrlError::Scheme(scheme)) => format!("the scheme {} in {}", quote(&scheme), quote(url)),
    };
    let expected = "a URL with http, https, file, oci or no scheme";
    let is_like_a_port = url.contains(':') && !url.contains("://");
    diagnostics
        .error(DiagnosticCode::InvalidUrl, node.path(), found, expected)
        .help = is_like_a_port
        .then(|| "an image in a registry with a port needs oci:// before it".to_owned());
    None
}

fn check(url: &str) -> Result<(), UrlError> {
    if url.is_empty() {
        return Err(UrlError::Malformed);
    }
    let scheme = request_uri_scheme(url)
        .or_else(|| request_uri_scheme(&format!("http://{url}")))
        .ok_or(UrlError::Malformed)?;
    if SCHEMES.contains(&scheme.as_str()) {
        Ok(())
    } else {
        Err(UrlError::Scheme(scheme))
    }
}

/// The scheme in lower case, or `None` where `ParseRequestURI` gives an error.
fn request_uri_scheme(url: &str) -> Option<String> {
    if url.is_empty() || url.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return None;
    }
    if url == "*" {
        return Some(String::new());
    }
    let (scheme, rest) = split_scheme(url)?;
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        // An opaque part needs a scheme; a path must begin with a slash.
        return (!scheme.is_empty()).then_some(scheme);
    }
    let path = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        None => rest,
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            valid_authority(authority).then_some(path)?
        }
    };
    escapes_are_whole(path).then_some(scheme)
}

/// Go's `getScheme`: no scheme is fine, a leading colon is not.
fn split_scheme(url: &str) -> Option<(String, &str)> {
    for (at, byte) in url.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => {
                return url
                    .split_once(':')
                    .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
            }
            _ => break,
        }
    }
    Some((String::new(), url))
}

fn valid_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    valid_user(user) && escapes_are_whole(user) && valid_host(host)
}

fn valid_user(user: &str) -> bool {
    user.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
}

fn valid_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(literal) => match literal.rsplit_once(']') {
            Some(parts) => parts,
            None => return false,
        },
        None => host
            .find(':')
            .map_or((host, ""), |colon| host.split_at(colon)),
    };
    valid_port(port) && escapes_are_whole(name) && name.bytes().all(valid_host_byte)
}

fn valid_host_byte(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// Nothing, or a colon and any number of digits, none included.
fn valid_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    }
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        matches!((digits.next(), digits.next()), (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_istio_takes() {
        let urls = [
            "http://test.com/test",
            "https://h/x?y=%zz",
            "oci://reg:5000/x:1",
            "file:///opt/filters/openid.wasm",
            "FILE:///x",
            "test.com/test",
            "test",
            "reg.io/ns/image@sha256",
            "10.0.0.1:5000/x",
            "http://[::1]:80/x",
            "/a/path",
            "file:x",
            // Refused as it stands; with `http://` before it Go reads a host called `http`.
            "http://a b/",
        ];
        for url in urls {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn refuses_other_schemes() {
        for (url, scheme) in [
            ("ftp://test.com/test", "ftp"),
            ("fake://example.com", "fake"),
            ("reg:5000/x", "reg"),
            ("reg.io:5000/x", "reg.io"),
        ] {
            assert_eq!(
                check(url),
                Err(UrlError::Scheme(scheme.to_owned())),
                "{url}"
            );
        }
    }

    #[test]
    fn refuses_what_go_cannot_read() {
        for url in ["#%blah$#@", "http://h/%zz", ":x", "a\u{1}b", ""] {
            assert_eq!(check(url), Err(UrlError::Malformed), "{url}");
        }
    }
}
