//! Requests and responses as bytes.

use http::HeaderMap;

use crate::{LabError, error::Doing};

/// Header lines in order, repeated names repeated.
pub type HeaderLines = Vec<(Vec<u8>, Vec<u8>)>;

/// A request to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: String,
    /// `:scheme` on HTTP/2.
    pub scheme: String,
    /// `host` or `:authority`; none leaves it out, which only [`super::Protocol::Wire`] can.
    pub authority: Option<String>,
    /// Request target: path and query.
    pub path: Vec<u8>,
    /// Other header lines.
    pub headers: HeaderLines,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: HeaderLines,
}

impl Request {
    /// A request without body to `http://AUTHORITY/PATH`.
    #[must_use]
    pub fn new(method: &str, authority: &str, path: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            scheme: "http".to_owned(),
            authority: Some(authority.to_owned()),
            path: path.as_ref().to_vec(),
            ..Self::default()
        }
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a trailer.
    #[must_use]
    pub fn trailer(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.trailers
            .push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }
}

/// A whole response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header lines, without `:status`.
    pub headers: HeaderLines,
    /// Body, with any transfer coding undone.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: HeaderLines,
}

impl Response {
    /// First header line of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        first(&self.headers, name)
    }

    /// `grpc-status`, from the trailers or from a trailers-only response.
    #[must_use]
    pub fn grpc_status(&self) -> Option<&[u8]> {
        first(&self.trailers, "grpc-status").or_else(|| self.header("grpc-status"))
    }
}

fn first<'a>(lines: &'a HeaderLines, name: &str) -> Option<&'a [u8]> {
    lines
        .iter()
        .find(|(line, _)| line.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
}

/// The lines of a header map.
#[must_use]
pub fn header_lines(map: &HeaderMap) -> HeaderLines {
    map.iter()
        .map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

pub(super) fn header_map(lines: &HeaderLines) -> Result<HeaderMap, LabError> {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let name = http::HeaderName::from_bytes(name).doing("write a header name")?;
        let value = http::HeaderValue::from_bytes(value).doing("write a header value")?;
        map.append(name, value);
    }
    Ok(map)
}
