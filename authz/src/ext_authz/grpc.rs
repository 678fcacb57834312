//! `envoyExtAuthzGrpc`: the request as a message, answered by a message.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use prost::Message;
use sluice_policy::{Fact, HeaderEdit, Request};

use super::check::{Event, Header, Outcome, text_of};
use super::edit::{Edits, is_lawful};
use super::proto::{self, CheckRequest, CheckResponse, HeaderValueOption};
use super::query;

/// Who to call: Istio replaces `|` in the authority, which some gRPC servers
/// refuse.
pub(super) fn target(cluster: &str) -> Vec<u8> {
    let authority = cluster.replace('|', "_.");
    let envoy_grpc = proto::EnvoyGrpc {
        cluster_name: cluster.to_owned(),
        authority,
    };
    proto::GrpcService {
        envoy_grpc: Some(envoy_grpc),
    }
    .encode_to_vec()
}

/// The question.
pub(super) fn message(request: &Request<'_>) -> Vec<u8> {
    let connection = &request.connection;
    let attributes = proto::AttributeContext {
        source: Some(proto::Peer {
            address: address(connection.remote_address),
            principal: text(connection.peer_uri_san),
        }),
        destination: Some(proto::Peer {
            address: address(connection.destination_address),
            principal: String::new(),
        }),
        request: Some(proto::CheckedRequest {
            http: Some(http(request)),
        }),
    };
    CheckRequest {
        attributes: Some(attributes),
    }
    .encode_to_vec()
}

fn http(request: &Request<'_>) -> proto::HttpRequest {
    let headers = headers(request);
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    proto::HttpRequest {
        id: header("x-request-id"),
        method: text(request.method),
        path: text(request.path),
        host: text(request.authority),
        scheme: header(":scheme"),
        size: header("content-length").parse().unwrap_or(-1),
        headers,
    }
}

/// All headers by name, repeated lines joined by commas.
fn headers(request: &Request<'_>) -> BTreeMap<String, String> {
    let pseudo = [
        (&b":method"[..], request.method),
        (b":path", request.path),
        (b":authority", request.authority),
    ];
    let mut headers = BTreeMap::new();
    for (name, value) in request.headers.present().unwrap_or_default() {
        let joined: &mut String = headers.entry(lossy(name)).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&lossy(value));
    }
    headers.extend(pseudo.map(|(name, value)| (lossy(name), text(value))));
    headers
}

fn address(address: Fact<SocketAddr>) -> Option<proto::Address> {
    let address = address.present()?;
    let socket_address = Some(proto::SocketAddress {
        address: address.ip().to_string(),
        port_value: u32::from(address.port()),
    });
    Some(proto::Address { socket_address })
}

fn text(fact: Fact<&[u8]>) -> String {
    lossy(text_of(fact))
}

/// Envoy replaces what is not UTF-8 in the strings of a check as well.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads an answer.
pub(super) fn outcome(event: &Event<'_>, request: &Request<'_>) -> Outcome {
    match event {
        Event::GrpcMessage(message) => match CheckResponse::decode(*message) {
            Ok(response) => read(response, request),
            Err(_) => Outcome::Failed,
        },
        // An end without a message is a failure whatever its status.
        Event::GrpcClosed(_) | Event::Failed | Event::HttpResponse { .. } => Outcome::Failed,
    }
}

fn read(response: CheckResponse, request: &Request<'_>) -> Outcome {
    // An absent status is OK in proto3, as Envoy reads it.
    if response.status.is_none_or(|status| status.code == 0) {
        return Outcome::Allowed(allowed(response.allowed.unwrap_or_default(), request));
    }
    denied(response.denied.unwrap_or_default())
}

fn allowed(allowed: proto::Allowed, request: &Request<'_>) -> Edits {
    let path = query::edited(
        text_of(request.path),
        &allowed.query_parameters_to_set,
        &allowed.query_parameters_to_remove,
    );
    let sets = allowed
        .headers
        .into_iter()
        .filter_map(|option| request_edit(option, request));
    let removals = allowed
        .headers_to_remove
        .into_iter()
        .map(|name| HeaderEdit::Remove(name.to_ascii_lowercase()));
    Edits {
        request: sets.chain(removals).filter(is_lawful).collect(),
        response: allowed
            .response_headers_to_add
            .into_iter()
            .filter_map(response_edit)
            .collect(),
        path,
    }
}

/// In the headers of the request only the deprecated `append` counts; it is
/// false unless set. Envoy appends only to what is there.
fn request_edit(option: HeaderValueOption, request: &Request<'_>) -> Option<HeaderEdit> {
    let append = option.append.is_some_and(|append| append.value);
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
        Some(append) => !append.value,
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
    let header = option.header.filter(|header| !header.key.is_empty())?;
    let value = if header.value.is_empty() {
        header.raw_value
    } else {
        header.value
    };
    Some((header.key.to_ascii_lowercase(), value))
}

fn denied(denied: proto::Denied) -> Outcome {
    // No status, or one that is none, is Forbidden.
    let status = denied.status.map_or(0, |status| status.code);
    let status = u16::try_from(status).unwrap_or(0);
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
