//! Cookies of a request (RFC 6265 section 4.2), as Envoy reads them.

/// The value of the first cookie of that name in one `cookie` line.
pub(crate) fn first<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let mut cookies = line.split(|byte| *byte == b';');
    cookies.find_map(|cookie| {
        let after = unspaced(cookie).strip_prefix(name)?;
        after.strip_prefix(b"=").map(unquoted)
    })
}

fn unspaced(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b" ") {
        bytes = rest;
    }
    bytes
}

fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"");
    inner
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::first;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn value<'l>(line: &'l str, name: &str) -> Option<&'l str> {
        first(line.as_bytes(), name.as_bytes()).map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        assert_eq!(value("a=1; t=T; t=U", "t"), Some("T"));
        assert_eq!(value("t=a=b", "t"), Some("a=b"));
        assert_eq!(value("t=", "t"), Some(""));
        assert_eq!(value("tt=1;t;T=2", "t"), None);
    }

    #[test]
    fn quotes_around_a_value_go() {
        assert_eq!(value("t=\"T\"", "t"), Some("T"));
        assert_eq!(value("t=\"T", "t"), Some("\"T"));
        assert_eq!(value("t=\"", "t"), Some("\""));
        assert_eq!(value("t=\"\"", "t"), Some(""));
    }
}
