//! A service that has a document for some addresses, and 404 for every other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::body::Body;

use crate::{
    LabError,
    server::{Handler, Server},
};

/// Documents by authority and path.
type Documents = BTreeMap<(String, String), Vec<u8>>;

/// The service, on a port of its own; dropping it ends it.
#[derive(Debug)]
pub struct Library {
    server: Server,
    documents: Arc<Mutex<Documents>>,
}

impl Library {
    /// Starts it without documents.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start() -> Result<Self, LabError> {
        let documents = Arc::new(Mutex::new(Documents::new()));
        let reader = Reader(Arc::clone(&documents));
        let server = Server::start("library", reader)?;
        Ok(Self { server, documents })
    }

    /// Where it listens, whatever hosts it stands for.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Keeps a document for an authority, port included, and a path.
    pub fn keep(&self, authority: &str, path: &str, document: impl Into<Vec<u8>>) {
        let address = (authority.to_owned(), path.to_owned());
        lock(&self.documents).insert(address, document.into());
    }
}

struct Reader(Arc<Mutex<Documents>>);

impl Handler for Reader {
    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        let host = request.headers().get(http::header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let authority = authority.or(host).unwrap_or_default().to_owned();
        let path = request
            .uri()
            .path_and_query()
            .map_or("", |path| path.as_str());
        let address = (authority, path.to_owned());
        let document = lock(&self.0).get(&address).cloned();
        let status = match document {
            Some(_) => StatusCode::OK,
            None => StatusCode::NOT_FOUND,
        };
        let body = Bytes::from(document.unwrap_or_default());
        let mut response = Response::new(Body::new(Full::new(body)));
        *response.status_mut() = status;
        response
    }
}

fn lock(documents: &Mutex<Documents>) -> std::sync::MutexGuard<'_, Documents> {
    documents.lock().unwrap_or_else(PoisonError::into_inner)
}
