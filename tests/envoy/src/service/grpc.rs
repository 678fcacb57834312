//! Unary gRPC methods by tonic's server side.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use tonic::{Request, Response, Status, body::Body, server::Grpc};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::Received;

/// Answers `received` by `method`.
pub(super) async fn unary<Q, R, F>(received: &Received, method: F) -> http::Response<Body>
where
    Q: prost::Message + Default + Send + 'static,
    R: prost::Message + Send + 'static,
    F: FnMut(Q) -> Result<R, Status> + Send,
{
    let mut request = http::Request::new(Full::new(Bytes::from(received.body.clone())));
    for (name, value) in &received.headers {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::from_bytes(name),
            http::HeaderValue::from_bytes(value),
        ) {
            request.headers_mut().append(name, value);
        }
    }
    let mut server = Grpc::new(ProstCodec::<R, Q>::default());
    server
        .unary(
            Method {
                method,
                message: std::marker::PhantomData,
            },
            request,
        )
        .await
}

/// A method that does not exist.
pub(super) fn unimplemented() -> http::Response<Body> {
    Status::unimplemented("no such method").into_http()
}

struct Method<F, Q> {
    method: F,
    message: std::marker::PhantomData<fn(Q)>,
}

impl<F, Q, R> Service<Request<Q>> for Method<F, Q>
where
    F: FnMut(Q) -> Result<R, Status>,
{
    type Response = Response<R>;
    type Error = Status;
    type Future = Ready<Result<Response<R>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        ready((self.method)(request.into_inner()).map(Response::new))
    }
}
