//! A gRPC client: tonic over a connection that is already open.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Uri, uri::PathAndQuery};
use hyper::body::Incoming;
use tonic::{Code, body::Body, client::Grpc, metadata::MetadataKey};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::hyper::Http2;
use crate::{LabError, error::Doing};

/// How a call ended.
#[derive(Debug)]
pub struct GrpcReply<R> {
    /// `grpc-status` as a number.
    pub status: i32,
    /// `grpc-message`, empty on success.
    pub message: String,
    /// The reply, if the call succeeded.
    pub reply: Option<R>,
}

pub(super) async fn unary<Q, R>(
    connection: Http2,
    authority: &str,
    path: &str,
    metadata: &[(&str, &str)],
    message: Q,
) -> Result<GrpcReply<R>, LabError>
where
    Q: prost::Message + Send + 'static,
    R: prost::Message + Default + Send + 'static,
{
    let origin = Uri::try_from(format!("http://{authority}")).doing("write the authority")?;
    let mut client = Grpc::with_origin(Channel(connection), origin);
    let mut request = tonic::Request::new(message);
    for (name, value) in metadata {
        let name = MetadataKey::from_bytes(name.as_bytes()).doing("write metadata")?;
        request
            .metadata_mut()
            .append(name, value.parse().doing("write metadata")?);
    }
    let path = PathAndQuery::try_from(path).doing("write the method")?;
    client.ready().await.doing("wait for the connection")?;
    let codec = ProstCodec::<Q, R>::default();
    Ok(reply(client.unary(request, path, codec).await))
}

fn reply<R>(result: Result<tonic::Response<R>, tonic::Status>) -> GrpcReply<R> {
    match result {
        Ok(response) => GrpcReply {
            status: Code::Ok.into(),
            message: String::new(),
            reply: Some(response.into_inner()),
        },
        Err(status) => GrpcReply {
            status: status.code().into(),
            message: status.message().to_owned(),
            reply: None,
        },
    }
}

/// An open connection as the service that tonic expects.
#[derive(Debug, Clone)]
struct Channel(Http2);

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
