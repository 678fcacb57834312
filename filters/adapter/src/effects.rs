//! Carries out what a filter decided.

use sluice_policy::{Callout, HeaderEdit, Reply};

use crate::abi::{GrpcCall, HeaderMap, Host, HttpCall, Level, LocalReply};

/// Edits headers; `false` when the host refused one of the edits.
pub(crate) fn edit(host: Host<'_>, map: HeaderMap, edits: &[HeaderEdit]) -> bool {
    edits.iter().all(|edit| {
        match edit {
            HeaderEdit::Set(name, value) => host.set_header(map, name, value),
            HeaderEdit::Append(name, value) => host.add_header(map, name, value),
            HeaderEdit::Remove(name) => host.remove_header(map, name),
        }
        .is_ok()
    })
}

/// Answers the request. A refusal that cannot be sent becomes a reset: the
/// request must not go on.
pub(crate) fn reply(host: Host<'_>, reply: &Reply) {
    let headers = borrow(&reply.headers);
    let sent = host.reply(&LocalReply {
        status: reply.status.into(),
        details: &reply.details,
        body: &reply.body,
        headers: &headers,
        grpc_status: reply.grpc_status,
    });
    if sent.is_err() {
        reset(host);
    }
}

/// Resets the request.
pub(crate) fn reset(host: Host<'_>) {
    if host.reset_request().is_err() {
        host.log(
            Level::Error,
            "a request could neither be answered nor reset",
        );
    }
}

/// Starts a callout; `None` when the host refused it.
pub(crate) fn call(host: Host<'_>, callout: &Callout) -> Option<u32> {
    let started = match callout {
        Callout::Http {
            cluster,
            headers,
            timeout_ms,
        } => host.http_call(&HttpCall {
            cluster,
            headers: &borrow(headers),
            body: &[],
            timeout_ms: *timeout_ms,
        }),
        Callout::Grpc {
            target,
            service,
            method,
            message,
            timeout_ms,
            ..
        } => host.grpc_call(&GrpcCall {
            service: target,
            service_name: service,
            method,
            metadata: &[],
            message,
            timeout_ms: *timeout_ms,
        }),
    };
    started.ok()
}

fn borrow(lines: &[(Vec<u8>, Vec<u8>)]) -> Vec<(&[u8], &[u8])> {
    lines
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect()
}
