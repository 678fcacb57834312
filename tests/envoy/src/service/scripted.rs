//! A service that answers as it is told: well, late, never, or with rubbish.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::body::Body;

use super::{Received, received::Log};
use crate::{
    LabError,
    server::{Handler, Server},
};

/// One way to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Body.
    pub body: Vec<u8>,
    /// Wait before it.
    pub after: Duration,
}

impl Answer {
    /// 200 at once.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            after: Duration::ZERO,
        }
    }

    /// With that status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::ok("")
        }
    }

    /// With one more header line.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Later.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

/// The service. It keeps its port while it is down.
#[derive(Debug)]
pub struct Scripted {
    server: Option<Server>,
    port: u16,
    answer: Arc<Mutex<Answer>>,
    log: Log,
}

impl Scripted {
    /// Starts it on a port of its own; every request is answered so, until told otherwise.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(answer: Answer) -> Result<Self, LabError> {
        let mut service = Self {
            server: None,
            port: 0,
            answer: Arc::new(Mutex::new(answer)),
            log: Log::default(),
        };
        service.restart()?;
        Ok(service)
    }

    /// Where it listens while it is up.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        std::net::SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// From now on every request is answered so.
    pub fn answer(&self, answer: Answer) {
        *lock(&self.answer) = answer;
    }

    /// Ends every connection; new ones are refused.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When somebody else has taken it.
    pub fn restart(&mut self) -> Result<(), LabError> {
        self.kill();
        let script = Script {
            answer: Arc::clone(&self.answer),
            log: self.log.clone(),
        };
        let server = Server::start_at("scripted", self.port, script)?;
        self.port = server.address().port();
        self.server = Some(server);
        Ok(())
    }

    /// What was received since the last call, in order of arrival.
    #[must_use]
    pub fn take_received(&self) -> Vec<Received> {
        self.log.take()
    }
}

struct Script {
    answer: Arc<Mutex<Answer>>,
    log: Log,
}

impl Handler for Script {
    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        self.log.add(Received::from(request).await);
        let answer = lock(&self.answer).clone();
        tokio::time::sleep(answer.after).await;
        let mut response = Response::new(Body::new(Full::new(Bytes::from(answer.body))));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers {
            let value = HeaderValue::from_static(value);
            response.headers_mut().append(name, value);
        }
        response
    }
}

fn lock(answer: &Mutex<Answer>) -> std::sync::MutexGuard<'_, Answer> {
    answer.lock().unwrap_or_else(PoisonError::into_inner)
}
