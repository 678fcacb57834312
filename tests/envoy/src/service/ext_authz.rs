//! An external authorizer as in Istio's samples: the request header
//! `x-ext-authz: allow` decides, over HTTP and over gRPC on the same port.

mod proto;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use prost::Message as _;
use tonic::body::Body;

use super::{Received, grpc, received::Log};
use crate::{
    LabError,
    error::Doing,
    server::{Handler, Server},
};

/// gRPC path of a check.
pub const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

const DECIDING_HEADER: &str = "x-ext-authz";
const OVERRIDE_HEADER: &str = "x-ext-authz-additional-header-override";
const RESULT_HEADER: &str = "x-ext-authz-check-result";
const RECEIVED_HEADER: &str = "x-ext-authz-check-received";
/// What the sample writes over the override header of a gRPC check.
const GRPC_OVERRIDE: &str = "grpc-additional-header-override-value";
const DENIED_BODY: &str =
    "denied by ext_authz for not found header `x-ext-authz: allow` in the request";

/// How the authorizer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `x-ext-authz: allow` is allowed, anything else denied.
    Header,
    /// Everything is allowed.
    Allow,
    /// Everything is denied.
    Deny,
}

/// A running authorizer; dropping it ends it.
#[derive(Debug)]
pub struct Authorizer {
    server: Server,
    log: Log,
}

impl Authorizer {
    /// Starts one on a port of its own.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(rule: Rule) -> Result<Self, LabError> {
        let log = Log::default();
        let server = Server::start(
            "ext-authz",
            Checks {
                rule,
                log: log.clone(),
            },
        )?;
        Ok(Self { server, log })
    }

    /// Where it listens, for HTTP/1.1 and HTTP/2 in plain text.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Checks received since the last call; for gRPC ones the body is the message.
    #[must_use]
    pub fn take_received(&self) -> Vec<Received> {
        self.log.take()
    }
}

struct Checks {
    rule: Rule,
    log: Log,
}

impl Handler for Checks {
    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        let received = Received::from(request).await;
        let rule = self.rule;
        let response = if received.is_grpc() && received.path == CHECK {
            grpc::unary(&received, |check| Ok(proto_answer(rule, &check))).await
        } else {
            http_answer(rule, &received)
        };
        self.log.add(received);
        response
    }
}

/// Answers a serialised `CheckRequest` without a network.
///
/// # Errors
/// When it is none.
pub fn check(rule: Rule, message: &[u8]) -> Result<Vec<u8>, LabError> {
    let check = proto::CheckRequest::decode(message).doing("read a check")?;
    Ok(proto_answer(rule, &check).encode_to_vec())
}

fn is_allowed(rule: Rule, deciding_header: Option<&[u8]>) -> bool {
    match rule {
        Rule::Header => deciding_header == Some(b"allow"),
        Rule::Allow => true,
        Rule::Deny => false,
    }
}

fn http_answer(rule: Rule, check: &Received) -> Response<Body> {
    let allowed = is_allowed(rule, check.header(DECIDING_HEADER));
    let body = if allowed { "" } else { DENIED_BODY };
    let mut response = Response::new(Body::new(Full::new(Bytes::from_static(body.as_bytes()))));
    if !allowed {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    let headers = response.headers_mut();
    put(headers, RESULT_HEADER, verdict(allowed).as_bytes());
    put(
        headers,
        OVERRIDE_HEADER,
        check.header(OVERRIDE_HEADER).unwrap_or_default(),
    );
    put(headers, RECEIVED_HEADER, account(check).as_bytes());
    response
}

fn verdict(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

fn account(check: &Received) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = check
        .headers
        .iter()
        .map(|(name, value)| format!("{}: {}", text(name), text(value)));
    let lines: Vec<_> = lines.collect();
    format!(
        "{} {}{}, headers: {}",
        check.method,
        check.authority,
        check.path,
        lines.join("; ")
    )
}

/// Leaves out what no header value can hold.
fn put(headers: &mut HeaderMap, name: &'static str, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn proto_answer(rule: Rule, check: &proto::CheckRequest) -> proto::CheckResponse {
    let http = check.http();
    let deciding = http
        .and_then(|http| http.headers.get(DECIDING_HEADER))
        .map(String::as_bytes);
    let allowed = is_allowed(rule, deciding);
    let received = http.map(|http| format!("{} {}{}", http.method, http.host, http.path));
    let headers = vec![
        proto::HeaderValueOption::new(RESULT_HEADER, verdict(allowed)),
        proto::HeaderValueOption::new(RECEIVED_HEADER, &received.unwrap_or_default()),
        proto::HeaderValueOption::new(OVERRIDE_HEADER, GRPC_OVERRIDE),
    ];
    if allowed {
        proto::CheckResponse::ok(headers)
    } else {
        proto::CheckResponse::denied(headers, DENIED_BODY)
    }
}
