//! What a client is told.

use sluice_policy::{Reply, Request};

use crate::status::Status;

/// Envoy's limit for the path in `www-authenticate`.
const MOST_PATH_BYTES: usize = 256;

/// Status `UNAUTHENTICATED` of gRPC, and `PERMISSION_DENIED`.
const UNAUTHENTICATED: u8 = 16;
const PERMISSION_DENIED: u8 = 7;

/// The reply to a request that is refused.
///
/// Status, body, header and details are those of Envoy's JWT filter, so that what was
/// written for it (alerts, clients that ask for a new token) goes on working. A gRPC
/// client gets the status in the headers of an HTTP 200: Envoy makes that of it.
pub fn refusal(status: Status, request: &Request<'_>) -> Reply {
    Reply {
        status: status.http(),
        headers: vec![
            (b"content-type".to_vec(), b"text/plain".to_vec()),
            (b"www-authenticate".to_vec(), challenge(status, request)),
        ],
        body: status.text().into(),
        details: details(status),
        grpc_status: Some(match status.http() {
            403 => PERMISSION_DENIED,
            _ => UNAUTHENTICATED,
        }),
    }
}

/// RFC 6750 section 3.
fn challenge(status: Status, request: &Request<'_>) -> Vec<u8> {
    let mut challenge = b"Bearer realm=\"".to_vec();
    push_uri(&mut challenge, request);
    challenge.push(b'"');
    if status != Status::Missing {
        challenge.extend_from_slice(b", error=\"invalid_token\"");
    }
    challenge
}

/// The URL that the client asked for, cut as Envoy cuts it.
fn push_uri(out: &mut Vec<u8>, request: &Request<'_>) {
    let header = |wanted: &[u8]| {
        let lines = request.headers.present().unwrap_or_default();
        let line = lines.iter().find(|(name, _)| *name == wanted);
        line.map(|(_, value)| *value)
    };
    let Some(path) = header(b"x-envoy-original-path").or(request.path.present()) else {
        return;
    };
    let shown = path.get(..MOST_PATH_BYTES).unwrap_or(path);
    let scheme = header(b":scheme").or_else(|| header(b"x-forwarded-proto"));
    for part in [
        scheme.unwrap_or_default(),
        b"://",
        request.authority.present().unwrap_or_default(),
        shown,
    ] {
        out.extend(part.iter().copied().filter(|byte| is_quotable(*byte)));
    }
}

/// What may stand inside of the quotes: a client could end them otherwise.
fn is_quotable(byte: u8) -> bool {
    byte != b'"' && byte != b'\\' && !byte.is_ascii_control()
}

/// Like Envoy, without blanks: access logs are split at them.
fn details(status: Status) -> Vec<u8> {
    let underscored = |byte: u8| match byte.is_ascii_whitespace() {
        true => b'_',
        false => byte,
    };
    let mut details = b"jwt_authn_access_denied{".to_vec();
    details.extend(status.text().bytes().map(underscored));
    details.push(b'}');
    details
}
