//! The parts of an http or https URL (RFC 3986), as far as a fetch needs them.

use std::net::Ipv6Addr;

use super::{BadUri, address};

/// Longer URLs are refused: no key set has one, and it would stand in a header.
const MAX_BYTES: usize = 2_048;

/// What is fetched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A URL in its parts. The fragment is left out: it is never sent (section 3.5).
#[derive(Debug)]
pub(super) struct Uri<'u> {
    pub(super) scheme: Scheme,
    /// In lower case, an IPv6 address without its brackets.
    pub(super) host: String,
    port: Option<u16>,
    /// Path and query; `/` when the URL has no path.
    pub(super) path: std::borrow::Cow<'u, str>,
}

impl<'u> Uri<'u> {
    pub(super) fn parse(uri: &'u str) -> Result<Self, BadUri> {
        let bad = |expected| BadUri::new(uri, expected);
        if uri.len() > MAX_BYTES {
            return Err(bad("a URL of at most 2048 bytes"));
        }
        // A blank, a line break or a bare Unicode letter would go into a header.
        if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad(
                "a URL of printable ASCII, other characters percent-encoded",
            ));
        }
        let (scheme, rest) =
            split_scheme(uri).ok_or_else(|| bad("a URL that begins with https:// or http://"))?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(BadUri {
                found: WITH_CREDENTIALS.to_owned(),
                expected: "a URL without credentials, which nothing would send",
            });
        }
        let (host, port) = split_port(authority).ok_or_else(|| bad("a port from 1 to 65535"))?;
        Ok(Self {
            scheme,
            host: read_host(host).map_err(bad)?,
            port,
            path: match path.starts_with('/') {
                true => path.into(),
                false => ["/", path].concat().into(),
            },
        })
    }

    /// The port, given or the scheme's own.
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.port())
    }

    /// `:authority`.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port() {
            port if port == self.scheme.port() => host,
            port => format!("{host}:{port}"),
        }
    }
}

/// What is told of such a URL: the credentials themselves belong into no log.
pub(super) const WITH_CREDENTIALS: &str = "a URL with user name or password";

fn split_scheme(uri: &str) -> Option<(Scheme, &str)> {
    let (name, rest) = uri.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    [Scheme::Https, Scheme::Http]
        .into_iter()
        .find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
        .map(|scheme| (scheme, rest))
}

/// Host and port. A colon with nothing behind it is the scheme's own port
/// (section 3.2.3).
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = authority.rfind(':').filter(|&colon| {
        !authority
            .get(colon..)
            .is_some_and(|rest| rest.contains(']'))
    });
    let Some((host, text)) = colon.and_then(|colon| authority.split_at_checked(colon)) else {
        return Some((authority, None));
    };
    let digits = text.strip_prefix(':')?;
    if digits.is_empty() {
        return Some((host, None));
    }
    // `parse` would take a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|&port: &u16| port != 0)?;
    is_number.then_some((host, Some(port)))
}

/// The host as a name of a service has it.
fn read_host(host: &str) -> Result<String, &'static str> {
    let host = match host.strip_prefix('[') {
        Some(rest) => {
            let is_literal = |text: &&str| text.parse::<Ipv6Addr>().is_ok();
            let literal = rest.strip_suffix(']').filter(is_literal);
            literal.ok_or("an IPv6 address between brackets")?
        }
        None => host,
    };
    let host = host.to_ascii_lowercase();
    address::check(&host)?;
    Ok(host)
}
