//! `envoyExtAuthzGrpc`: the request as a message, answered by a message.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sluice_policy::protobuf::Message;
use sluice_policy::{CalloutEvent, Fact, HeaderEdit, Request};

use super::check::{Header, Outcome, text_of};
use super::edit::{Edits, is_lawful};
use super::proto::{Allowed, CheckResponse, Denied, HeaderValueOption};
use super::query;

/// Who to call, as an `envoy.config.core.v3.GrpcService`. Istio replaces `|` in
/// the authority, which some gRPC servers refuse.
pub(super) fn target(cluster: &str) -> Vec<u8> {
    let mut envoy_grpc = Message::default();
    envoy_grpc.bytes(1, cluster.as_bytes());
    envoy_grpc.bytes(2, cluster.replace('|', "_.").as_bytes());
    let mut service = Message::default();
    service.message(1, &envoy_grpc);
    service.into_bytes()
}

/// The question: a `CheckRequest`, which is an `AttributeContext`.
pub(super) fn message(request: &Request<'_>) -> Vec<u8> {
    let connection = &request.connection;
    let principal = text(connection.peer_uri_san);
    let mut checked = Message::default();
    checked.message(2, &http(request));
    let mut attributes = Message::default();
    attributes.message(1, &peer(connection.remote_address, &principal));
    attributes.message(2, &peer(connection.destination_address, ""));
    attributes.message(4, &checked);
    let mut check = Message::default();
    check.message(1, &attributes);
    check.into_bytes()
}

/// `AttributeContext.HttpRequest`.
fn http(request: &Request<'_>) -> Message {
    let headers = headers(request);
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut http = Message::default();
    http.bytes(1, header("x-request-id").as_bytes());
    http.bytes(2, text(request.method).as_bytes());
    for (name, value) in &headers {
        let mut entry = Message::default();
        entry.bytes(1, name.as_bytes());
        entry.bytes(2, value.as_bytes());
        http.message(3, &entry);
    }
    http.bytes(4, text(request.path).as_bytes());
    http.bytes(5, text(request.authority).as_bytes());
    http.bytes(6, header(":scheme").as_bytes());
    // Size of the body in bytes, -1 if unknown.
    let size: i64 = header("content-length").parse().unwrap_or(-1);
    http.varint(9, size.cast_unsigned());
    http
}

/// All headers by name, repeated lines joined by commas.
/// Envoy says with this header that it sent a part of the body; a client may not.
const PARTIAL_BODY: &[u8] = b"x-envoy-auth-partial-body";

fn headers(request: &Request<'_>) -> BTreeMap<String, String> {
    let pseudo = [
        (&b":method"[..], request.method),
        (b":path", request.path),
        (b":authority", request.authority),
    ];
    let mut headers = BTreeMap::new();
    for (name, value) in request.headers.present().unwrap_or_default() {
        if *name == PARTIAL_BODY {
            continue;
        }
        let join = |joined: &mut String| {
            joined.push(',');
            joined.push_str(&lossy(value));
        };
        headers
            .entry(lossy(name))
            .and_modify(join)
            .or_insert_with(|| lossy(value));
    }
    for (name, value) in pseudo {
        if let Fact::Present(value) = value {
            headers.insert(lossy(name), lossy(value));
        }
    }
    headers
}

/// `AttributeContext.Peer`: an address, and the identity of the certificate.
fn peer(address: Fact<SocketAddr>, principal: &str) -> Message {
    let mut peer = Message::default();
    if let Fact::Present(address) = address {
        let mut socket_address = Message::default();
        socket_address.bytes(2, address.ip().to_string().as_bytes());
        socket_address.varint(3, address.port().into());
        let mut address = Message::default();
        address.message(1, &socket_address);
        peer.message(1, &address);
    }
    peer.bytes(4, principal.as_bytes());
    peer
}

fn text(fact: Fact<&[u8]>) -> String {
    lossy(text_of(fact))
}

/// Envoy replaces what is not UTF-8 in the strings of a check as well.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads an answer.
pub(super) fn outcome(event: &CalloutEvent<'_>, request: &Request<'_>) -> Outcome {
    match event {
        CalloutEvent::GrpcMessage(message) => match CheckResponse::decode(message) {
            Some(response) => read(response, request),
            None => Outcome::Failed,
        },
        // An end without a message is a failure whatever its status.
        CalloutEvent::GrpcClosed(_) | CalloutEvent::Failed | CalloutEvent::HttpResponse { .. } => {
            Outcome::Failed
        }
    }
}

fn read(response: CheckResponse, request: &Request<'_>) -> Outcome {
    if response.status == 0 {
        return Outcome::Allowed(allowed(response.allowed, request));
    }
    denied(response.denied)
}

fn allowed(allowed: Allowed, request: &Request<'_>) -> Edits {
    let path = query::edited(
        text_of(request.path),
        &allowed.query_parameters_to_set,
        &allowed.query_parameters_to_remove,
    );
    let mut edits = Edits {
        path,
        ..Edits::default()
    };
    for option in allowed.headers {
        edits.request.extend(request_edit(option, request));
    }
    for name in allowed.headers_to_remove {
        let removal = HeaderEdit::Remove(name.to_ascii_lowercase());
        edits.request.push(removal);
    }
    edits.request.retain(is_lawful);
    for option in allowed.response_headers_to_add {
        edits.response.extend(response_edit(option));
    }
    edits
}

/// In the headers of the request only the deprecated `append` counts; it is
/// false unless set. Envoy appends only to what is there.
fn request_edit(option: HeaderValueOption, request: &Request<'_>) -> Option<HeaderEdit> {
    let append = option.append.unwrap_or(false);
    let (name, value) = header(option)?;
    if !append {
        return Some(HeaderEdit::Set(name, value));
    }
    let lines = request.headers.present().unwrap_or_default().iter();
    let mut present = lines
        .filter(|line| line.0 == name)
        .map(|line| line.1)
        .peekable();
    present.peek()?;
    let joined = present
        .chain([value.as_slice()])
        .collect::<Vec<_>>()
        .join(&b',');
    Some(HeaderEdit::Set(name, joined))
}

/// In the headers of the response `append` wins over `append_action`. What
/// depends on the response, which is not there yet, is taken as if the header
/// were absent (`ADD_IF_ABSENT`) or present (`OVERWRITE_IF_EXISTS`).
fn response_edit(option: HeaderValueOption) -> Option<HeaderEdit> {
    let overwrites = match option.append {
        Some(append) => !append,
        None => matches!(option.append_action, 2 | 3),
    };
    let (name, value) = header(option)?;
    Some(if overwrites {
        HeaderEdit::Set(name, value)
    } else {
        HeaderEdit::Append(name, value)
    })
}

fn header(option: HeaderValueOption) -> Option<Header> {
    if option.key.is_empty() {
        return None;
    }
    let value = if option.value.is_empty() {
        option.raw_value
    } else {
        option.value
    };
    Some((option.key.to_ascii_lowercase(), value))
}

fn denied(denied: Denied) -> Outcome {
    // No status, or one that is none, is Forbidden.
    let status = u16::try_from(denied.status).unwrap_or(0);
    let status = if (200..600).contains(&status) {
        status
    } else {
        403
    };
    let headers = denied.headers.into_iter().filter_map(header);
    let headers = headers.filter(|(name, _)| !name.starts_with(b":") && name != b"content-length");
    Outcome::Denied {
        status,
        headers: headers.collect(),
        body: denied.body,
    }
}
