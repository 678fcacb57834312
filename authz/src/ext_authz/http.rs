//! `envoyExtAuthzHttp`: the request without its body, answered by a status.

use sluice_policy::{CalloutEvent, Fact, HeaderEdit, HeaderLine, Request};

use super::check::{Header, Outcome, text_of};
use super::edit::{Edits, is_lawful};
use super::provider::{HttpOptions, matches};

/// What goes along whatever `includeRequestHeadersInCheck` says.
const ALWAYS_SENT: [&[u8]; 4] = [b":method", b":path", b":authority", b"authorization"];

/// What a client gets of a refusal whatever `headersToDownstreamOnDeny` says.
const ALWAYS_RETURNED: [&[u8]; 2] = [b"www-authenticate", b"location"];

/// A provider's list of headers to take from the request.
const HEADERS_TO_REMOVE: &[u8] = b"x-envoy-auth-headers-to-remove";

/// The headers of the check, pseudo-headers first.
pub(super) fn headers(options: &HttpOptions, request: &Request<'_>) -> Vec<Header> {
    let mut headers = vec![
        header(b":method", text_of(request.method)),
        header(
            b":path",
            &[options.path_prefix.as_bytes(), text_of(request.path)].concat(),
        ),
        header(b":authority", text_of(request.authority)),
        header(b"content-length", b"0"),
    ];
    for (name, value) in request.headers.present().unwrap_or_default() {
        if is_sent(options, name) {
            join(&mut headers, name, value);
        }
    }
    for (name, value) in &options.additional {
        headers.retain(|(present, _)| present != name.as_bytes());
        headers.push(header(name.as_bytes(), value.as_bytes()));
    }
    headers
}

fn is_sent(options: &HttpOptions, name: &[u8]) -> bool {
    let already = name.starts_with(b":") || name == b"content-length" || name == b"host";
    !already && (ALWAYS_SENT.contains(&name) || matches(&options.include, name))
}

/// Envoy sends repeated lines as one, joined by commas.
fn join(headers: &mut Vec<Header>, name: &[u8], value: &[u8]) {
    match headers.iter_mut().find(|(present, _)| present == name) {
        Some((_, joined)) => {
            joined.push(b',');
            joined.extend_from_slice(value);
        }
        None => headers.push(header(name, value)),
    }
}

fn header(name: &[u8], value: &[u8]) -> Header {
    (name.to_vec(), value.to_vec())
}

/// Reads an answer.
pub(super) fn outcome(options: &HttpOptions, event: &CalloutEvent<'_>) -> Outcome {
    let CalloutEvent::HttpResponse { headers, body } = event else {
        return Outcome::Failed;
    };
    let status = headers
        .iter()
        .find(|(name, _)| *name == b":status")
        .map(|(_, value)| *value);
    match status.and_then(parse_status) {
        Some(200) => Outcome::Allowed(allowed(options, headers)),
        // A 5xx says that the check itself failed.
        Some(status @ (100..=499 | 600..=999)) => Outcome::Denied {
            status,
            headers: denied(options, headers),
            body: body.to_vec(),
        },
        Some(_) | None => Outcome::Failed,
    }
}

fn parse_status(value: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(value).ok().filter(|text| text.len() == 3)?;
    digits
        .parse()
        .ok()
        .filter(|status| (100..=999).contains(status))
}

fn allowed(options: &HttpOptions, headers: &[HeaderLine<'_>]) -> Edits {
    let mut edits = Edits::default();
    for (name, value) in real(headers) {
        if matches(&options.to_upstream_on_allow, name) {
            edits
                .request
                .push(HeaderEdit::Set(name.to_vec(), value.to_vec()));
        }
        if matches(&options.to_downstream_on_allow, name) {
            edits
                .response
                .push(HeaderEdit::Append(name.to_vec(), value.to_vec()));
        }
    }
    for (_, list) in headers
        .iter()
        .filter(|(name, _)| *name == HEADERS_TO_REMOVE)
    {
        for name in list.split(|&byte| byte == b',') {
            let removal = HeaderEdit::Remove(name.trim_ascii().to_ascii_lowercase());
            if is_lawful(&removal) {
                edits.request.push(removal);
            }
        }
    }
    edits
}

fn denied(options: &HttpOptions, headers: &[HeaderLine<'_>]) -> Vec<Header> {
    let list = &options.to_downstream_on_deny;
    let returned =
        |name: &[u8]| list.is_empty() || ALWAYS_RETURNED.contains(&name) || matches(list, name);
    real(headers)
        .filter(|(name, _)| returned(name))
        .map(|(name, value)| header(name, value))
        .collect()
}

/// The lines that may be handed on: not the pseudo-headers, not the framing of
/// this very answer, not the instructions to Envoy.
fn real<'h>(headers: &'h [HeaderLine<'h>]) -> impl Iterator<Item = HeaderLine<'h>> {
    const OWN: [&[u8]; 5] = [
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        HEADERS_TO_REMOVE,
    ];
    headers
        .iter()
        .copied()
        .filter(|(name, _)| !name.starts_with(b":") && !OWN.contains(name))
}

/// Whether it is known what to ask about. What is known to be absent is sent
/// empty, as Envoy does: a client that leaves `:path` out, as CONNECT does, must
/// not get past a provider that `failOpen` excuses.
pub(super) fn can_ask(request: &Request<'_>) -> bool {
    let vital = [request.method, request.path, request.authority];
    !(vital.iter().any(Fact::is_unavailable) || request.headers.is_unavailable())
}
