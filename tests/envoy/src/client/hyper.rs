//! Well-behaved HTTP clients.

use bytes::Bytes;
use http::{HeaderValue, Uri, header, uri};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::body::Body;

use super::{
    message::{Request, Response, header_lines, header_map},
    stream::Stream,
};
use crate::{LabError, error::Doing, frames::Frames};

pub(super) type Http1 = http1::SendRequest<Body>;
pub(super) type Http2 = http2::SendRequest<Body>;

/// Room for the odd requests whose headers fill Envoy's 60 KiB.
const MAX_HEADER_LIST_BYTES: u32 = 256 * 1024;

pub(super) async fn http1(stream: Stream) -> Result<Http1, LabError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .doing("start HTTP/1.1")?;
    // A connection that ends in an error shows it to the request that was on it.
    tokio::spawn(async { drop(connection.await) });
    Ok(sender)
}

pub(super) async fn http2(stream: Stream) -> Result<Http2, LabError> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .doing("start HTTP/2")?;
    tokio::spawn(async { drop(connection.await) });
    Ok(sender)
}

pub(super) async fn send_http1(
    connection: &mut Http1,
    request: &Request,
) -> Result<Response, LabError> {
    let uri = path_of(request)?.into_parts();
    let mut message = to_hyper(request, uri)?;
    if let Some(authority) = &request.authority {
        let host = HeaderValue::from_str(authority).doing("write the host header")?;
        message.headers_mut().insert(header::HOST, host);
    }
    name_trailers(&mut message, request)?;
    connection.ready().await.doing("wait for the connection")?;
    let response = connection
        .send_request(message)
        .await
        .doing("send a request")?;
    whole(response).await
}

pub(super) async fn send_http2(
    connection: &mut Http2,
    request: &Request,
) -> Result<Response, LabError> {
    let mut parts = path_of(request)?.into_parts();
    parts.scheme = Some(
        request
            .scheme
            .as_str()
            .try_into()
            .doing("write the scheme")?,
    );
    let authority = request.authority.as_deref().unwrap_or_default();
    parts.authority = Some(authority.try_into().doing("write the authority")?);
    let message = to_hyper(request, parts)?;
    connection.ready().await.doing("wait for the connection")?;
    let response = connection
        .send_request(message)
        .await
        .doing("send a request")?;
    whole(response).await
}

/// The target as `http` reads it, unless that would change it.
fn path_of(request: &Request) -> Result<Uri, LabError> {
    let path = Bytes::copy_from_slice(&request.path);
    let uri = Uri::from_maybe_shared(path).doing("write the path")?;
    let kept = uri.path_and_query().map(|path| path.as_str().as_bytes());
    if kept != Some(request.path.as_slice()) || uri.authority().is_some() {
        return Err(LabError::new(
            "write the path",
            format!(
                "{:?} would be changed on the way",
                String::from_utf8_lossy(&request.path)
            ),
        ));
    }
    Ok(uri)
}

fn to_hyper(request: &Request, parts: uri::Parts) -> Result<http::Request<Body>, LabError> {
    let mut message = http::Request::new(body_of(request)?);
    *message.method_mut() = request.method.parse().doing("write the method")?;
    *message.uri_mut() = Uri::from_parts(parts).doing("write the target")?;
    *message.headers_mut() = header_map(&request.headers)?;
    Ok(message)
}

fn body_of(request: &Request) -> Result<Body, LabError> {
    let body = Bytes::copy_from_slice(&request.body);
    if request.trailers.is_empty() {
        return Ok(Body::new(Full::new(body)));
    }
    Ok(Body::new(Frames::new(body, header_map(&request.trailers)?)))
}

/// hyper writes only the trailers that a `trailer` header announced.
fn name_trailers(message: &mut http::Request<Body>, request: &Request) -> Result<(), LabError> {
    let names: Vec<_> = request
        .trailers
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name))
        .collect();
    if !names.is_empty() {
        let names = HeaderValue::from_str(&names.join(", ")).doing("name the trailers")?;
        message.headers_mut().insert(header::TRAILER, names);
    }
    Ok(())
}

async fn whole(response: http::Response<Incoming>) -> Result<Response, LabError> {
    let (head, body) = response.into_parts();
    let collected = body.collect().await.doing("read a response body")?;
    Ok(Response {
        status: head.status.as_u16(),
        headers: header_lines(&head.headers),
        trailers: collected.trailers().map(header_lines).unwrap_or_default(),
        body: collected.to_bytes().to_vec(),
    })
}
