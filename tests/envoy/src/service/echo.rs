//! A service that tells what it received.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use tonic::body::Body;

use super::{Received, received::Log};
use crate::{client::HeaderLines, frames::Frames, server::Handler};

pub(super) struct Echo {
    log: Log,
}

impl Echo {
    pub(super) fn new(log: Log) -> Self {
        Self { log }
    }
}

impl Handler for Echo {
    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        let received = Received::from(request).await;
        let response = if received.is_grpc() {
            grpc(&received)
        } else {
            account(&received)
        };
        self.log.add(received);
        response
    }
}

/// The message comes back untouched, so no message type is needed.
fn grpc(received: &Received) -> Response<Body> {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Frames::new(received.body.clone(), trailers);
    with_type(Body::new(body), "application/grpc")
}

fn account(received: &Received) -> Response<Body> {
    let account = json!({
        "method": received.method,
        "authority": received.authority,
        "path": received.path,
        "headers": lines(&received.headers),
        "trailers": lines(&received.trailers),
        "body_bytes": received.body.len(),
    });
    with_type(
        Body::new(Full::new(Bytes::from(account.to_string()))),
        "application/json",
    )
}

fn with_type(body: Body, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Each byte becomes the character of the same number, so that nothing is lost.
fn lines(lines: &HeaderLines) -> Vec<[String; 2]> {
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    lines
        .iter()
        .map(|(name, value)| [text(name), text(value)])
        .collect()
}
