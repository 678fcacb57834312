//! Services behind the proxy. Each remembers what it received.

pub mod documents;
pub mod drawn;
mod echo;
pub mod ext_authz;
mod grpc;
pub mod payment;
mod received;
pub mod scripted;

use std::net::SocketAddr;

use crate::{LabError, server::Server};

use received::Log;
pub use received::Received;

/// An upstream on a port of its own; dropping it ends it.
#[derive(Debug)]
pub struct Upstream {
    server: Server,
    log: Log,
}

impl Upstream {
    /// Answers every request with 200 and a JSON account of it. A gRPC request
    /// gets its own message back and status 0.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn echo() -> Result<Self, LabError> {
        let log = Log::default();
        let server = Server::start("echo", echo::Echo::new(log.clone()))?;
        Ok(Self { server, log })
    }

    /// The payment service: see [`payment`].
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn payments() -> Result<Self, LabError> {
        let log = Log::default();
        let server = Server::start("payments", payment::Payments::new(log.clone()))?;
        Ok(Self { server, log })
    }

    /// Where it listens, for HTTP/1.1 and HTTP/2 in plain text.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What was received since the last call, in order of arrival.
    #[must_use]
    pub fn take_received(&self) -> Vec<Received> {
        self.log.take()
    }
}
