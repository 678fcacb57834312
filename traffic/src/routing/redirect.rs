//! The answer that sends a client elsewhere, as Envoy's router writes it.

use sluice_policy::{Fact, Request};

use super::path;
use crate::config::{Redirect, RedirectPath, RedirectPort};
use crate::route_table::{Route, first_line, without_query};

/// The value of `location`.
pub(super) fn location<T>(redirect: &Redirect, route: &Route<T>, request: &Request<'_>) -> Vec<u8> {
    let found = first_line(request, ":scheme").unwrap_or(b"http");
    let scheme = redirect
        .scheme
        .as_ref()
        .map_or(found, |scheme| scheme.as_bytes());
    let port = match redirect.port {
        RedirectPort::Unchanged => None,
        RedirectPort::Number(port) => Some(port),
        RedirectPort::OfListener => match request.connection.destination_address {
            Fact::Present(address) => Some(address.port()),
            Fact::Absent | Fact::Unavailable => None,
        },
    };
    // Istio's control plane leaves out what the scheme says.
    let port = port.filter(|port| default_port(scheme) != Some(*port));
    let own = || host(request, scheme, port.is_some());
    let host = redirect
        .authority
        .as_ref()
        .map_or_else(own, |host| host.as_bytes());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    [
        scheme,
        b"://",
        host,
        port.as_bytes(),
        &target(redirect, route, request),
    ]
    .concat()
}

fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"http" => Some(80),
        b"https" => Some(443),
        _ => None,
    }
}

/// The request's own host. Its port goes when there is another one, or when it was that
/// of a scheme that it no longer has.
fn host<'a>(request: &Request<'a>, scheme: &[u8], has_port: bool) -> &'a [u8] {
    let Fact::Present(authority) = request.authority else {
        return b"";
    };
    let start = match authority.first() {
        Some(b'[') => authority
            .windows(2)
            .rposition(|pair| pair == b"]:")
            .map(|at| at + 1),
        _ => authority.iter().rposition(|byte| *byte == b':'),
    };
    let Some((host, port)) = start.and_then(|start| authority.split_at_checked(start)) else {
        return authority;
    };
    let before = first_line(request, "x-forwarded-proto").unwrap_or_default();
    let was_default = match default_port(before) {
        Some(default) => *port == *format!(":{default}").as_bytes(),
        None => false,
    };
    if has_port || (scheme != before && was_default) {
        host
    } else {
        authority
    }
}

/// Path and query.
fn target<T>(redirect: &Redirect, route: &Route<T>, request: &Request<'_>) -> Vec<u8> {
    let Fact::Present(path) = request.path else {
        return b"/".to_vec();
    };
    let bare = without_query(path);
    let query = path.get(bare.len()..).unwrap_or_default();
    let new = match &redirect.path {
        None => return path.to_vec(),
        Some(RedirectPath::Whole(text)) => text.as_bytes().to_vec(),
        Some(RedirectPath::Prefix(text)) => path::replace_matched(text, route, bare),
    };
    let slash: &[u8] = if new.starts_with(b"/") { b"" } else { b"/" };
    let query = if new.contains(&b'?') { b"" } else { query };
    [slash, &new, query].concat()
}
