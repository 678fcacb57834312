//! A small HTTP server: HTTP/1.1 and HTTP/2 on one plain-text port.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tonic::body::Body;

use crate::{LabError, error::Doing, runtime};

/// Room for requests that fill Envoy's 60 KiB of headers.
const MAX_HEADER_LIST_BYTES: u32 = 256 * 1024;

/// Answers one request.
pub(crate) trait Handler: Send + Sync + 'static {
    fn answer(
        &self,
        request: http::Request<Incoming>,
    ) -> impl Future<Output = http::Response<Body>> + Send;
}

/// A server on a port of its own; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// On a free port.
    pub(crate) fn start(name: &str, handler: impl Handler) -> Result<Self, LabError> {
        Self::start_at(name, 0, handler)
    }

    /// On that port, which may have been another server's a moment ago.
    pub(crate) fn start_at(name: &str, port: u16, handler: impl Handler) -> Result<Self, LabError> {
        let doing = format!("start the service {name}");
        let runtime = runtime::start(name).doing(&doing)?;
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", port)))
            .doing(&doing)?;
        let address = listener.local_addr().doing(&doing)?;
        runtime.spawn(accept(listener, Arc::new(handler)));
        Ok(Self {
            address,
            _runtime: runtime,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, Arc::clone(&handler)));
    }
}

async fn serve<H: Handler>(stream: TcpStream, handler: Arc<H>) {
    let answer = service_fn(|request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler.answer(request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_header_list_size(MAX_HEADER_LIST_BYTES);
    // The proxy in front ends connections as it likes; what it made of an
    // exchange is seen by the client.
    drop(builder.serve_connection(TokioIo::new(stream), answer).await);
}
