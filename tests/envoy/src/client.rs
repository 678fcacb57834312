//! Clients in front of the proxy: any protocol, identity and address.

mod grpc;
mod hyper;
mod message;
mod stream;
mod tls;
mod underway;
pub mod wire;

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, runtime::Runtime, time::timeout};

use crate::{LabError, error::Doing, runtime};

pub use grpc::GrpcReply;
pub use message::{HeaderLines, Request, Response, header_lines};
pub use tls::ClientTls;
pub use underway::Underway;

/// Longest wait for one connection or one response.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 by hyper.
    Http1,
    /// HTTP/2 by hyper.
    Http2,
    /// HTTP/1.1 written byte for byte, for targets no well-behaved client
    /// sends: fragments, back-slashes, raw non-ASCII bytes, no `host`.
    Wire,
}

/// What to connect to, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    protocol: Protocol,
    tls: Option<ClientTls>,
    proxied: Option<(SocketAddr, SocketAddr)>,
}

impl Target {
    /// Plain text to a listener.
    #[must_use]
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        Self {
            address,
            protocol,
            tls: None,
            proxied: None,
        }
    }

    /// Over TLS.
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Begins with a PROXY header that claims these addresses.
    #[must_use]
    pub fn proxied(mut self, source: SocketAddr, destination: SocketAddr) -> Self {
        self.proxied = Some((source, destination));
        self
    }
}

/// Opens connections. All of them live on one background thread.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
}

impl Client {
    /// Starts the background thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn new() -> Result<Self, LabError> {
        let runtime = runtime::start("lab-client").doing("start a client")?;
        Ok(Self { runtime })
    }

    /// Connects, over TLS where asked for.
    ///
    /// # Errors
    /// When the connection or a handshake fails.
    pub fn connect(&self, target: &Target) -> Result<Connection<'_>, LabError> {
        let connecting = self
            .runtime
            .block_on(async { timeout(TIMEOUT, connect(target)).await });
        let inner = connecting.doing("connect")??;
        Ok(Connection {
            runtime: &self.runtime,
            inner,
        })
    }

    /// Begins a request on a connection of its own and does not wait for the response.
    #[must_use]
    pub fn begin(&self, target: &Target, request: &Request) -> Underway<'_> {
        Underway::begin(&self.runtime, target.clone(), request.clone())
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// When the connection fails before a whole response has arrived.
    pub fn send(&self, target: &Target, request: &Request) -> Result<Response, LabError> {
        self.connect(target)?.send(request)
    }
}

async fn connect(target: &Target) -> Result<Inner, LabError> {
    let tcp = TcpStream::connect(target.address).await.doing("connect")?;
    tcp.set_nodelay(true).doing("connect")?;
    let tcp = stream::announce(tcp, target.proxied).await?;
    let stream = stream::secure(tcp, target.tls.as_ref(), target.protocol).await?;
    match target.protocol {
        Protocol::Http1 => hyper::http1(stream).await.map(Inner::Http1),
        Protocol::Http2 => hyper::http2(stream).await.map(Inner::Http2),
        Protocol::Wire => Ok(Inner::Wire(stream)),
    }
}

enum Inner {
    Http1(hyper::Http1),
    Http2(hyper::Http2),
    Wire(stream::Stream),
}

/// An open connection; requests on it go one after another.
pub struct Connection<'a> {
    runtime: &'a Runtime,
    inner: Inner,
}

impl Connection<'_> {
    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    /// When the connection fails first, or the request cannot be expressed in
    /// the protocol of the connection.
    pub fn send(&mut self, request: &Request) -> Result<Response, LabError> {
        let inner = &mut self.inner;
        self.runtime
            .block_on(async { timeout(TIMEOUT, send(inner, request)).await })
            .doing("wait for a response")?
    }

    /// A unary gRPC call by tonic.
    ///
    /// # Errors
    /// When the connection is not an HTTP/2 one, or `metadata` is malformed.
    pub fn grpc<Q, R>(
        &mut self,
        authority: &str,
        path: &str,
        metadata: &[(&str, &str)],
        message: Q,
    ) -> Result<GrpcReply<R>, LabError>
    where
        Q: prost::Message + Send + 'static,
        R: prost::Message + Default + Send + 'static,
    {
        let Inner::Http2(connection) = &self.inner else {
            return Err(LabError::new(
                "call a gRPC method",
                "the connection is not HTTP/2",
            ));
        };
        let call = grpc::unary(connection.clone(), authority, path, metadata, message);
        self.runtime
            .block_on(async { timeout(TIMEOUT, call).await })
            .doing("wait for a gRPC reply")?
    }
}

async fn send(inner: &mut Inner, request: &Request) -> Result<Response, LabError> {
    match inner {
        Inner::Http1(connection) => hyper::send_http1(connection, request).await,
        Inner::Http2(connection) => hyper::send_http2(connection, request).await,
        Inner::Wire(stream) => wire::send(stream, request).await,
    }
}
