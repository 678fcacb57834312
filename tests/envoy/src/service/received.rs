//! What a service received.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use http::Version;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::client::{HeaderLines, header_lines};

/// A request as it came out of the proxy.
#[derive(Debug, Clone)]
pub struct Received {
    /// HTTP version of the upstream connection.
    pub version: Version,
    /// Method.
    pub method: String,
    /// `host` or `:authority`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Header lines without pseudo-headers and `host`; lines of one name stand together.
    pub headers: HeaderLines,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: HeaderLines,
}

impl Received {
    /// Reads the whole request. What follows a broken body is lost, as it is
    /// to any service.
    pub(super) async fn from(request: http::Request<Incoming>) -> Self {
        let (head, body) = request.into_parts();
        let collected = body.collect().await.ok();
        let trailers = collected.as_ref().and_then(|body| body.trailers());
        let mut headers = head.headers;
        let host = headers.remove(http::header::HOST);
        let host = host.as_ref().and_then(|host| host.to_str().ok());
        let authority = head
            .uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or(host);
        Self {
            version: head.version,
            method: head.method.to_string(),
            authority: authority.unwrap_or_default().to_owned(),
            path: head
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            headers: header_lines(&headers),
            trailers: trailers.map(header_lines).unwrap_or_default(),
            body: collected
                .map(|body| body.to_bytes().to_vec())
                .unwrap_or_default(),
        }
    }

    /// First header line of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(line, _)| line == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    pub(super) fn is_grpc(&self) -> bool {
        self.header("content-type")
            .is_some_and(|value| value.starts_with(b"application/grpc"))
    }
}

/// Everything received, shared between a service and who asks it.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Received>>>);

impl Log {
    pub(super) fn add(&self, received: Received) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(received);
    }

    pub(super) fn take(&self) -> Vec<Received> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
